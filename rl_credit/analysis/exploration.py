"""The report of a study of bonuses: success of every run, and what contexts share."""

import dataclasses
import itertools
import json
import pathlib
from collections.abc import Sequence

import numpy as np

from rl_credit.analysis import documents
from rl_credit.analysis import exploration_figures as figures
from rl_credit.analysis import intervals, shared_structure
from rl_credit.analysis.card import page
from rl_credit.analysis.exploration_figures import Place
from rl_credit.analysis.intervals import Interval
from rl_credit.envs.grid.rooms import Rooms
from rl_credit.training import sweep as sweeps
from rl_credit.training.grid_agent import SEEDS
from rl_credit.training.grid_sweep import FRESH, Cell, Sweep

REPORT, DOCUMENT = "report.md", "exploration.md"
GLOBAL, EPISODIC = "count_global", "count_episodic"


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


def pooled(runs: Sequence[Finished]) -> np.ndarray:
    """Success [seeds runs], of runs with as many seeds."""
    return np.stack([run.success for run in runs], axis=1)


def interval(runs: Sequence[Finished]) -> Interval:
    """Interquartile mean and 95% interval, seeds drawn anew within each run."""
    scores = pooled(runs)
    return Interval(intervals.iqm(scores), *intervals.bootstrap(scores))


def chosen(runs: Sequence[Finished], place: Place, bonus: str) -> list[Finished]:
    """The runs of a task and number of contexts with this bonus."""
    return [
        run
        for run in runs
        if (run.cell.task, run.cell.contexts, run.cell.bonus) == (*place, bonus)
    ]


def places(sweep: Sweep) -> list[Place]:
    """Tasks and numbers of contexts, the rows of the table."""
    pairs = itertools.product(sweep.tasks, sweep.contexts)
    return list(itertools.starmap(Place, pairs))


def table(sweep: Sweep, runs: Sequence[Finished]) -> str:
    """A row a task and number of contexts, a column a bonus; the last row is all."""
    bonuses = list(sweep.bonuses)
    lines = [
        "| task | contexts | " + " | ".join(bonuses) + " |",
        "|---" * (2 + len(bonuses)) + "|",
    ]
    for place in places(sweep):
        cells = [_words(chosen(runs, place, bonus)) for bonus in bonuses]
        lines.append(documents.row(place.task, place.words, *cells))
    if len(places(sweep)) > 1:
        whole = [place for place in places(sweep) if _complete(sweep, runs, place)]
        cells = [
            _words([run for place in whole for run in chosen(runs, place, bonus)])
            for bonus in bonuses
        ]
        lines.append(documents.row(f"all {len(whole)}", "", *cells))
    return "\n".join(lines)


def _complete(sweep: Sweep, runs: Sequence[Finished], place: Place) -> bool:
    """Whether every bonus was run there, so that the last row is fair."""
    counts = {len(chosen(runs, place, bonus)) for bonus in sweep.bonuses}
    return len(counts) == 1 and counts != {0}


def _words(runs: Sequence[Finished]) -> str:
    if not runs:
        return ""
    found = interval(runs)
    return f"{found.middle:.0%} ({found.low:.0%} to {found.high:.0%})"


def spent(sweep: Sweep, runs: Sequence[Finished], command: str) -> str:
    """What was run, and how long it took."""
    agent, total = sweep.agent, len(sweep.cells())
    frames = max((run.frames for run in runs), default=0)
    minutes = sum(run.seconds for run in runs) / 60
    return (
        f"    {command}\n\n{len(runs)} of {total} runs, {frames} steps of each of "
        f"{agent.seeds} seeds (from {agent.seed}) a run, {minutes:.1f} minutes in all. "
        "Success: interquartile mean over seeds (and sets of contexts) of the share of "
        f"{agent.evaluate.episodes} new episodes that reach the goal, the bonus left "
        "out, with the 95% interval of the stratified bootstrap."
    )


@dataclasses.dataclass(frozen=True)
class Shared:
    """What contexts share, beside what a lifelong count gains over an episodic one."""

    cell: Cell
    variances: dict[str, float]  # `shared_variance` by feature
    gain: float  # success of the global count minus that of the episodic one


