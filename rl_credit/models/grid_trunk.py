"""From what a grid shows to features: vectors as they are, planes by convolutions."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from rl_credit.models.heads import ACTIVATIONS, HIDDEN, dense

WINDOW = 3  # cells a side that a convolution looks at


def patches(
    planes: Float[Array, "batch height width channels"], *, stride: int
) -> Float[Array, "batch rows columns window"]:
    """Every 3x3 window, flattened; those over the border are left out.

    Slices and one product with the weights, instead of XLA's convolution: agents of
    several seeds are trained side by side, which would make it a grouped one, and
    those are slow on a CPU.
    """
    _, height, width, _ = planes.shape
    last = height - WINDOW + 1, width - WINDOW + 1
    shifted = [
        planes[:, row : row + last[0] : stride, column : column + last[1] : stride]
        for row in range(WINDOW)
        for column in range(WINDOW)
    ]
    return jnp.concatenate(shifted, axis=-1)


class Trunk(nn.Module):
    """[time batch ...] to [time batch width]; without layers it only flattens."""

    classes: int  # of a discrete observation, given as one-hot; 0: it is none
    scale: float  # of the numbers observed: 1 / 255 for pixels
    channels: tuple[int, ...]  # of the convolutions
    stride: int  # of each
    width: int  # of the layer after them; 0: no such layer
    activation: str  # in ACTIVATIONS

    @nn.compact
    def __call__(
        self, observations: Shaped[Array, "time batch ..."]
    ) -> Float[Array, "time batch features"]:
        activation = ACTIVATIONS[self.activation]
        leading = observations.shape[:2]
        if self.classes:
            seen = jax.nn.one_hot(observations, self.classes)
        else:
            seen = observations.astype(jnp.float32)
            seen = seen if self.scale == 1.0 else seen * self.scale
        seen = seen.reshape(leading[0] * leading[1], *seen.shape[2:])
        for place, channels in enumerate(self.channels):
            windows = patches(seen, stride=self.stride)
            seen = activation(dense(channels, HIDDEN, f"conv_{place}")(windows))
        seen = seen.reshape(*leading, -1)
        if self.width:
            seen = activation(dense(self.width, HIDDEN, "features")(seen))
        return seen
