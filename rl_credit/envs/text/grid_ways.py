"""The shortest way through a grid: breadth-first search in the compiled engine."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from gymnax.environments import environment
from jaxtyping import Array, Int, Key

from rl_credit.ops import hashing

ROWS = 64  # states whose successors are made at once
LIMIT = 20_000  # states looked at before the search gives up


def shortest(
    env: environment.Environment, level: int, key: Key[Array, ""]
) -> list[int] | None:
    """The fewest actions that succeed, in the episode of this key; None: none found.

    A state is looked at when it is first met, so that where chance decides, a way that
    needs to wait for it may be missed; one that is found is a way.
    """
    frontier = jax.tree.map(lambda leaf: np.asarray(leaf)[None], _begin(env)(level))
    parents: list[tuple[int, int]] = [(-1, -1)]  # of each state: before it, by what
    known: set[bytes] = set()
    numbers = [0]  # of the states of the frontier
    while numbers and len(parents) < LIMIT:
        fresh, found = [], []
        for first in range(0, len(numbers), ROWS):
            part = jax.tree.map(lambda leaf: leaf[first : first + ROWS], frontier)
            after, prints, won, over = _successors(env, key, part)
            for row, number in enumerate(numbers[first : first + ROWS]):
                for action in range(won.shape[1]):
                    if won[row, action]:
                        return _trace(parents, number) + [action]
                    name = prints[row, action].tobytes()
                    if not over[row, action] and name not in known:
                        known.add(name)
                        parents.append((number, action))
                        found.append(len(parents) - 1)
                        fresh.append(_at(after, row, action))
        numbers = found
        if fresh:
            frontier = jax.tree.map(lambda *leaves: np.stack(leaves), *fresh)
    return None


def _successors(env: environment.Environment, key: Key[Array, ""], part: Any) -> Any:
    """What every action makes of every state, on the host."""
    rows = len(part.time)
    full = jax.tree.map(lambda leaf: np.resize(leaf, (ROWS, *leaf.shape[1:])), part)
    made = jax.device_get(_expand(env)(key, full))
    return jax.tree.map(lambda leaf: leaf[:rows], made)


@functools.cache
def _begin(env: environment.Environment):
    return jax.jit(env.begin)


@functools.cache
def _expand(env: environment.Environment):
    """[rows] states to [rows, actions] states, fingerprints, successes and ends."""
    params = env.default_params

    def step(key: Key[Array, ""], state: Any, action: Int[Array, ""]) -> Any:
        now = jax.random.fold_in(key, state.time)
        _, after, reward, ended, _ = env.step_env(now, state, action, params)
        still = dataclasses.replace(after, time=jnp.int32(0), message=jnp.int32(0))
        flat = [leaf.reshape(-1).astype(jnp.int32) for leaf in jax.tree.leaves(still)]
        printed = hashing.fingerprint(jnp.concatenate(flat))
        return after, printed, ended & (reward > 0), ended

    actions = jax.vmap(step, (None, None, 0))
    rows = jax.vmap(actions, (None, 0, None))
    numbers = jnp.arange(env.num_actions, dtype=jnp.int32)
    return jax.jit(lambda key, states: rows(key, states, numbers))


def _at(states: Any, row: int, action: int) -> Any:
    return jax.tree.map(lambda leaf: leaf[row, action], states)


def _trace(parents: list[tuple[int, int]], number: int) -> list[int]:
    actions: list[int] = []
    while (step := parents[number])[0] >= 0:
        number, action = step
        actions.append(action)
    return actions[::-1]
