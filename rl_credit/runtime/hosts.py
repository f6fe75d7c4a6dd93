"""What the processes of a run tell each other on the host side.

Every process has to call these at the same place, with the same kind of thing. With one
process they return what they are given.
"""

import json
from collections.abc import Sequence
from typing import Any, TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils

Item = TypeVar("Item")


def largest(numbers: np.ndarray) -> np.ndarray:
    """Of every number, the largest that any process has."""
    if jax.process_count() == 1:
        return numbers
    return np.max(multihost_utils.process_allgather(numbers), axis=0)


def joined(rows: np.ndarray) -> np.ndarray:
    """The rows of all processes, those of process 0 first; each may have any number."""
    if jax.process_count() == 1:
        return rows
    counts = multihost_utils.process_allgather(np.asarray(len(rows)))
    padded = np.zeros((counts.max(), *rows.shape[1:]), rows.dtype)
    padded[: len(rows)] = rows
    gathered = multihost_utils.process_allgather(padded)
    return np.concatenate([one[:count] for one, count in zip(gathered, counts)])


def stacked(rows: np.ndarray) -> np.ndarray:
    """As `joined`; rows are padded with 0 to the longest that any process has."""
    if jax.process_count() == 1 or rows.ndim == 1:
        return joined(rows)
    width = int(largest(np.asarray(rows.shape[1])))
    return joined(np.pad(rows, ((0, 0), (0, width - rows.shape[1]))))


def before(count: int) -> int:
    """How many the processes before this one have, which has `count`."""
    if jax.process_count() == 1:
        return 0
    counts = multihost_utils.process_allgather(np.asarray(count))
    return int(counts[: jax.process_index()].sum())


def apart(numbers: np.ndarray) -> np.ndarray:
    """Numbers from 0 on, of what no processes share: made different from others'."""
    return numbers + numbers.dtype.type(before(int(numbers.max(initial=-1)) + 1))


def told(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records of all processes, of data that JSON can hold."""
    if jax.process_count() == 1:
        return list(records)
    text = "".join(f"{json.dumps(record)}\n" for record in records)
    everything = joined(np.frombuffer(text.encode(), np.uint8))
    return [json.loads(line) for line in everything.tobytes().splitlines()]


def own(items: Sequence[Item]) -> Sequence[Item]:
    """The part of what all have that is this process's: every so-manieth."""
    return items[jax.process_index() :: jax.process_count()]


def wait(place: str) -> None:
    """Returns when all processes have come to this place, which has a name."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices(place)
