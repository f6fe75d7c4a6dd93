"""What ends a network: a few hidden layers and a linear one, for a policy or a value.

Initial weights are orthogonal, the policy's last ones small, as in the released PPO
(openai/baselines); "What Matters in On-Policy RL?" (arXiv 2006.05990) confirms both.
"""

from collections.abc import Callable

import flax.linen as nn
import jax
from jaxtyping import Array, Float

from rl_credit.models.orthogonal import orthogonal

ACTIVATIONS: dict[str, Callable] = {
    "elu": jax.nn.elu,
    "relu": jax.nn.relu,
    "silu": jax.nn.silu,
    "tanh": jax.numpy.tanh,
}
HIDDEN, POLICY, VALUE = 2**0.5, 0.01, 1.0  # scales of initial weights


def dense(width: int, scale: float, name: str) -> nn.Dense:
    """A linear layer with orthogonal weights of that scale."""
    return nn.Dense(width, kernel_init=orthogonal(scale), name=name)


class Head(nn.Module):
    """[... width] to [... outputs]."""

    hidden: tuple[int, ...]  # widths
    activation: str  # in ACTIVATIONS
    outputs: int
    scale: float  # of the last layer's initial weights

    @nn.compact
    def __call__(self, features: Float[Array, "..."]) -> Float[Array, "..."]:
        for place, width in enumerate(self.hidden):
            features = dense(width, HIDDEN, f"hidden_{place}")(features)
            features = ACTIVATIONS[self.activation](features)
        return dense(self.outputs, self.scale, "last")(features)