def shared(sweep: Sweep, runs: Sequence[Finished]) -> list[Shared]:
    """Of every place where both counts were run and V* can be had; else nothing."""
    kinds = {GLOBAL: {}, EPISODIC: {}}  # type: dict[str, dict[tuple, Finished]]
    for run in runs:
        kind, cell = run.cell.settings.bonus.name, run.cell
        where = cell.task, cell.contexts, cell.context_seed
        kinds.get(kind, {})[where] = run
    found = []
    for where, run in kinds[GLOBAL].items():
        world = run.cell.settings.env.world()
        if where not in kinds[EPISODIC] or not _tabulated(world.env):
            continue
        discount = sweep.agent.credit.discount
        variances = shared_structure.measured(world.env, discount=discount)
        episodic = kinds[EPISODIC][where]
        gain = interval([run]).middle - interval([episodic]).middle
        found.append(Shared(run.cell, variances, gain))
    return found


def _tabulated(env: object) -> bool:
    return isinstance(env, Rooms) and shared_structure.tabulated(env)


def shared_table(found: Sequence[Shared]) -> str:
    """A row a place: variance by position and by message, and the gain."""
    lines = [
        "| task | contexts | set | variance of V*, position | message | "
        "global minus episodic |",
        "|---|---|---|---|---|---|",
    ]
    for row in found:
        cell, parts = row.cell, row.variances
        place = Place(cell.task, cell.contexts)
        seed = "" if cell.contexts == FRESH else str(cell.context_seed)
        numbers = [f"{parts[psi]:.2f}" for psi in ("position", "message")]
        points = f"{100 * row.gain:+.0f} points"
        lines.append(documents.row(cell.task, place.words, seed, *numbers, points))
    return "\n".join(lines)


def report(sweep: Sweep, workdir: pathlib.Path, command: str) -> str:
    """Draws every picture of the runs that are finished, and gives the Markdown."""
    runs = read(sweep, workdir)
    parts = [spent(sweep, runs, command), table(sweep, runs)]
    pictures = {}
    if runs:
        lines = {run.cell: run.curve for run in runs}
        pictures["curves"] = figures.curves(places(sweep), list(sweep.bonuses), lines)
    if len(sweep.contexts) > 1:
        at = {
            (place, bonus): interval(some)
            for place in places(sweep)
            for bonus in sweep.bonuses
            if (some := chosen(runs, place, bonus))
        }
        pictures["contexts"] = figures.against_contexts(list(sweep.tasks), at)
    found = shared(sweep, runs)
    if found:
        parts.append(shared_table(found))
        psi = next(iter(sweep.bonuses.values())).count
        points = [(row.variances[psi], row.gain, row.cell) for row in found]
        pictures["shared"] = figures.against_shared(psi, points)
    for name, figure in pictures.items():
        file = f"exploration_{sweep.name}_{name}.png"
        figure.savefig(workdir / file, dpi=120)
        parts.append(f"![{name}]({file})")
    return "\n\n".join(parts)


def written(sweep: Sweep, workdir: pathlib.Path, command: str) -> str:
    """The report and the cards, in the folder; see also `sweep.out`.

    In the documents the report takes the place of what stood between its two marks in
    exploration.md, or comes last; the pictures lie beside it.
    """
    text = report(sweep, workdir, command)
    (workdir / REPORT).write_text(text + "\n")
    _cards(sweep, workdir)
    if sweep.out:
        pictures = workdir.glob(f"exploration_{sweep.name}_*.png")
        path = pathlib.Path(sweep.out) / DOCUMENT
        documents.published(text, sweep.name, path, pictures)
    return text


def _cards(sweep: Sweep, workdir: pathlib.Path) -> None:
    """The credit card of every finished run, and one of all of them."""
    folders = [run.cell.folder(workdir) for run in read(sweep, workdir)]
    for folder in folders:
        page.written([folder], folder)
    if folders:
        page.written(folders, workdir)
