"""What an estimator is scored on: a process, a policy, and the truth about both.

Cases of different processes are padded to the same sizes, so that what is compiled for
one estimator serves them all.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from rl_credit.fidelity import exact
from rl_credit.fidelity.process import END, Process, Tables
from rl_credit.types import record

SHORT = 8  # steps
NEVER = -1e9  # the logit of an action that is padding
ROUNDING = 1e-5  # advantages closer than this are the same, but for float32


@record
class Case:
    """A process with one policy; all arrays are padded to the sizes of a sweep."""

    tables: Tables
    logits: Float[Array, "observations actions"]  # of the policy that acts
    horizon: Int[Array, ""]
    num_tasks: Int[Array, ""]
    expected: Float[Array, " tasks"]  # return; an episode that returns more is won
    advantages: Float[Array, "horizon states actions"]  # A_t(s, a), exact
    gradient: Float[Array, "observations actions"]  # of the return, exact
    expert: Bool[Array, "horizon states actions"]  # the action is a best one there

    @property
    def steps(self) -> int:
        """Enough for any episode of the sweep."""
        return self.advantages.shape[0]


class Sizes(NamedTuple):
    """What the arrays of a sweep's cases are padded to."""

    horizon: int
    states: int
    actions: int
    outcomes: int
    tasks: int
    observations: int


def sizes(processes: Mapping[str, Process]) -> dict[str, Sizes]:
    """By name: the largest of the short processes, and those of the long ones."""
    named: dict[bool, dict[str, Process]] = {True: {}, False: {}}
    for name, process in processes.items():
        named[process.horizon <= SHORT][name] = process
    kinds = (kind for kind in named.values() if kind)
    return {name: largest(list(kind.values())) for kind in kinds for name in kind}


def largest(processes: Sequence[Process]) -> Sizes:
    """To which all of them can be padded."""
    return Sizes(
        horizon=max(process.horizon for process in processes),
        states=max(process.num_states for process in processes),
        actions=max(process.num_actions for process in processes),
        outcomes=max(process.tables.ahead.shape[2] for process in processes),
        tasks=max(process.num_tasks for process in processes),
        observations=max(process.num_observations for process in processes),
    )


def case(
    process: Process, logits: Float[Array, "observations actions"], to: Sizes
) -> Case:
    """The truth about the policy, computed once, on the host's call."""
    truth = exact.solve(process.tables, logits, process.horizon)
    best = exact.optimal(process.tables, process.horizon)
    expert = best > best.max(axis=-1, keepdims=True) - ROUNDING
    table = (to.horizon, to.states, to.actions)
    policy = (to.observations, to.actions)
    gradient = exact.gradient(process.tables, logits, process.horizon)
    rounded = ROUNDING * jnp.round(truth.advantages / ROUNDING)
    return Case(
        padded(process.tables, to),
        _pad(logits, policy, NEVER),
        jnp.int32(process.horizon),
        jnp.int32(process.num_tasks),
        _pad(truth.returns, (to.tasks,), 0.0),
        _pad(rounded, table, 0.0),
        _pad(gradient, policy, 0.0),
        _pad(expert, table, False),
    )


def padded(tables: Tables, to: Sizes) -> Tables:
    """States, actions and tasks that are never come to."""
    outcomes = to.states, to.actions, to.outcomes
    chance = _pad(tables.chance, outcomes, 0.0)
    starts = _pad(tables.starts, (to.tasks, to.states), 0.0)
    return Tables(
        ahead=_pad(tables.ahead, outcomes, END),
        chance=chance.at[..., 0].add(jnp.where(chance.sum(-1) == 0, 1.0, 0.0)),
        paid=_pad(tables.paid, outcomes, 0.0),
        starts=starts.at[:, 0].add(jnp.where(starts.sum(-1) == 0, 1.0, 0.0)),
        sees=_pad(tables.sees, (to.states,), 0),
    )


def _pad(array: Array, shape: tuple[int, ...], fill: int | float) -> Array:
    host = np.asarray(array)
    widths = [(0, wide - size) for size, wide in zip(host.shape, shape, strict=True)]
    dtype = np.float32 if host.dtype.kind == "f" else host.dtype
    return jnp.asarray(np.pad(host, widths, constant_values=fill), dtype)
