"""Random trajectories with every field filled, as NumPy arrays from a seed."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from rl_credit.types import Trajectories
from tests.masks import masks

MASKS = ("prefix", "left", "holes", "mixed", "all", "none")
GARBAGE = (np.nan, np.inf, -np.inf)


def trajectories(seed=0, batch=9, spans=7, *, tasks=3, mask="mixed") -> Trajectories:
    """A batch for any estimator: tasks in no order and with gaps between their ids."""
    rng = np.random.default_rng(seed)
    shape = batch, spans
    seen = rng.integers(0, 2**32, (3, 2), np.uint32)  # so few that tasks share them
    earlier = [rng.integers(0, row) if row else -1 for row in range(batch)]
    numbers = dict(
        rewards=rng.normal(0.3, 1.0, shape),
        values=rng.normal(0.3, 1.0, shape),
        final_values=rng.normal(0.3, 1.0, batch),
        logps=np.log(rng.uniform(0.4, 1.0, shape)),
        log_ratios=rng.normal(0.0, 2.0, shape),
        baselines=rng.normal(0.3, 1.0, batch),
        penalties=np.zeros(shape),
    )
    return Trajectories(
        where=_mask(rng, mask, shape),
        groups=rng.permutation(batch)[rng.integers(0, tasks, batch)].astype(np.int32),
        states=seen[rng.integers(0, len(seen), shape)],
        terminated=rng.random(batch) < 0.6,
        lengths=rng.integers(1, 9, shape).astype(np.int32),
        matches=rng.random(shape) < 0.6,
        parents=np.where(rng.random(batch) < 0.8, earlier, -1).astype(np.int32),
        **{name: array.astype(np.float32) for name, array in numbers.items()},
    )


def arrays(batch: Trajectories) -> Trajectories:
    """The same on the device, as kernels want it."""
    return jax.tree.map(jnp.asarray, batch)


def soiled(batch: Trajectories, seed=0) -> Trajectories:
    """Other content wherever `where` is False: NaN, inf, wild integers, other flags.

    Not in `parents`: a lost node still has its place in the tree.
    """
    rng = np.random.default_rng(seed)
    changed = {}
    for field in dataclasses.fields(batch):
        array = getattr(batch, field.name)
        if field.name in ("where", "parents") or array is None:
            continue
        kept = batch.where if array.ndim > 1 else batch.where.any(axis=1)
        kept = kept.reshape(kept.shape + (1,) * (array.ndim - kept.ndim))
        changed[field.name] = np.where(kept, array, _garbage(rng, field.name, array))
    return dataclasses.replace(batch, **changed)


def _garbage(rng, name, array):
    if name == "groups":  # an id even here: it indexes tables
        return rng.integers(0, len(array), array.shape, array.dtype)
    if array.dtype == bool:
        return rng.random(array.shape) < 0.5
    if array.dtype.kind == "f":
        return rng.choice(np.array(GARBAGE, array.dtype), array.shape)
    limits = np.iinfo(array.dtype)
    return rng.integers(limits.min, limits.max, array.shape, array.dtype)


def _mask(rng, mask, shape):
    """Which spans are played; "mixed" has a row of each kind, in turn."""
    kinds = masks(rng, *shape, least=1)
    if mask != "mixed":
        return kinds[mask]
    drawn = [list(kinds.values())[row % len(kinds)][row] for row in range(shape[0])]
    return np.stack(drawn)


def last(where):
    """True at the last played span of each row."""
    later = np.cumsum(where[:, ::-1], axis=1)[:, ::-1]
    return where & (later == 1)


def outcomes(batch: Trajectories, returns) -> Trajectories:
    """Pays nothing but `returns`, a number a trajectory, at the last played span."""
    paid = np.where(last(batch.where), np.asarray(returns)[:, None], 0.0)
    return dataclasses.replace(batch, rewards=paid.astype(np.float32))


def binary(batch: Trajectories, seed=0) -> Trajectories:
    """Returns of 0 or 1."""
    returns = np.random.default_rng(seed).integers(0, 2, len(batch.where))
    return outcomes(batch, returns)
