"""Policy and value of an agent in a grid, or in anything else of gymnax."""

import dataclasses

import flax.linen as nn
from jaxtyping import Array, Bool, Float, Shaped

from rl_credit.models.grid_memory import Memory
from rl_credit.models.grid_trunk import WINDOW, Trunk
from rl_credit.models.heads import ACTIVATIONS, POLICY, VALUE, Head
from rl_credit.ops import names
from rl_credit.types import record


@record
class Judged:
    """What the network says of [time batch] observations."""

    memory: Float[Array, "batch memory"] | None  # after the last one, if it has any
    logits: Float[Array, "time batch actions"]
    values: Float[Array, "time batch"]
    features: Float[Array, "time batch features"]  # of the trunk, before any memory


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Trunk, memory, and two heads: the trunk alone is shared by policy and value."""

    channels: tuple[int, ...]  # of 3x3 convolutions; (): none, planes are flattened
    stride: int  # of each
    features: int  # width of the layer after them; 0: none
    memory: int  # width of the recurrent layer; 0: none, and no memory is handed on
    hidden: tuple[int, ...]  # widths of each head's layers before its last
    activation: str  # in heads.ACTIVATIONS

    def __post_init__(self):
        if self.activation not in ACTIVATIONS:
            raise ValueError(names.unknown("activation", self.activation, ACTIVATIONS))
        widths = dict(channels=self.channels, hidden=self.hidden)
        for name, given in widths.items():
            if any(width < 1 for width in given):
                raise ValueError(f"{name} is {given}; every width must be 1 or more")
        for name, low in dict(stride=1, features=0, memory=0).items():
            if getattr(self, name) < low:
                raise ValueError(f"{name} is {getattr(self, name)}; give {low} or more")


class GridNetwork(nn.Module):
    """Of an environment with so many actions, told apart from [time batch ...]."""

    actions: int
    classes: int  # see Trunk
    scale: float  # see Trunk
    sizes: Sizes

    @nn.compact
    def __call__(
        self,
        memory: Float[Array, "batch memory"] | None,
        observations: Shaped[Array, "time batch ..."],
        starts: Bool[Array, "time batch"],
    ) -> Judged:
        """Of steps that follow each other; one that starts an episode has no past."""
        sizes = self.sizes
        trunk = Trunk(
            classes=self.classes,
            scale=self.scale,
            channels=sizes.channels,
            stride=sizes.stride,
            width=sizes.features,
            activation=sizes.activation,
            name="trunk",
        )
        features = seen = trunk(observations)
        if memory is not None:
            memory, seen = Memory(sizes.memory, name="memory")(memory, seen, starts)
        shape = sizes.hidden, sizes.activation
        logits = Head(*shape, self.actions, POLICY, name="policy")(seen)
        values = Head(*shape, 1, VALUE, name="value")(seen)
        return Judged(memory, logits, values[..., 0], features)


def check_planes(sizes: Sizes, shape: tuple[int, ...]) -> None:
    """Raises ValueError where convolutions cannot look at observations of a shape."""
    if not sizes.channels:
        return
    if len(shape) != 3:
        raise ValueError(
            f"channels={sizes.channels} is for planes [height, width, channels], and "
            f"this environment shows {list(shape)}; give channels=()"
        )
    height, width, _ = shape
    for place in range(len(sizes.channels)):
        if min(height, width) < WINDOW:
            raise ValueError(
                f"channels={sizes.channels} with stride={sizes.stride} leaves "
                f"{height} x {width} cells of {shape[0]} x {shape[1]} before layer "
                f"{place + 1}, which looks at {WINDOW} x {WINDOW}; give fewer layers"
            )
        height, width = ((n - WINDOW) // sizes.stride + 1 for n in (height, width))
