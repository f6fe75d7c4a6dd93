"""What the runs of a study of bonuses found: in its folder, and in the documents."""

import dataclasses
import json
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from rl_credit.analysis import intervals
from rl_credit.analysis.intervals import Interval
from rl_credit.runtime import records
from rl_credit.training import sweep as sweeps
from rl_credit.training.grid_agent import SEEDS
from rl_credit.training.grid_sweep import Cell, Sweep


@dataclasses.dataclass(frozen=True)
class Finished:
    """A run of the sweep that came to its end."""

    cell: Cell
    success: np.ndarray  # [seeds] on fresh episodes of the same contexts, no bonus
    curve: list[tuple[int, list[float]]]  # frames; success of each seed
    frames: int  # of each seed
    seconds: float


def read(sweep: Sweep, workdir: pathlib.Path) -> list[Finished]:
    """The runs that are finished so far."""
    cells = [cell for cell in sweep.cells() if sweeps.finished(cell, workdir)]
    return [_read(cell, workdir) for cell in cells]


def _read(cell: Cell, workdir: pathlib.Path) -> Finished:
    found = sweeps.result(cell, workdir)
    lines = map(json.loads, (cell.folder(workdir) / SEEDS).read_text().splitlines())
    curve = [(i["frames"], i["success"]) for i in lines if i["kind"] == "held_out"]
    success = np.asarray(found["after"]["success"])
    return Finished(cell, success, curve, found["frames"], found["seconds"])


def joined(sweep: Sweep, runs: Sequence[Finished]) -> list[Finished]:
    """These runs, and the sweep's others whose results lie in the documents."""
    known = {run.cell: run for run in [*published(sweep), *runs]}
    return [known[cell] for cell in sweep.cells() if cell in known]


def published(sweep: Sweep) -> list[Finished]:
    """The runs whose results lie in the documents."""
    cells = {_place(cell): cell for cell in sweep.cells()}
    return [
        Finished(
            cell=cells[place],
            success=np.asarray(line["success"]),
            curve=[(frames, seeds) for frames, seeds in line["curve"]],
            frames=line["frames"],
            seconds=line["seconds"],
        )
        for line in _published(sweep)
        if (place := tuple(line["cell"])) in cells
    ]


def publish(sweep: Sweep, runs: Sequence[Finished]) -> None:
    """Puts these runs among those whose results lie in the documents."""
    known = {tuple(line["cell"]): line for line in _published(sweep)}
    known |= {line["cell"]: line for line in lines(runs)}
    records.write_json(_results(sweep), list(known.values()))


def _published(sweep: Sweep) -> list[dict[str, Any]]:
    path = _results(sweep)
    return json.loads(path.read_text()) if sweep.out and path.is_file() else []


def _results(sweep: Sweep) -> pathlib.Path:
    """Where the results of the study lie in the documents."""
    return pathlib.Path(sweep.out) / f"exploration_{sweep.name}.json"


def lines(runs: Sequence[Finished]) -> list[dict[str, Any]]:
    """What `published` reads."""
    return [
        dict(
            cell=_place(run.cell),
            success=run.success.tolist(),
            curve=run.curve,
            frames=run.frames,
            seconds=run.seconds,
        )
        for run in runs
    ]


def _place(cell: Cell) -> tuple[str, int, int, str]:
    return cell.task, cell.contexts, cell.context_seed, cell.bonus


def interval(runs: Sequence[Finished]) -> Interval:
    """Interquartile mean and 95% interval, seeds drawn anew within each run."""
    scores = np.stack([run.success for run in runs], axis=1)  # [seeds runs]
    return Interval(intervals.iqm(scores), *intervals.bootstrap(scores))
