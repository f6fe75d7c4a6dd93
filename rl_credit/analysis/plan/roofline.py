"""Seconds that a program takes at least: the slowest of products, memory and network.

The roofline of Williams, Waterman and Patterson (CACM 52(4), 2009) with a third roof.
Programs stay below it; that a device does two of the three at once is assumed.
"""

import dataclasses

import jax
from jax.sharding import AbstractMesh, NamedSharding, PartitionSpec

from rl_credit.analysis.plan.devices import Kind
from rl_credit.analysis.plan.hlo import Counted
from rl_credit.analysis.plan.job import Job
from rl_credit.models import cache as caches
from rl_credit.models import partition as tables
from rl_credit.runtime import mesh as meshes
from rl_credit.runtime import partition


@dataclasses.dataclass(frozen=True)
class Bound:
    """Seconds that each part of a device needs alone."""

    products: float
    memory: float
    network: float

    @property
    def seconds(self) -> float:
        """Of the slowest."""
        return max(dataclasses.astuple(self))

    @property
    def by(self) -> str:
        """Which is the slowest."""
        parts = dataclasses.asdict(self)
        return max(parts, key=lambda name: parts[name])


@dataclasses.dataclass(frozen=True)
class Iteration:
    """Seconds of the longest iteration."""

    playing: float
    learning: float


def bound(counted: Counted, kind: Kind) -> Bound:
    """Of one run of a program."""
    return Bound(
        products=counted.flops / kind.flops,
        memory=counted.touched / kind.bandwidth,
        network=counted.wire / kind.link,
    )


def spoken(job: Job, counted: Counted) -> Counted:
    """Generation with what a TPU or a GPU would read in the place of what a CPU does.

    For every token of an answer that is the parameters and a row's whole cache, once.
    Reading the prompt counts with its products alone.
    """
    local = AbstractMesh(job.blocks, meshes.AXES)
    shardings = partition.shardings(job.params, job.playing, local)
    params = partition.bytes_per_device(job.params, shardings)
    play, spec = job.settings.play, tables.cache(job.config, model=job.model)
    cache = jax.eval_shape(
        lambda: caches.init(job.config, job.speaking, play.window)
    ).keys
    rows = job.speaking % job.blocks[0] == 0
    own = NamedSharding(local, spec if rows else PartitionSpec())
    read = params + 2 * partition.bytes_per_device(cache, own)
    return dataclasses.replace(counted, touched=float(play.limit * read))


def iteration(job: Job, counted: dict[str, Counted], kind: Kind) -> Iteration:
    """Of all programs by name: see `programs.Programs`.

    Every episode goes on to its last turn. Environments, the host, evaluation and
    checkpoints take no time here; two halves of the episodes speak in turn.
    """
    seconds = {name: bound(one, kind).seconds for name, one in counted.items()}
    learning = seconds["gradient"] + seconds.get("reference", 0.0)
    return Iteration(
        playing=2 * job.settings.play.turns * seconds["generation"],
        learning=job.updates * (job.microbatches * learning + seconds["optimiser"]),
    )
