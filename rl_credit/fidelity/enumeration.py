"""The tables of a deterministic environment, by visiting every state that it has."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from gymnax.environments.environment import Environment

from rl_credit.fidelity.process import END, Tables


def enumerated(
    env: Environment,
    params: Any,
    starts: Any,
    *,
    forget: Sequence[str] = ("time",),
    limit: int = 300,
) -> Tables:
    """What every action does in every state that can be reached from the starts.

    Breadth first, all states of a depth at once. Every state is seen as itself.

    Args:
      starts: states of the environment [tasks, ...], one begins each task.
      forget: fields of the state on which nothing depends but the time limit, which
        tables do not have; they are put back to those of the first start.
      limit: how many states there may be.

    Raises ValueError for more states than that, and for an environment whose step
    depends on its key.
    """
    first = jax.tree.map(lambda leaf: leaf[0], starts)
    kept = {name: getattr(first, name) for name in forget}

    @jax.jit
    def steps(states: Any) -> tuple[Any, jax.Array, jax.Array]:
        return _steps(env, params, kept, states)

    begun = jax.vmap(lambda state: dataclasses.replace(state, **kept))(starts)
    known = _Known()
    tasks = known.numbers(_rows(begun))
    columns: list[tuple[np.ndarray, np.ndarray]] = []
    done = 0
    while done < len(known.states):
        if len(known.states) > limit:
            raise ValueError(
                f"there are {len(known.states)} states and more, which is over the "
                f"limit of {limit}; raise `limit`, or take a smaller level"
            )
        fresh = known.states[done:]
        done += len(fresh)
        after, paid, ended = _agreed(steps(_stacked(fresh, limit)), len(fresh))
        ahead = np.full(ended.shape, END, np.int32)
        ahead[~ended] = known.numbers(_rows(jax.tree.map(lambda x: x[~ended], after)))
        columns.append((ahead, paid))
    ahead, paid = (np.concatenate(column) for column in zip(*columns))
    return _tables(ahead, paid, tasks)


class _Known:
    """The states found so far, numbered as they are found."""

    def __init__(self) -> None:
        self.states: list[Any] = []
        self._numbers: dict[bytes, int] = {}

    def numbers(self, rows: Sequence[Any]) -> list[int]:
        """The number of each of these states."""
        return [self._number(row) for row in rows]

    def _number(self, row: Any) -> int:
        name = b"".join(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(row))
        if name not in self._numbers:
            self._numbers[name] = len(self.states)
            self.states.append(row)
        return self._numbers[name]


def _steps(
    env: Environment, params: Any, kept: dict[str, Any], states: Any
) -> tuple[Any, jax.Array, jax.Array]:
    """Every action in every state, twice: [2, states, actions, ...]."""
    count = jax.tree.leaves(states)[0].shape[0]
    keys = jax.random.split(jax.random.key(0), (2, count, env.num_actions))
    actions = jnp.arange(env.num_actions)

    def one(key: jax.Array, state: Any, action: jax.Array) -> tuple[Any, Any, Any]:
        _, after, paid, ended, _ = env.step_env(key, state, action, params)
        return dataclasses.replace(after, **kept), paid, ended

    each = jax.vmap(one, (0, None, 0))
    rows = jax.vmap(lambda key, state: each(key, state, actions))
    return jax.vmap(rows, (0, None))(keys, states)


def _agreed(twice: Any, count: int) -> Any:
    """Of two ways to step the one, without padding; all of both must agree."""
    one, other = (
        jax.tree.map(lambda leaf: np.asarray(leaf)[way], twice) for way in range(2)
    )
    same = jax.tree.map(np.array_equal, one, other)
    if not all(jax.tree.leaves(same)):
        raise ValueError(
            "the environment is random: from one state, the same action led to two; "
            "only a deterministic one can be enumerated by playing it"
        )
    return jax.tree.map(lambda leaf: leaf[:count], one)


def _rows(states: Any) -> list[Any]:
    """Each state by itself, on the host."""
    states = jax.tree.map(np.asarray, states)
    count = len(jax.tree.leaves(states)[0])
    return [jax.tree.map(lambda leaf: leaf[row], states) for row in range(count)]


def _stacked(rows: list[Any], count: int) -> Any:
    """The states as arrays, repeated to fill a fixed count."""
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *rows)
    places = np.arange(count) % len(rows)
    return jax.tree.map(lambda leaf: leaf[places], stacked)


def _tables(ahead: np.ndarray, paid: np.ndarray, tasks: list[int]) -> Tables:
    """Tables with one outcome for each action, and each state seen as itself."""
    states = jnp.arange(len(ahead), dtype=jnp.int32)
    begins = jnp.asarray(tasks, jnp.int32)[:, None] == states[None]
    return Tables(
        ahead=jnp.asarray(ahead[..., None]),
        chance=jnp.ones((*ahead.shape, 1), jnp.float32),
        paid=jnp.asarray(paid[..., None], jnp.float32),
        starts=begins.astype(jnp.float32),
        sees=states,
    )
