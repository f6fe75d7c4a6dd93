"""Finite processes in plain numpy, and their episodes played: to read beside exact."""

import dataclasses
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rl_credit.fidelity import exact, mdps, policies
from rl_credit.fidelity.process import END, Tables
from rl_credit.fidelity.tabular import Tabular, TabularState

EPISODES, TASKS = 2000, 2
TABLE = 300, 8, 4
SIZES = dict(ahead=TABLE, chance=TABLE, paid=TABLE, starts=(TASKS, 300), sees=(300,))

process = functools.cache(mdps.named)


@functools.cache
def halfway(name):
    """The logits of the halfway policy of a process with default options."""
    return policies.halfway(process(name))


@functools.cache
def solved(name):
    """The exact solution of the halfway policy, on the host."""
    built = process(name)
    return jax.device_get(exact.solve(built.tables, halfway(name), built.horizon))


def softmax(logits):
    """Chances from logits [..., actions]."""
    raised = np.exp(logits - np.max(logits, axis=-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)


def action_values(tables, worth):
    """What actions are worth if next states are worth this, [states, actions]."""
    ahead, chance, paid = (
        np.asarray(column) for column in (tables.ahead, tables.chance, tables.paid)
    )
    found = np.zeros(ahead.shape[:2])
    for state, action, outcome in np.ndindex(*ahead.shape):
        at = state, action, outcome
        later = 0.0 if ahead[at] == END else worth[ahead[at]]
        found[state, action] += chance[at] * (paid[at] + later)
    return found


def backward(tables, horizon, policy=None):
    """Action values [horizon, states, actions] of a policy, or of the best one."""
    worth = np.zeros(len(tables.ahead))
    found = []
    for _ in range(horizon):
        found.append(action_values(tables, worth))
        worth = found[-1].max(1) if policy is None else (policy * found[-1]).sum(1)
    return np.array(found[::-1])


def best(tables, horizon):
    """The return of the best policy, task by task."""
    return np.asarray(tables.starts) @ backward(tables, horizon)[0].max(1)


def picks(name):
    """A few (time, state, action): where many come, the action of the most credit."""
    truth, horizon = solved(name), process(name).horizon
    found = []
    for time in (0, horizon // 3, horizon * 2 // 3):
        comes = truth.occupancy.mean(0)[time]
        weight = comes[:, None] * (np.abs(truth.advantages[time]) + 1e-6)
        found.append((time, *np.unravel_index(weight.argmax(), weight.shape)))
    return found


class Played(NamedTuple):
    """Episodes of the halfway policy, [cases, EPISODES].

    The cases are the tasks, from their starts, and then the `picks`.
    """

    returns: np.ndarray
    lengths: np.ndarray


@functools.cache
def played(name):
    """Plays `Tabular`, each case in so many episodes."""
    built = padded(name)
    params = Tabular(built).default_params
    params = dataclasses.replace(params, max_steps_in_episode=jnp.int32(built.horizon))
    logits = np.zeros((SIZES["sees"][0], SIZES["chance"][1]), np.float32)
    found = halfway(name)
    logits[:, found.shape[1] :] = -np.inf  # actions that it does not have
    logits[: len(found), : found.shape[1]] = found
    times, states, actions = (
        jnp.repeat(jnp.asarray(column, jnp.int32), EPISODES)
        for column in zip(*picks(name))
    )
    placed = TabularState(time=times, state=states, task=times * 0)
    rows = player()(params, jnp.asarray(logits), placed, actions)
    rows = jax.tree.map(lambda row: row.reshape(-1, EPISODES), jax.device_get(rows))
    tasks = process(name).num_tasks
    kept = np.r_[:tasks, TASKS : TASKS + 3]
    return jax.tree.map(lambda row: row[kept], rows)


@functools.cache
def player():
    """Compiled once, for the tables of any process: episodes of all cases."""
    env = Tabular(padded("aliased"))
    tasks = jnp.repeat(jnp.arange(TASKS), EPISODES)

    def step(params, logits, carry, key):
        state, actions, played, live = carry
        key_action, key_step = jax.random.split(key)
        seen = jax.vmap(env.observation, (0, None))(state, params)
        drawn = jax.random.categorical(key_action, logits[seen])
        taken = jnp.where(actions < 0, drawn, actions)
        keys = jax.random.split(key_step, len(taken))
        after = jax.vmap(env.step_env, (0, 0, 0, None))(keys, state, taken, params)
        _, state, rewards, ended, _ = after
        gained = Played(jnp.where(live, rewards, 0.0), live.astype(jnp.int32))
        played = jax.tree.map(jnp.add, played, gained)
        live = live & ~ended & ~env.is_truncated(state, params)
        return (state, jnp.full_like(actions, -1), played, live), None

    @jax.jit
    def run(params, logits, placed, actions):
        key_reset, *keys = jax.random.split(jax.random.key(0), 33)

        def begin(key, task):
            return env.reset_env(key, dataclasses.replace(params, task=task))[1]

        begun = jax.vmap(begin)(jax.random.split(key_reset, len(tasks)), tasks)
        state = jax.tree.map(lambda *rows: jnp.concatenate(rows), begun, placed)
        first = jnp.concatenate([jnp.full_like(tasks, -1), actions])
        nothing = Played(jnp.zeros(len(first)), jnp.zeros(len(first), jnp.int32))
        carry = state, first, nothing, jnp.ones(len(first), bool)
        going = functools.partial(step, params, logits)
        return jax.lax.scan(going, carry, jnp.stack(keys))[0][2]

    return run


def padded(name):
    """A process with tables of the common `SIZES`; what is added is never come to."""
    built = process(name)
    columns = {}
    for field, size in SIZES.items():
        column = np.asarray(getattr(built.tables, field))
        widths = [(0, wide - own) for wide, own in zip(size, column.shape)]
        columns[field] = np.pad(column, widths)
    for field in ("chance", "starts"):
        nothing = columns[field].sum(-1) == 0
        columns[field][nothing, 0] = 1.0
    tables = Tables(**{field: jnp.asarray(rows) for field, rows in columns.items()})
    return dataclasses.replace(built, tables=tables, num_observations=SIZES["sees"][0])
