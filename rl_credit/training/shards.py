"""Credit where its trajectories lie: a group is on one device, so none asks another.

Every device gets whole groups, and whole trees, as a batch of its own. An estimator
that compares trajectories of one group only, or none, then runs on each device as it
would on one. Those in `POOLED` are defined by a statistic of the whole batch: it is
brought to every device first, some kilobytes, and every device scores all of it. So
the compiled credit of no estimator contains a collective.

Where groups must straddle devices, `jax.jit(estimator)` of global arrays is right, too,
and XLA adds the collectives: it is slower, nothing else.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Float, Int

from rl_credit.credit import checks
from rl_credit.credit.estimator import FILLS, Estimator
from rl_credit.ops import buckets
from rl_credit.runtime import mesh as meshes
from rl_credit.runtime import partition
from rl_credit.types import Trajectories

POOLED = ("gpg", "prime", "reinforce_plus_plus", "reinforce_plus_plus_baseline")
Program = Callable[[Trajectories], Float[Array, "batch spans"]]


@dataclasses.dataclass(frozen=True)
class Dealt:
    """Trajectories in equal blocks of rows; no group or tree is in two.

    `groups` and `parents` count from the first row of their block.
    """

    trajectories: Trajectories  # NumPy, [blocks * rows, spans]; where False: padding
    places: Int[np.ndarray, " batch"]  # the row that each given one became


def advantages(
    estimator: Estimator, trajectories: Trajectories, mesh: Mesh, **options: Any
) -> Float[np.ndarray, "batch spans"]:
    """What `estimator(trajectories, **options)` is, computed on the mesh.

    With several hosts each gives the trajectories of its own groups, in any number, and
    gets their advantages; all of them call this.

    Raises what the estimator raises for what it cannot take.
    """
    present = [f.name for f in dataclasses.fields(trajectories)]
    present = [name for name in present if getattr(trajectories, name) is not None]
    checks.require(estimator.name, estimator.needs, present)
    estimator.check_options(options)
    host = checks.checked(trajectories, estimator.needs)
    blocks = mesh.local_mesh.shape[meshes.DATA]
    dealt = deal(host, blocks)
    spread = partition.batch(dealt.trajectories, mesh)
    scored = program(estimator, mesh, tuple(sorted(options.items())))(spread)
    own = {_start(s): np.asarray(s.data) for s in scored.addressable_shards}
    rows = np.concatenate([own[start] for start in sorted(own)])
    return rows[dealt.places, : host.rewards.shape[1]]


def deal(host: Trajectories, blocks: int) -> Dealt:
    """Gives the groups of a checked batch to blocks, the largest first.

    Rows and spans go up to a bucket; with several hosts, to the largest of any.
    """
    together = _together(host)
    loads = np.zeros(blocks, np.int64)
    block = np.zeros(len(together), np.int64)
    kinds, sizes = np.unique(together, return_counts=True)
    for kind in kinds[np.argsort(-sizes, kind="stable")]:
        chosen = int(np.argmin(loads))
        block[together == kind] = chosen
        loads[chosen] += np.sum(together == kind)
    count, spans = _agreed(int(loads.max()), host.rewards.shape[1])
    rank = np.zeros(len(together), np.int64)
    for number in range(blocks):  # the order of rows stays: parents precede children
        mine = block == number
        rank[mine] = np.arange(np.sum(mine))
    return Dealt(
        _moved(host, block, rank, (blocks, count, spans)), block * count + rank
    )


@functools.lru_cache(maxsize=64)
def program(
    estimator: Estimator, mesh: Mesh, options: tuple[tuple[str, Any], ...] = ()
) -> Program:
    """From dealt trajectories, spread over `data`, to advantages spread likewise."""
    compiled = local(estimator, mesh, options)
    if estimator.name not in POOLED:
        return compiled
    gather = jax.jit(lambda batch: batch, out_shardings=meshes.whole(mesh))
    return lambda batch: compiled(gather(batch))


def local(
    estimator: Estimator, mesh: Mesh, options: tuple[tuple[str, Any], ...] = ()
) -> Any:
    """The credit itself, jitted: it has no collective.

    It takes dealt trajectories spread over `data`, or, of an estimator in `POOLED`,
    ones that every device holds whole.
    """
    knobs = dict(options)
    blocks = mesh.shape[meshes.DATA]
    rows = PartitionSpec(meshes.DATA)

    def own(batch: Trajectories):
        return estimator(batch, **knobs)

    def whole(batch: Trajectories):
        scored = estimator(_globally_numbered(batch, blocks), **knobs)
        size = scored.shape[0] // blocks
        first = jax.lax.axis_index(meshes.DATA) * size
        return jax.lax.dynamic_slice_in_dim(scored, first, size)

    pooled = estimator.name in POOLED
    spread = jax.shard_map(
        whole if pooled else own,
        mesh=mesh,
        in_specs=PartitionSpec() if pooled else rows,
        out_specs=rows,
        check_vma=False,
    )
    return jax.jit(spread)


def _globally_numbered(batch: Trajectories, blocks: int) -> Trajectories:
    """Groups and parents count from the first row of all."""
    rows = jnp.arange(batch.groups.shape[0], dtype=jnp.int32)
    size = batch.groups.shape[0] // blocks
    first = rows // size * size
    parents = batch.parents
    if parents is not None:
        parents = jnp.where(parents < 0, -1, parents + first)
    return dataclasses.replace(batch, groups=batch.groups + first, parents=parents)


def _together(host: Trajectories) -> np.ndarray:
    """A number for each row; rows of one group or one tree have the same."""
    groups = np.asarray(host.groups).tolist()
    kin = list(range(len(groups)))  # of each group, the group it must be with

    def eldest(group: int) -> int:
        while kin[group] != group:
            group = kin[group]
        return group

    parents = [] if host.parents is None else np.asarray(host.parents).tolist()
    for row, parent in enumerate(parents):
        if parent >= 0:
            kin[eldest(groups[row])] = eldest(groups[parent])
    return np.asarray([eldest(group) for group in groups])


def _agreed(rows: int, spans: int) -> tuple[int, int]:
    """A block's rows and spans, the same on every host."""
    shape = np.asarray([buckets.bucket(rows), buckets.bucket(spans)])
    if jax.process_count() > 1:
        shape = np.max(multihost_utils.process_allgather(shape), axis=0)
    return int(shape[0]), int(shape[1])


def _moved(
    host: Trajectories, block: np.ndarray, rank: np.ndarray, shape: tuple[int, int, int]
) -> Trajectories:
    """The rows at their places [block rank], padding elsewhere."""
    blocks, count, spans = shape
    given = {f.name: getattr(host, f.name) for f in dataclasses.fields(host)}
    given["groups"] = np.zeros_like(given["groups"])
    for number in range(blocks):
        mine = block == number
        given["groups"][mine] = np.unique(host.groups[mine], return_inverse=True)[1]
    if host.parents is not None:
        above = rank[np.maximum(host.parents, 0)]
        given["parents"] = np.where(host.parents < 0, -1, above).astype(np.int32)
    made: dict[str, Any] = {}
    for name, array in given.items():
        if array is None:
            continue
        axes = (spans, *array.shape[2:]) if array.ndim > 1 else ()
        rows = np.full((blocks * count, *axes), FILLS.get(name, 0), array.dtype)
        place = block * count + rank
        if axes:
            rows[place, : array.shape[1]] = array
        else:
            rows[place] = array
        made[name] = rows
    return Trajectories(**made)


def _start(shard: Any) -> int:
    return shard.index[0].start or 0
