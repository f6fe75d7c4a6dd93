"""A process written as rules, and made into tables by visiting every state."""

import itertools
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from rl_credit.fidelity.process import END, Process, Tables

State = Hashable  # any plain value, but not None


class Outcome(NamedTuple):
    """One of the things that an action may do."""

    chance: float
    paid: float
    ahead: State | None  # the next state; None: the episode ends


Step = Callable[[Any, int], Sequence[Outcome]]
Row = list[Sequence[Outcome]]  # the outcomes of a state, action by action


def surely(paid: float, ahead: State | None) -> list[Outcome]:
    """The only outcome."""
    return [Outcome(1.0, paid, ahead)]


def tabulated(
    name: str,
    exposes: str,
    *,
    starts: Sequence[Mapping[State, float]],
    step: Step,
    sees: Callable[[Any], Hashable],
    num_actions: int,
    horizon: int,
) -> Process:
    """The process of these rules; it has the states that can be reached, and no other.

    States and observations are numbered as they are found, breadth first.

    Args:
      starts: for each task, where its episodes begin and how likely.
      step: what an action, a number from 0, does in a state.
      sees: what is seen of a state; equal values are one observation.

    Raises ValueError as `Process` does.
    """
    found = _visited(starts, step, num_actions)
    numbers = {state: number for number, state in enumerate(found)}
    seen: dict[Hashable, int] = {}
    observations = [seen.setdefault(sees(state), len(seen)) for state in found]
    begun = np.zeros((len(starts), len(found)), np.float32)
    for task, start in enumerate(starts):
        for state, likely in start.items():
            begun[task, numbers[state]] = likely
    ahead, chance, paid = _columns(list(found.values()), numbers)
    tables = Tables(
        ahead=jnp.asarray(ahead),
        chance=jnp.asarray(chance),
        paid=jnp.asarray(paid),
        starts=jnp.asarray(begun),
        sees=jnp.asarray(observations, jnp.int32),
    )
    return Process(name, exposes, tables, horizon, len(seen))


def _visited(
    starts: Sequence[Mapping[State, float]], step: Step, num_actions: int
) -> dict[State, Row]:
    """The outcomes of every state's actions, by state, in the order of discovery."""
    found: dict[State, Row] = {}
    queue = list(dict.fromkeys(itertools.chain.from_iterable(starts)))
    known = set(queue)
    for state in queue:  # which grows as it is read
        found[state] = [step(state, action) for action in range(num_actions)]
        for outcome in itertools.chain.from_iterable(found[state]):
            if outcome.ahead is not None and outcome.ahead not in known:
                known.add(outcome.ahead)
                queue.append(outcome.ahead)
    return found


def _columns(
    rows: list[Row], numbers: Mapping[State, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Next states, chances and rewards; an outcome that is missing has no chance."""
    width = max(len(outcomes) for row in rows for outcomes in row)
    shape = len(rows), len(rows[0]), width
    ahead = np.full(shape, END, np.int32)
    chance, paid = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for state, action in np.ndindex(*shape[:2]):
        for place, outcome in enumerate(rows[state][action]):
            at = state, action, place
            chance[at], paid[at] = outcome.chance, outcome.paid
            ahead[at] = END if outcome.ahead is None else numbers[outcome.ahead]
    return ahead, chance, paid
