"""A finite decision process of bounded length, written out as tables.

`Tables` are arrays, and go through `jit`; a `Process` adds what must be static, and
why the process is worth a look. What is not in the tables is not in the process: a
distractor's noise is two outcomes of one action, so that every value can be exact.
"""

import dataclasses
from collections.abc import Iterator

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from rl_credit.types import record

END = -1  # no state: the episode has ended


@record
class Tables:
    """What every action does in every state."""

    ahead: Int[Array, "states actions outcomes"]  # the next state, or END
    chance: Float[Array, "states actions outcomes"]  # of the outcome; they sum to 1
    paid: Float[Array, "states actions outcomes"]  # the outcome's reward
    starts: Float[Array, "tasks states"]  # how likely an episode of a task begins there
    sees: Int[Array, " states"]  # the number of the observation; aliases share one


@dataclasses.dataclass(frozen=True)
class Process:
    """A process by name.

    Policies are logits `[observations, actions]`: they act on what they see and know
    neither the hidden state nor the time. Returns are not discounted.

    Raises ValueError, naming the process and the place, for tables that do not fit
    together, for chances that do not sum to 1, and for numbers out of range.
    """

    name: str
    exposes: str  # one sentence: the weakness of estimators that it shows
    tables: Tables
    horizon: int  # steps after which an episode is cut off, worth nothing more
    num_observations: int

    def __post_init__(self) -> None:
        for fault in _faults(self):
            raise ValueError(f"process {self.name!r}: {fault}")

    @property
    def num_tasks(self) -> int:
        """Tasks: episodes of one task begin alike and are a group."""
        return self.tables.starts.shape[0]

    @property
    def num_states(self) -> int:
        return self.tables.ahead.shape[0]

    @property
    def num_actions(self) -> int:
        return self.tables.ahead.shape[1]


def _faults(process: Process) -> Iterator[str]:
    """What is wrong with the tables; a later fault relies on there being no earlier."""
    tables = jax.tree.map(np.asarray, process.tables)
    ahead, chance, starts = tables.ahead, tables.chance, tables.starts
    shapes = {field: np.shape(part) for field, part in vars(tables).items()}
    states = len(ahead)
    fits = ahead.ndim == 3 and chance.shape == tables.paid.shape == ahead.shape
    if not (fits and starts.shape[1:] == tables.sees.shape == (states,)):
        yield f"the shapes of its tables do not fit together: {shapes}"
    if process.horizon < 1:
        yield f"its horizon is {process.horizon}; it must be 1 at least"
    for state, action in np.argwhere(_unlikely(chance))[:1]:
        row = chance[state, action]
        yield f"the chances of action {action} in state {state} are {row}; sum to 1"
    for task in np.flatnonzero(_unlikely(starts))[:1]:
        yield f"the starts of task {task} must be chances that sum to 1"
    if ahead.min() < END or ahead.max() >= states:
        yield f"a next state is not in [0, {states}) nor END, {END}"
    if not np.isfinite(tables.paid).all():
        yield "a reward is not finite"
    if tables.sees.min() < 0 or tables.sees.max() >= process.num_observations:
        yield f"an observation is not in [0, {process.num_observations})"


def _unlikely(chances: np.ndarray) -> np.ndarray:
    """Whether the last axis is no distribution."""
    return (chances < 0).any(-1) | ~(np.abs(chances.sum(-1) - 1) < 1e-5)
