"""Random rollouts that follow each other as an agent's would."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from rl_credit.bonuses.seen import Seen

KEYS, ACTIONS, SHAPE = 5, 3, (3, 4, 2)  # SHAPE: of an observation


def stream(time, envs, seed=0, keys=KEYS, ending=0.2):
    """Each state shows one plane of noise that belongs to its key."""
    rng = np.random.default_rng(seed)
    looks = rng.normal(size=(keys, *SHAPE))
    states = rng.integers(keys, size=(time + 1, envs))
    ends = rng.random((time, envs)) < ending
    starts = np.concatenate([np.ones((1, envs), bool), ends[:-1]])
    before, after = states[:-1].copy(), states[1:].copy()
    after[ends] = rng.integers(keys, size=ends.sum())  # the true successor
    return Seen(
        observations=jnp.asarray(looks[before], jnp.float32),
        next_observations=jnp.asarray(looks[after], jnp.float32),
        actions=jnp.asarray(rng.integers(ACTIONS, size=ends.shape), jnp.int32),
        starts=jnp.asarray(starts),
        ends=jnp.asarray(ends),
        start_keys=jnp.asarray(before, jnp.int32),
        keys=jnp.asarray(after, jnp.int32),
        features=jnp.asarray(rng.normal(size=(time, envs, 6)), jnp.float32),
    )


def steps(seen, start, stop):
    """The part of a rollout from one step to another."""
    return jax.tree.map(lambda array: array[start:stop], seen)


def environments(seen, order):
    """The same rollout with its environments in another order."""
    return jax.tree.map(lambda array: array[:, order], seen)


def pay_in_pieces(pay, state, seen, cuts):
    """Bonuses of the whole stream, paid in rollouts that end at `cuts`."""
    time = seen.starts.shape[0]
    bounds = [0, *cuts, time]
    paid = []
    for start, stop in zip(bounds[:-1], bounds[1:]):
        state, bonus = pay(state, steps(seen, start, stop))
        paid.append(bonus)
    return state, jnp.concatenate(paid)


def keyed(start_keys, keys, starts):
    """A rollout of which only the keys are known."""
    seen = stream(*keys.shape)
    return dataclasses.replace(
        seen,
        start_keys=jnp.asarray(start_keys, jnp.int32),
        keys=jnp.asarray(keys, jnp.int32),
        starts=jnp.asarray(starts),
        ends=jnp.asarray(np.concatenate([starts[1:], np.ones_like(starts[:1])])),
    )
