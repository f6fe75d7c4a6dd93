"""Exploration bonuses of a rollout beside the usual one-step-at-a-time code.

E3B's peer is torch with a rank-one update a step, an environment after the other, so
that its matrix stays in the cache: the faster of the two ways that are in use.
"Carried" goes on from the covariances of the last rollout and returns those for the
next; its peer is the same, for whom carrying costs nothing.
"""

import collections
import functools
import importlib.util
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np

from experiments.benchmarks.timing import Case
from rl_credit.bonuses import elliptical
from rl_credit.bonuses.counts import EpisodicCount, GlobalCount
from rl_credit.bonuses.e3b import bonus
from rl_credit.bonuses.seen import Seen

STEPS, ENVS = 100, 32  # of E3B
GOALS = {256: 2.0, 512: 6.0, 1024: 12.0}  # dimension: microseconds a step
COUNTED = (128, 4096)  # steps and environments of counts
KEYS, ENDING = 400, 0.02
RIDGE = 0.1


def cases() -> Iterator[Case]:
    """E3B by dimension, fresh and carried, then counts."""
    for dim, microseconds in GOALS.items():
        features, done = _features(dim)
        size = f"dim {dim}, {STEPS} steps x {ENVS} envs"
        name, peer = _peer(features, done)
        goal = f"<= {microseconds * STEPS * ENVS / 1e3:.3g} ms"  # of the whole call
        ours = functools.partial(jax.jit(bonus), features, done)
        yield Case("E3B", size, ours, name, peer, goal)
        start = elliptical.init(ENVS, dim, ridge=RIDGE)
        carried = functools.partial(_carried, start, features, done)
        yield Case("E3B, carried", size, carried, name, peer)
    seen = _seen()
    size = f"{COUNTED[0]} steps x {COUNTED[1]} envs, {KEYS} keys"
    for name, count, theirs in (
        ("episodic count", EpisodicCount("inverse_sqrt", KEYS), _episodic),
        ("global count", GlobalCount("inverse_sqrt", KEYS), _global),
    ):
        start = count.init(jax.random.key(0), seen)
        ours = functools.partial(_paid, count, start, seen)
        parts = seen.starts, seen.start_keys, seen.keys
        lists = [np.asarray(part).tolist() for part in parts]
        yield Case(name, size, ours, "dictionaries", functools.partial(theirs, *lists))


@jax.jit
def _carried(start, features, done):
    inverse, paid = elliptical.advance(start, features, done, ridge=RIDGE)
    return jax.lax.optimization_barrier((paid, inverse))[0]


@functools.partial(jax.jit, static_argnums=0)
def _paid(count, state, seen):
    state, paid = count.pay(state, seen)
    return jax.lax.optimization_barrier((paid, state))[0]


def _features(dim: int) -> tuple[jax.Array, jax.Array]:
    random = np.random.default_rng(dim)
    features = random.normal(size=(STEPS, ENVS, dim)) / dim**0.5
    done = random.random((STEPS, ENVS)) < ENDING
    return jnp.asarray(features, jnp.float32), jnp.asarray(done)


def _seen() -> Seen:
    """Only keys: counts of small numbers look at nothing else."""
    random = np.random.default_rng(0)
    ends = random.random(COUNTED) < ENDING
    starts = np.concatenate([np.ones_like(ends[:1]), ends[:-1]])
    keys = random.integers(KEYS, size=(2, *COUNTED))
    nothing = jnp.zeros((*COUNTED, 0), jnp.float32)
    return Seen(
        observations=nothing,
        next_observations=nothing,
        actions=jnp.zeros(COUNTED, jnp.int32),
        starts=jnp.asarray(starts),
        ends=jnp.asarray(ends),
        start_keys=jnp.asarray(keys[0], jnp.int32),
        keys=jnp.asarray(keys[1], jnp.int32),
    )


def _peer(features: jax.Array, done: jax.Array) -> tuple[str, Callable | None]:
    """The peer's name and its call, or what to install."""
    if importlib.util.find_spec("torch") is None:
        return "torch is missing: pip install -e '.[benchmark]'", None
    import torch

    phi, ends = torch.tensor(np.asarray(features)), np.asarray(done)
    fresh = torch.eye(phi.shape[-1]) / RIDGE
    return "torch, rank one", functools.partial(_rank_one, phi, ends, fresh)


def _rank_one(phi, ends, fresh):
    paid = np.zeros(ends.shape, np.float32)
    for env in range(ends.shape[1]):
        inverse = fresh.clone()
        for step in range(ends.shape[0]):
            solved = inverse.mv(phi[step, env])
            value = float(solved.dot(phi[step, env]))
            paid[step, env] = value
            inverse.addr_(solved, solved, alpha=-1.0 / (1.0 + value))
            if ends[step, env]:
                inverse.copy_(fresh)
    return paid


def _episodic(starts, start_keys, keys):
    """A dictionary for each environment."""
    tables = [collections.defaultdict(int) for _ in starts[0]]
    paid = []
    for begun, first, after in zip(starts, start_keys, keys):
        row = []
        for table, begins, start, key in zip(tables, begun, first, after):
            if begins:
                table.clear()
                table[start] += 1
            table[key] += 1
            row.append(table[key] ** -0.5)
        paid.append(row)
    return paid


def _global(starts, start_keys, keys):
    """One dictionary for all."""
    table: dict[int, int] = collections.defaultdict(int)
    paid = []
    for begun, first, after in zip(starts, start_keys, keys):
        for begins, start in zip(begun, first):
            if begins:
                table[start] += 1
        row = []
        for key in after:
            table[key] += 1
            row.append(table[key] ** -0.5)
        paid.append(row)
    return paid
