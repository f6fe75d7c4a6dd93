"""Where a run's arrays lie: its mesh of devices, and what is done on which host.

Learning is one program of all devices, in which parameters and the optimiser's memory
lie as the table of the decoder says and rows are spread. Playing is each host's own
business: hosts play different tasks for different times, so that none waits for
another at every token. Their copies of the parameters are whole along `data`.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding

from rl_credit.models import partition as tables
from rl_credit.models.config import DecoderConfig
from rl_credit.ops import names
from rl_credit.runtime import hosts
from rl_credit.runtime import mesh as meshes
from rl_credit.runtime import partition
from rl_credit.runtime.partition import Rules
from rl_credit.training import batching, state
from rl_credit.training.batching import Row
from rl_credit.training.state import Optimiser, TrainState
from rl_credit.types import TokenBatch

Tree = TypeVar("Tree")


@dataclasses.dataclass(frozen=True)
class Devices:
    """All devices of all hosts as a mesh, and how parameters lie on it."""

    mesh: str  # DATAxMODEL, as in 4x2; empty: all along `data`
    layout: str  # a name in `models.partition.LAYOUTS`

    @property
    def shape(self) -> tuple[int, int]:
        """Along `data` and along `model`."""
        return meshes.sizes(self.mesh) if self.mesh else (jax.device_count(), 1)

    def __post_init__(self):
        if self.mesh:
            meshes.sizes(self.mesh)
        if self.layout not in tables.LAYOUTS:
            raise ValueError(names.unknown("layout", self.layout, tables.LAYOUTS))


@dataclasses.dataclass(frozen=True)
class Placement:
    """Of one decoder on one mesh."""

    mesh: Mesh
    learning: Rules
    playing: Rules  # the same, but whole along `data`

    @classmethod
    def of(cls, devices: Devices, config: DecoderConfig) -> "Placement":
        """Raises ValueError where the mesh does not fit the devices or the heads."""
        data, model = devices.shape
        table = functools.partial(tables.rules, config, model=model)
        whole: Rules = ()
        shared = table("tensor") if devices.layout != "fully_sharded" else whole
        return cls(meshes.made(data, model), table(devices.layout), shared)

    def learns(self) -> contextlib.AbstractContextManager:
        """In which programs of all devices are made."""
        return jax.set_mesh(self.mesh) if self.mesh.size > 1 else _nothing()

    def plays(self) -> contextlib.AbstractContextManager:
        """In which programs of this host's devices are made."""
        local = self.mesh.local_mesh
        return jax.set_mesh(local) if local.size > 1 else _nothing()

    def initialised(self, init: Callable[..., Tree], *arguments: Any) -> Tree:
        """What `init(*arguments)` returns, made where it lies."""
        return partition.initialised(init, self.learning, self.mesh, *arguments)

    def place(self, path: str, array: Any) -> jax.Array:
        """Puts one parameter where it lies; see `partition.placer`."""
        return partition.placer(self.learning, self.mesh)(path, array)

    def begun(self, params: Any, optimiser: Optimiser) -> TrainState:
        """The state before the first update; the parameters are copied."""
        init = functools.partial(state.init, optimiser=optimiser)
        return self.initialised(init, params)

    def players(self, params: Any) -> Any:
        """The parameters as this host plays with them."""
        shardings = partition.shardings(params, self.playing, self.mesh)
        with self.learns():
            return jax.tree.map(self._own, jax.device_put(params, shardings))

    def microbatches(self, rows: Sequence[Row], tokens: int) -> list[TokenBatch]:
        """As `batching.microbatches`, of the rows of all hosts, spread over the mesh.

        A host that has fewer than another adds empty ones. `tokens` are those that a
        host has in a microbatch.
        """
        return self.spread(batching.microbatches(rows, tokens))

    def spread(self, batches: Sequence[TokenBatch]) -> list[TokenBatch]:
        """Batches of this host, each together with those of the others."""
        made = list(batches)
        count = int(hosts.largest(np.asarray(len(made))))
        shapes = np.zeros((count, 3), np.int64)
        for number, one in enumerate(made):
            shapes[number] = *one.tokens.shape, one.said.shape[1]
        shapes = hosts.largest(shapes)
        shapes[:, 0] += -shapes[:, 0] % self.mesh.local_mesh.shape[meshes.DATA]
        made += [batching.nothing()] * (count - len(made))
        padded = [
            batching.padded(one, *shape) for one, shape in zip(made, shapes.tolist())
        ]
        return [partition.batch(one, self.mesh) for one in padded]

    def returned(self, array: jax.Array) -> np.ndarray:
        """The rows of this host, of an array that has those of all of them."""
        spread = jax.device_put(array, meshes.rows(self.mesh))
        pieces = {s.index[0].start or 0: s.data for s in spread.addressable_shards}
        return np.concatenate([np.asarray(pieces[start]) for start in sorted(pieces)])

    def _own(self, leaf: jax.Array) -> jax.Array:
        """An array of all devices as one of this host's."""
        if jax.process_count() == 1:
            return leaf
        assert isinstance(leaf.sharding, NamedSharding)
        local = NamedSharding(self.mesh.local_mesh, leaf.sharding.spec)
        pieces = [shard.data for shard in leaf.addressable_shards]
        return jax.make_array_from_single_device_arrays(leaf.shape, local, pieces)


def _nothing() -> contextlib.AbstractContextManager:
    """Of one device nothing is spread."""
    return contextlib.nullcontext()
