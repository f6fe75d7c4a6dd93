"""The report of a study of credit in a text world: which method, and how sure."""

import dataclasses
import json
import pathlib
from collections.abc import Sequence

import numpy as np

from rl_credit.analysis import documents, intervals
from rl_credit.analysis import text_study_figures as figures
from rl_credit.analysis.intervals import Interval
from rl_credit.runtime import metrics, records
from rl_credit.training import sweep as sweeps
from rl_credit.training.ledger import EPISODES
from rl_credit.training.text_sweep import Cell, TextSweep

REPORT, RESULTS, DOCUMENT = "report.md", "results.json", "text_agents.md"


@dataclasses.dataclass(frozen=True)
class Finished:
    """A run of the sweep that came to its end."""

    method: str
    seed: int
    before: float  # held-out success, after warm-up
    after: float  # and after training
    turns: int  # played in training
    alone: float  # share of these in a state that their group meets only once
    curve: list[tuple[int, float]]  # turns played; held-out success
    seconds: float


def read(sweep: TextSweep, workdir: pathlib.Path) -> list[Finished]:
    """The runs that are finished so far."""
    cells = [cell for cell in sweep.cells() if sweeps.finished(cell, workdir)]
    return [_read(cell, workdir) for cell in cells]


def _read(cell: Cell, workdir: pathlib.Path) -> Finished:
    found, folder = sweeps.result(cell, workdir), cell.folder(workdir)
    steps = list(map(json.loads, (folder / EPISODES).read_text().splitlines()))
    played = np.cumsum([0, *(sum(step["turns"]) for step in steps)]).tolist()
    alone = sum(sum(filter(None, step["alone"])) for step in steps)
    learned = sum(
        turns
        for step in steps
        for turns, known in zip(step["turns"], step["alone"])
        if known is not None
    )
    judged = [line for line in metrics.read(folder) if "held_out/success" in line]
    return Finished(
        method=cell.method,
        seed=cell.settings.seed,
        before=found["before"]["success"],
        after=found["after"]["success"],
        turns=played[-1],
        alone=alone / max(learned, 1),
        curve=[(played[line["step"]], line["held_out/success"]) for line in judged],
        seconds=found["seconds"],
    )


def of(runs: Sequence[Finished], method: str) -> list[Finished]:
    """The runs of that method."""
    return [run for run in runs if run.method == method]


def middle(values: Sequence[float]) -> Interval:
    """Interquartile mean over runs, and its 95% bootstrap interval."""
    scores = np.asarray(values)
    return Interval(intervals.iqm(scores), *intervals.bootstrap(scores))


def gains(one: Sequence[Finished], other: Sequence[Finished]) -> list[float]:
    """Success of one minus that of the other, for each seed that both were run with.

    Runs of a seed share tasks, decoder and warm-up, so that these do not blur it.
    """
    rival = {run.seed: run.after for run in other}
    return [run.after - rival[run.seed] for run in one if run.seed in rival]


def table(sweep: TextSweep, runs: Sequence[Finished]) -> str:
    """A row a method."""
    base = sweep.baseline
    head = ["method", "seeds", "before", "after (95%)", f"minus {base}, same seed"]
    head += [f"better than {base}", "turns", "met once"]
    rows = []
    for name in sweep.methods:
        own = of(runs, name)
        if not own:
            continue
        success = _after(own)
        before = np.mean([run.before for run in own])
        row = [name, str(len(own)), f"{before:.0%}", success]
        row += ["", ""] if name == base else _against(own, of(runs, base))
        turns = np.mean([run.turns for run in own])
        alone = np.mean([run.alone for run in own])
        rows.append([*row, f"{turns:.0f}", f"{alone:.1%}"])
    return documents.table(head, rows)


def _after(own: Sequence[Finished]) -> str:
    """Success; of a single run without an interval, which would have no width."""
    if len(own) == 1:
        return f"{own[0].after:.0%}"
    return _share(middle([run.after for run in own]))


def _against(own: Sequence[Finished], base: Sequence[Finished]) -> list[str]:
    points = [100 * gain for gain in gains(own, base)]
    if not points:
        return ["", ""]
    if len(points) == 1:
        return [f"{points[0]:+.0f} points", ""]
    low, high = intervals.bootstrap(np.asarray(points), lambda x: x.mean((-2, -1)))
    gain = f"{np.mean(points):+.0f} ({low:+.0f} to {high:+.0f}) points"
    after = [np.asarray([run.after for run in some]) for some in (own, base)]
    return [gain, _share(intervals.improvement(*after))]


