"""A run on a mesh of devices nobody has: its shapes, and where arrays would lie."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import AbstractMesh, NamedSharding

from rl_credit.analysis.plan.devices import Kind
from rl_credit.models import decoder as decoders
from rl_credit.models import partition as tables
from rl_credit.models.config import DecoderConfig
from rl_credit.models.decoder import Decoder
from rl_credit.ops import buckets
from rl_credit.rollout.speakers import ROWS
from rl_credit.runtime import mesh as meshes
from rl_credit.runtime import partition
from rl_credit.runtime.partition import AnyMesh, Rules
from rl_credit.training.settings import Settings
from rl_credit.types import TokenBatch


@dataclasses.dataclass(frozen=True)
class Job:
    """The text agent of some settings, as large as its episodes can get.

    Every prompt and every answer is as long as the settings let it be.

    Raises ValueError where the mesh does not fit hosts of this kind, or the heads.
    """

    settings: Settings
    config: DecoderConfig
    data: int  # devices along `data`
    model: int  # devices along `model`
    kind: Kind

    def __post_init__(self):
        if self.devices % self.local or self.local % self.model:
            raise ValueError(
                f"a mesh of {self.data}x{self.model} does not fit hosts of "
                f"{self.local} {self.kind.name} each: MODEL must divide these, and the "
                "devices be a multiple of them"
            )
        self.learning, self.playing  # the table refuses what it cannot cut

    @property
    def devices(self) -> int:
        """Of all hosts."""
        return self.data * self.model

    @property
    def local(self) -> int:
        """Devices of each host."""
        return self.kind.host(self.devices)

    @property
    def hosts(self) -> int:
        """How many there are."""
        return self.devices // self.local

    @property
    def decoder(self) -> Decoder:
        """The network."""
        return Decoder(self.config)

    @property
    def mesh(self) -> AbstractMesh:
        """All devices, none of which exists."""
        return AbstractMesh((self.data, self.model), meshes.AXES)

    @property
    def blocks(self) -> tuple[int, int]:
        """Devices of one host, along `data` and `model`."""
        return self.local // self.model, self.model

    @functools.cached_property
    def learning(self) -> Rules:
        """As `Placement.learning`."""
        layout = self.settings.devices.layout
        return tables.rules(self.config, layout, model=self.model)

    @functools.cached_property
    def playing(self) -> Rules:
        """As `Placement.playing`."""
        if self.settings.devices.layout == "fully_sharded":
            return ()
        return tables.rules(self.config, "tensor", model=self.model)

    @functools.cached_property
    def params(self) -> Any:
        """The parameters, without a number in them."""
        return decoders.shapes(self.config)

    @property
    def grown(self) -> bool:
        """Whether a row is an episode; otherwise it is a turn."""
        return self.settings.play.history is None

    @property
    def length(self) -> int:
        """Tokens of a row."""
        return buckets.bucket(self.settings.play.window)

    @property
    def own_rows(self) -> int:
        """Rows that a host brings to a microbatch."""
        fitting = max(self.settings.train.tokens // self.length, 1)
        rows = 1 << (fitting.bit_length() - 1)
        return rows + -rows % self.blocks[0]

    @property
    def rows(self) -> int:
        """Rows of a microbatch."""
        return self.hosts * self.own_rows

    @property
    def picks(self) -> int:
        """Most tokens of a row that the policy said."""
        play = self.settings.play
        said = min(play.turns * play.limit, play.window - 1) if self.grown else 0
        return buckets.bucket(max(said, play.limit))

    @property
    def batch(self) -> TokenBatch:
        """A microbatch, without a number in it."""

        def made(width: int, dtype: Any) -> Any:
            return jax.ShapeDtypeStruct((self.rows, width), dtype)

        numbers = made(self.picks, jnp.float32)
        return TokenBatch(
            tokens=made(self.length, jnp.int32),
            where=made(self.length, jnp.bool_),
            said=made(self.picks, jnp.int32),
            trained=made(self.picks, jnp.bool_),
            advantages=numbers,
            old_logps=numbers,
            ref_logps=numbers if self.settings.loss.kl else None,
        )

    @property
    def speaking(self) -> int:
        """Rows that a host's decoder answers at once: half of its episodes."""
        how = self.settings.train
        half = -(-how.tasks * how.attempts // self.hosts // 2)
        rows = half if self.grown else 1 << max(half - 1, 0).bit_length()
        return max(ROWS, rows)

    @property
    def turns(self) -> int:
        """Most of an iteration's turns, of all hosts."""
        how = self.settings.train
        return how.tasks * how.attempts * self.settings.play.turns

    @property
    def microbatches(self) -> int:
        """Most of an update."""
        how = self.settings.train
        rows = self.turns // (self.settings.play.turns if self.grown else 1)
        return max(-(-rows // (self.hosts * how.minibatches * self.own_rows)), 1)

    @property
    def updates(self) -> int:
        """Of an iteration."""
        return self.settings.train.epochs * self.settings.train.minibatches


def placed(tree: Any, rules: Rules, mesh: AnyMesh) -> Any:
    """The same shapes, each with the sharding that the rules give it."""
    shardings = partition.shardings(tree, rules, mesh)

    def place(leaf: Any, sharding: NamedSharding) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding)

    return jax.tree.map(place, tree, shardings)
