"""Exact values, advantages and gradients of a policy that acts by what it sees.

Backward induction over the tables (Sutton & Barto, 4.1, with an end of time). A policy
is `softmax(logits)[sees[state]]`; nothing is discounted; an episode that is cut off at
the horizon is worth nothing more. All results have the precision of the tables; for
float64 see `double`.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rl_credit.fidelity.process import END, Process, Tables
from rl_credit.types import record


@record
class Solution:
    """What is true of a policy. Times are steps already taken, from 0."""

    values: Float[Array, "times states"]  # horizon + 1 times, the last of them all 0
    action_values: Float[Array, "horizon states actions"]
    advantages: Float[Array, "horizon states actions"]  # action value less value
    occupancy: Float[Array, "tasks horizon states"]  # chance to be there, then
    returns: Float[Array, " tasks"]  # expected, of an episode
    lengths: Float[Array, " tasks"]  # expected steps of an episode


def double(process: Process) -> Process:
    """The process in float64, its chances made to sum to 1 in that precision.

    What is to be computed in float64 must be called under `jax.enable_x64(True)`.
    """
    with jax.enable_x64(True):
        tables = process.tables
        chance = tables.chance.astype(jnp.float64)
        starts = tables.starts.astype(jnp.float64)
        precise = dataclasses.replace(
            tables,
            chance=chance / chance.sum(-1, keepdims=True),
            paid=tables.paid.astype(jnp.float64),
            starts=starts / starts.sum(-1, keepdims=True),
        )
        return dataclasses.replace(process, tables=precise)


@functools.partial(jax.jit, static_argnames="horizon")
def solve(
    tables: Tables, logits: Float[Array, "observations actions"], horizon: int
) -> Solution:
    """Values, advantages and visits of the policy with these logits."""
    policy = chances(tables, logits)
    values, action_values = _backward(tables, policy, horizon)
    occupancy = _forward(tables, policy, horizon)
    return Solution(
        values=values,
        action_values=action_values,
        advantages=action_values - values[:-1, :, None],
        occupancy=occupancy,
        returns=_times(tables.starts, values[0]),
        lengths=jnp.sum(occupancy, axis=(1, 2)),
    )


@functools.partial(jax.jit, static_argnames="horizon")
def gradient(
    tables: Tables, logits: Float[Array, "observations actions"], horizon: int
) -> Float[Array, "observations actions"]:
    """Of the return, its mean over the tasks, by the logits.

    The policy-gradient theorem (Sutton et al., NeurIPS 1999, theorem 1) with the visits
    of each time; for a softmax it is their sum of visits * pi(a) * A(a).
    """
    policy = chances(tables, logits)
    solution = solve(tables, logits, horizon)
    visits = jnp.mean(solution.occupancy, axis=0)
    weighed = policy * jnp.einsum("ts,tsa->sa", visits, solution.advantages)
    return jnp.zeros(logits.shape, weighed.dtype).at[tables.sees].add(weighed)


@functools.partial(jax.jit, static_argnames="horizon")
def optimal(tables: Tables, horizon: int) -> Float[Array, "horizon states actions"]:
    """Action values of the best policy, which knows the state and the time."""

    def backup(values: Array, _: None) -> tuple[Array, Array]:
        action_values = backed_up(tables, values)
        return jnp.max(action_values, axis=1), action_values

    nothing = jnp.zeros_like(tables.starts[0])
    return jax.lax.scan(backup, nothing, length=horizon, reverse=True)[1]


@functools.partial(jax.jit, static_argnames="horizon")
def remaining(
    tables: Tables, logits: Float[Array, "observations actions"], horizon: int
) -> Float[Array, "horizon states"]:
    """Expected steps that the policy still takes from each state, this one included."""
    counted = dataclasses.replace(tables, paid=jnp.ones_like(tables.paid))
    return _backward(counted, chances(tables, logits), horizon)[0][:-1]


def chances(
    tables: Tables, logits: Float[Array, "observations actions"]
) -> Float[Array, "states actions"]:
    """How likely the policy takes each action in each state."""
    logits = logits.astype(tables.chance.dtype)
    return jax.nn.softmax(logits, axis=-1)[tables.sees]


def _backward(
    tables: Tables, policy: Float[Array, "states actions"], horizon: int
) -> tuple[Array, Array]:
    """Values [horizon + 1, states] and action values [horizon, states, actions]."""

    def backup(values: Array, _: None) -> tuple[Array, tuple[Array, Array]]:
        action_values = backed_up(tables, values)
        return jnp.sum(policy * action_values, axis=1), (values, action_values)

    nothing = jnp.zeros_like(policy[:, 0])
    scanned = jax.lax.scan(backup, nothing, length=horizon, reverse=True)
    first, (later, action_values) = scanned
    return jnp.concatenate([first[None], later]), action_values


def _forward(
    tables: Tables, policy: Float[Array, "states actions"], horizon: int
) -> Float[Array, "tasks horizon states"]:
    """The chance to be in each state at each time, task by task."""
    flow = _flow(tables, policy)

    def spread(visits: Array, _: None) -> tuple[Array, Array]:
        return _times(visits, flow), visits

    visits = jax.lax.scan(spread, tables.starts, length=horizon)[1]
    return jnp.swapaxes(visits, 0, 1)


def _flow(
    tables: Tables, policy: Float[Array, "states actions"]
) -> Float[Array, "states states"]:
    """The chance of each next state, from each state."""
    states = policy.shape[0]
    reached = jnp.where(tables.ahead == END, states, tables.ahead)  # out of the array
    chance = policy[:, :, None] * tables.chance
    nothing = jnp.zeros((states, states), chance.dtype)
    begun = jnp.arange(states)[:, None, None]
    return nothing.at[begun, reached].add(chance, mode="drop")


def backed_up(
    tables: Tables, values: Float[Array, " states"]
) -> Float[Array, "states actions"]:
    """What each action is worth if these are the values of the next states.

    The Bellman operator of a policy, before its mean over actions.
    """
    ended = tables.ahead == END
    later = jnp.where(ended, 0.0, values[jnp.where(ended, 0, tables.ahead)])
    return jnp.sum(tables.chance * (tables.paid + later), axis=-1)


def _times(one: Array, other: Array) -> Array:
    """The product of matrices in full precision, also on devices that would round."""
    return jnp.matmul(one, other, precision="highest")