def improvements(sweep: TextSweep, runs: Sequence[Finished]) -> str:
    """How likely the method of the row ends above that of the column.

    Of those with several runs: one says nothing of it.
    """
    known = [name for name in sweep.methods if len(of(runs, name)) > 1]
    after = {name: np.asarray([run.after for run in of(runs, name)]) for name in known}
    rows = [
        [one]
        + [
            "" if one == other else _share(intervals.improvement(after[one], rival))
            for other, rival in after.items()
        ]
        for one in known
    ]
    return documents.table(["above", *known], rows)


def _share(found: Interval) -> str:
    return f"{found.middle:.0%} ({found.low:.0%} to {found.high:.0%})"


def spent(sweep: TextSweep, runs: Sequence[Finished], command: str) -> str:
    """What was run, and how long it took."""
    minutes = sum(run.seconds for run in runs) / 60
    train, judged = sweep.agent["train"], sweep.agent["evaluate"]["attempts"]
    episodes = train["steps"] * train["tasks"] * train["attempts"]
    return (
        f"    {command}\n\n{len(runs)} of {len(sweep.cells())} runs, {minutes:.0f} "
        f"minutes in all. A run is {train['steps']} steps of {train['tasks']} tasks x "
        f"{train['attempts']} episodes ({episodes} episodes) after the warm-up; its "
        f"success is the share won of {judged * sweep.agent['env']['held_out']} "
        "episodes on held-out tasks. Interquartile means over seeds with 95% bootstrap "
        "intervals; of three seeds these are narrower than they should be."
    )


def report(
    sweep: TextSweep, runs: Sequence[Finished], workdir: pathlib.Path, command: str
) -> str:
    """Draws the picture of these runs, and gives the Markdown."""
    if not runs:
        return spent(sweep, runs, command)
    curves = {
        name: [run.curve for run in of(runs, name)]
        for name in sweep.methods
        if of(runs, name)
    }
    picture = f"text_agents_{sweep.name}.png"
    figures.curves(curves).savefig(workdir / picture, dpi=120)
    parts = [spent(sweep, runs, command), table(sweep, runs)]
    return "\n\n".join([*parts, improvements(sweep, runs), f"![curves]({picture})"])


def joined(sweep: TextSweep, runs: Sequence[Finished]) -> list[Finished]:
    """These runs, and the sweep's others whose results lie in the documents."""
    known = {(run.method, run.seed): run for run in published(sweep)}
    known |= {(run.method, run.seed): run for run in runs}
    cells = [(cell.method, cell.settings.seed) for cell in sweep.cells()]
    return [known[cell] for cell in cells if cell in known]


def published(sweep: TextSweep) -> list[Finished]:
    """The runs whose results lie in the documents."""
    path = pathlib.Path(sweep.out) / f"text_agents_{sweep.name}.json"
    if not (sweep.out and path.is_file()):
        return []
    lines = json.loads(path.read_text())
    pairs = [[(turns, won) for turns, won in line["curve"]] for line in lines]
    return [Finished(**line | dict(curve=curve)) for line, curve in zip(lines, pairs)]


def written(sweep: TextSweep, workdir: pathlib.Path, command: str) -> str:
    """The report and results.json, in the folder; see also `sweep.out`.

    In the documents the report takes the place of what stood between its two marks in
    text_agents.md, or comes last; picture and results lie beside it. Runs whose results
    lie there already and that this folder has not are reported with the others: a study
    may be done in pieces, in several folders or on several machines.
    """
    runs = joined(sweep, read(sweep, workdir))
    text = report(sweep, runs, workdir, command)
    (workdir / REPORT).write_text(text + "\n")
    lines = [dataclasses.asdict(run) for run in runs]
    records.write_json(workdir / RESULTS, lines)
    if sweep.out:
        out = pathlib.Path(sweep.out)
        pictures = workdir.glob(f"text_agents_{sweep.name}.png")
        documents.published(text, sweep.name, out / DOCUMENT, pictures)
        records.write_json(out / f"text_agents_{sweep.name}.json", lines)
    return text
