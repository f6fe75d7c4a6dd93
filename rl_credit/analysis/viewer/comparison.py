"""Estimators of the library side by side on one batch."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Array, Float

from rl_credit.analysis.viewer.document import Page, page
from rl_credit.analysis.viewer.shown import Step, Trajectory
from rl_credit.credit import estimators as table
from rl_credit.types import Trajectories

Texts = Sequence[Sequence[str]]
Pictures = Sequence[Sequence[np.ndarray]]
Options = Mapping[str, Mapping[str, object]]  # by the name of an estimator


def compare(
    batch: Trajectories,
    estimators: Sequence[str],
    shown: Sequence[Trajectory] | None = None,
    *,
    options: Options | None = None,
    exact: Float[np.ndarray, "_ _"] | Float[Array, "_ _"] | None = None,
    title: str = "Who gets the credit?",
) -> Page:
    """The viewer of a batch, with the credit that each of the estimators gives it.

    Args:
        shown: the rows of `batch` in words or pictures; else see `trajectories`.
        options: of single estimators, as {"gigpo": {"discount": 1.0}}.
        exact: the true advantage, float[batch, spans], where it is known.

    Raises ValueError for an unknown estimator, with the nearest name, and for a batch
    that it cannot use; TypeError for an option that it does not have.
    """
    rows = trajectories(batch) if shown is None else shown
    true = None if exact is None else _cut(np.asarray(exact), batch)
    return page(rows, credit(batch, estimators, options), true, title)


def credit(
    batch: Trajectories, estimators: Sequence[str], options: Options | None = None
) -> dict[str, list[np.ndarray]]:
    """What each estimator gives, float32[spans] a row, without the padding."""
    knobs = options or {}
    for name in [*estimators, *knobs]:
        table.named(name)
    return {
        name: _cut(np.asarray(table.named(name)(batch, **knobs.get(name, {}))), batch)
        for name in estimators
    }


def trajectories(
    batch: Trajectories,
    texts: Texts | None = None,
    actions: Texts | None = None,
    frames: Pictures | None = None,
) -> list[Trajectory]:
    """The rows of a batch, up to the last span that was played; others are masked.

    Without `texts` a state is told by its number, in the order of appearance. Raises
    ValueError where texts, actions or frames are not one a span.
    """
    where, rewards = np.asarray(batch.where), np.asarray(batch.rewards)
    counts = lengths(batch)
    told = _states(batch, counts) if texts is None else texts
    columns = {"texts": told, "actions": actions, "frames": frames}
    given = {name: column for name, column in columns.items() if column is not None}
    for name, column in given.items():
        _check(name, column, counts)
    anchors = [row.tobytes() for row in _seen(batch)]
    spans = where.shape[1]
    rows = []
    for row, count in enumerate(counts):
        steps = [
            Step(
                text=told[row][n],
                action=None if actions is None else actions[row][n],
                reward=float(rewards[row, n]) if where[row, n] else 0.0,
                anchor=anchors[row * spans + n] if batch.states is not None else None,
                frame=None if frames is None else frames[row][n],
                trained=bool(where[row, n]),
            )
            for n in range(count)
        ]
        rows.append(_trajectory(batch, row, steps))
    return rows


def lengths(batch: Trajectories) -> list[int]:
    """How many spans of each row there are up to the last that was played."""
    where = np.asarray(batch.where)
    ends = where * np.arange(1, where.shape[1] + 1)
    return ends.max(axis=1, initial=0).tolist()


def _trajectory(batch: Trajectories, row: int, steps: Sequence[Step]) -> Trajectory:
    parent = -1 if batch.parents is None else int(batch.parents[row])
    return Trajectory(
        title=f"trajectory {row}",
        group=f"task {int(batch.groups[row])}",
        steps=steps,
        parent=parent if parent >= 0 else None,
    )


def _seen(batch: Trajectories) -> np.ndarray:
    """The fingerprints, uint32[rows, 2]; none where the batch has no states."""
    return np.asarray([] if batch.states is None else batch.states).reshape(-1, 2)


def _states(batch: Trajectories, counts: Sequence[int]) -> list[list[str]]:
    if batch.states is None:
        return [[f"span {n}" for n in range(count)] for count in counts]
    known: dict[bytes, int] = {}
    return [
        [
            f"state {known.setdefault(seen.tobytes(), len(known))}"
            for seen in row[:count]
        ]
        for row, count in zip(np.asarray(batch.states), counts)
    ]


def _check(name: str, rows: Sequence[Sequence], counts: Sequence[int]) -> None:
    if len(rows) != len(counts):
        raise ValueError(f"{name} has {len(rows)} rows; the batch has {len(counts)}")
    for number, (row, count) in enumerate(zip(rows, counts)):
        if len(row) != count:
            raise ValueError(
                f"{name}[{number}] has {len(row)} entries; the trajectory has {count}"
            )


def _cut(values: np.ndarray, batch: Trajectories) -> list[np.ndarray]:
    return [row[:count] for row, count in zip(values, lengths(batch))]
