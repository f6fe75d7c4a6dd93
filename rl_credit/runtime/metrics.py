"""The numbers of a run, one JSON line a step, and as TensorBoard events."""

import json
import math
import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jax
import numpy as np
from tensorboardX import SummaryWriter

FILE = "metrics.jsonl"
REAL = (np.integer, np.floating)  # bfloat16 is one for JAX


class Writer:
    """Writes to metrics.jsonl and to the folder tensorboard of `workdir`.

    Args:
        workdir: the folder of the run; made if need be.
        start: the first step to come. Lines of this and later steps, lost by a run
            that was killed after its last checkpoint, are cut; 0 begins anew.

    A line is in the file when `write` returns, so it survives the process; TensorBoard
    may lack the last second before a kill. Of several processes only process 0 writes.
    """

    def __init__(self, workdir: pathlib.Path, start: int = 0):
        self._writes = jax.process_index() == 0
        if not self._writes:
            return
        workdir.mkdir(parents=True, exist_ok=True)
        cut(workdir / FILE, start)
        self._lines = (workdir / FILE).open("a")
        # Files are named by the second: the suffix keeps a quick restart apart.
        self._board = SummaryWriter(
            str(workdir / "tensorboard"),
            purge_step=start,
            flush_secs=1,
            filename_suffix=f".{start}",
        )

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def close(self) -> None:
        """Writes out what waits; the writer is not used afterwards."""
        if self._writes:
            self._lines.close()
            self._board.close()

    def write(self, step: int, scalars: Mapping[str, Any]) -> None:
        """Adds one line: the step, then the scalars (numbers, or arrays of one).

        JSON has no NaN and no infinity: they are null in the file, and TensorBoard
        gets no point. Raises ValueError naming what is no number, or is called "step".
        """
        if not self._writes:
            return
        if "step" in scalars:
            raise ValueError("a scalar is called 'step', which is the step's own name")
        numbers = jax.device_get(list(scalars.values()))  # one transfer for all
        values = {
            name: _number(name, number) for name, number in zip(scalars, numbers)
        }
        self._lines.write(json.dumps({"step": step} | values) + "\n")
        self._lines.flush()
        for name, value in values.items():
            if value is not None:
                self._board.add_scalar(name, value, step)


class Lines:
    """Adds lines to a JSONL file of a run; begins as a `Writer` does, at `start`.

    Of several processes only process 0 writes.
    """

    def __init__(self, path: pathlib.Path, start: int = 0):
        self._writes = jax.process_index() == 0
        if self._writes:
            cut(path, start)
            self._lines = path.open("a")

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *exception) -> None:
        if self._writes:
            self._lines.close()

    def write(self, step: int, records: Iterable[Mapping[str, Any]]) -> None:
        """A line each, the step first; they are in the file when this returns."""
        if self._writes:
            texts = (json.dumps({"step": step} | dict(one)) for one in records)
            self._lines.writelines(f"{text}\n" for text in texts)
            self._lines.flush()


def cut(path: pathlib.Path, start: int) -> None:
    """Keeps the lines of a JSONL file whose "step" is below `start`.

    A half-written last line goes, too. The file is replaced whole, or not at all; none
    is no error. Raises ValueError naming a line that is no record of a step. Of
    several processes only process 0 cuts.
    """
    if jax.process_index() != 0 or not path.exists():
        return
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("wb") as kept:
        for line, record in _records(path):
            if record["step"] < start:
                kept.write(line)
    os.replace(draft, path)


def read(workdir: pathlib.Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl, also while a run is writing it; null is None."""
    return [record for _, record in _records(workdir / FILE)]


def _records(path: pathlib.Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Each whole line as it stands, and what it says."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.endswith(b"\n"):  # otherwise it is the last, and half-written
                yield line, _record(line, f"{path}, line {number}")


def _record(line: bytes, place: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise ValueError(f"{place} is no JSON: {line[:80]!r}") from error
    if not isinstance(record, dict) or not isinstance(record.get("step"), int):
        raise ValueError(f"{place} has no step: {line[:80]!r}")
    return record


def _number(name: str, value: Any) -> float | int | None:
    """A Python number; None for one that is not finite."""
    array = np.asarray(value)
    real = any(jax.dtypes.issubdtype(array.dtype, kind) for kind in REAL)
    if array.shape or not real:
        raise ValueError(f"scalar {name!r} is {value!r}; it must be one real number")
    number = array.item()
    return number if math.isfinite(number) else None
