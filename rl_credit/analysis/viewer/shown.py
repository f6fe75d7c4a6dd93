"""What the viewer shows: trajectories, and the credit that each method gives them."""

import dataclasses
import math
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from jaxtyping import Array, Float, UInt8

EXACT = "exact"  # the name of the true advantage, which stands before all estimators
Row = Sequence[float] | Float[np.ndarray, " _"] | Float[Array, " _"]  # [steps]
Rows = Sequence[Row] | Float[np.ndarray, "_ _"] | Float[Array, "_ _"]


@dataclasses.dataclass(frozen=True, eq=False)
class Step:
    """One unit of credit: a token, a segment, a turn or a step of a grid.

    Its credit colours the action, or the text where there is none, as of a token.
    """

    text: str  # what the agent saw; without an action, what it said
    action: str | None = None  # what it did
    reward: float = 0.0
    anchor: Hashable = None  # equal within a group: the same state; None: not known
    frame: UInt8[np.ndarray, "height width 3"] | None = None  # picture of what it saw
    trained: bool = True  # False: the environment's, masked; its credit is not read


@dataclasses.dataclass(frozen=True, eq=False)
class Trajectory:
    """Steps in their order; with a `parent` they continue those of another row."""

    title: str
    group: Hashable  # what it attempted; told by its `str`
    steps: Sequence[Step]
    parent: int | None = None  # the number of an earlier trajectory


@dataclasses.dataclass(frozen=True, eq=False)
class Series:
    """The credit that one method gave to every step."""

    name: str
    exact: bool  # the true advantage, no estimate
    values: Sequence[Sequence[float | None]]  # a trajectory, a step; None: masked


def series(
    trajectories: Sequence[Trajectory],
    credit: Mapping[str, Rows],
    exact: Rows | None,
) -> list[Series]:
    """The exact advantage, if it is known, then every estimator's credit in order.

    Raises ValueError naming the estimator, and where it can the trajectory and the
    step, for credit of another shape than the trajectories, or that is not finite.
    """
    if EXACT in credit:
        raise ValueError(
            f"an estimator is called {EXACT!r}, which is the true advantage: give that "
            f"as exact="
        )
    found = [] if exact is None else [_series(trajectories, EXACT, exact, exact=True)]
    return found + [
        _series(trajectories, name, rows, exact=False) for name, rows in credit.items()
    ]


def check(trajectories: Sequence[Trajectory]) -> None:
    """Raises ValueError for trajectories that cannot be shown, and says which."""
    if not trajectories:
        raise ValueError("there are no trajectories to show")
    for row, trajectory in enumerate(trajectories):
        parent = trajectory.parent
        if parent is not None and not 0 <= parent < row:
            raise ValueError(
                f"{_named(trajectories, row)} has the parent {parent}; a parent is the "
                f"number of an earlier trajectory, or None"
            )
        for number, step in enumerate(trajectory.steps):
            if not math.isfinite(step.reward):
                raise ValueError(
                    f"the reward of step {number} of {_named(trajectories, row)} is "
                    f"{step.reward}"
                )


def _series(
    trajectories: Sequence[Trajectory], name: str, rows: Rows, *, exact: bool
) -> Series:
    if len(rows) != len(trajectories):
        raise ValueError(
            f"credit of {name!r} has {len(rows)} rows; there are {len(trajectories)} "
            f"trajectories"
        )
    values = [_checked(trajectories, name, n, row) for n, row in enumerate(rows)]
    return Series(name, exact, values)


def _checked(
    trajectories: Sequence[Trajectory], name: str, number: int, row: Row
) -> list[float | None]:
    steps = trajectories[number].steps
    given = np.asarray(row, np.float64)
    if given.shape != (len(steps),):
        raise ValueError(
            f"credit of {name!r} has the shape {list(given.shape)} in "
            f"{_named(trajectories, number)}, which has {len(steps)} steps"
        )
    trained = np.fromiter((step.trained for step in steps), bool, len(steps))
    bad = np.flatnonzero(trained & ~np.isfinite(given))
    if len(bad):
        raise ValueError(
            f"credit of {name!r} is {given[bad[0]]} in step {bad[0]} of "
            f"{_named(trajectories, number)}: mend what estimated it, or give the step "
            f"trained=False"
        )
    return [value if kept else None for value, kept in zip(given.tolist(), trained)]


def _named(trajectories: Sequence[Trajectory], row: int) -> str:
    return f"trajectory {row} ({trajectories[row].title!r})"
