"""From ragged lists, as any trainer has them, to padded trajectories."""

import itertools
from collections.abc import Hashable, Sequence

import numpy as np

from rl_credit.ops import buckets, hashing
from rl_credit.types import Trajectories

Steps = Sequence | np.ndarray


def pack(
    rewards: Sequence[Steps],
    tasks: Steps,
    observations: Sequence[Steps] | None = None,
    terminated: Steps | None = None,
) -> Trajectories:
    """Pads trajectories to the longest and numbers their tasks.

    Args:
      rewards: per trajectory, one number a step.
      tasks: per trajectory, what it attempted; equal tasks form a group.
      observations: per trajectory, what the agent saw at each step: strings, or numeric
        arrays of one shape. Equal observations are equal states.
      terminated: per trajectory, whether it ended by itself; all did, if not given.

    Raises ValueError where the lists do not agree in length or the arrays in shape.
    """
    steps = np.fromiter(map(len, rewards), np.int32, len(rewards))
    _same_length("tasks", tasks, len(steps))
    where = np.arange(max(steps, default=0), dtype=np.int32) < steps[:, None]
    flat = itertools.chain.from_iterable(rewards)
    with np.errstate(over="ignore"):  # the estimator refuses what is too large
        paid = np.fromiter(flat, np.float32, steps.sum())
    numbers: dict[Hashable, int] = {}
    groups = [numbers.setdefault(task, len(numbers)) for task in tasks]
    states = None
    if observations is not None:
        _same_length("observations", observations, len(steps))
        for row, (seen, count) in enumerate(zip(observations, steps.tolist())):
            if isinstance(seen, str):
                raise ValueError(f"observations[{row}] is one text, not a list of them")
            _same_length(f"observations[{row}]", seen, count, f"rewards[{row}]")
        states = _fill(_fingerprints(observations), where)
    ended = np.ones(len(steps), bool) if terminated is None else np.asarray(terminated)
    _same_length("terminated", ended, len(steps))
    return Trajectories(
        rewards=_fill(paid, where),
        where=where,
        groups=np.asarray(groups, np.int32),
        states=states,
        terminated=ended,
    )


def _same_length(name: str, values: Steps, expected: int, other="rewards") -> None:
    if len(values) != expected:
        raise ValueError(f"{name} has {len(values)} entries; {other} has {expected}")


def _fingerprints(observations: Sequence[Sequence]) -> np.ndarray:
    flat = list(itertools.chain.from_iterable(observations))
    if not flat:
        return np.zeros((0, 2), np.uint32)
    if isinstance(flat[0], str):
        return hashing.fingerprint_texts(flat)
    if len(shapes := set(map(np.shape, flat))) > 1:
        raise ValueError(
            f"observations have the shapes {sorted(shapes)}; those that are no strings "
            f"must be numeric arrays of one shape"
        )
    stacked = np.stack(flat).reshape(len(flat), -1)
    if stacked.dtype.kind in "OSUM":
        kind = type(flat[0]).__name__
        raise ValueError(f"observations are {kind}, neither str nor numbers")
    padded = buckets.pad(stacked, (buckets.bucket(len(flat)),), 0)
    return np.asarray(hashing.fingerprint(padded))[: len(flat)]


def _fill(rows: np.ndarray, where: np.ndarray) -> np.ndarray:
    filled = np.zeros((*where.shape, *rows.shape[1:]), rows.dtype)
    filled[where] = rows
    return filled
