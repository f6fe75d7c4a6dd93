"""The report of a study of bonuses: success of every run, and what contexts share."""

import itertools
import pathlib
from collections.abc import Sequence

from rl_credit.analysis import documents
from rl_credit.analysis import exploration_figures as figures
from rl_credit.analysis import exploration_shared as shared
from rl_credit.analysis.card import page
from rl_credit.analysis.exploration_figures import Place
from rl_credit.analysis.exploration_runs import (
    Finished,
    interval,
    joined,
    lines,
    publish,
    read,
)
from rl_credit.runtime import records
from rl_credit.training.grid_sweep import Sweep

REPORT, RESULTS, DOCUMENT = "report.md", "results.json", "exploration.md"


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
    rows = []
    for place in places(sweep):
        cells = [_words(chosen(runs, place, bonus)) for bonus in bonuses]
        rows.append([place.task, place.words, *cells])
    if len(places(sweep)) > 1:
        whole = [place for place in places(sweep) if _complete(sweep, runs, place)]
        cells = [
            _words([run for place in whole for run in chosen(runs, place, bonus)])
            for bonus in bonuses
        ]
        rows.append([f"all {len(whole)}", "", *cells])
    return documents.table(["task", "contexts", *bonuses], rows)


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


def report(
    sweep: Sweep,
    runs: Sequence[Finished],
    found: Sequence[shared.Shared],
    workdir: pathlib.Path,
    command: str,
) -> str:
    """Draws every picture of these runs and of what their contexts share (`found`).

    Gives the Markdown.
    """
    parts = [spent(sweep, runs, command), table(sweep, runs)]
    pictures = {}
    if runs:
        known = {run.cell: run.curve for run in runs}
        pictures["curves"] = figures.curves(places(sweep), list(sweep.bonuses), known)
    if len(sweep.contexts) > 1:
        at = {
            (place, bonus): interval(some)
            for place in places(sweep)
            for bonus in sweep.bonuses
            if (some := chosen(runs, place, bonus))
        }
        pictures["contexts"] = figures.against_contexts(list(sweep.tasks), at)
    if found:
        parts.append(shared.table(found))
        pictures["shared"] = shared.drawn(found)
    for name, figure in pictures.items():
        file = f"exploration_{sweep.name}_{name}.png"
        figure.savefig(workdir / file, dpi=120)
        parts.append(f"![{name}]({file})")
    return "\n\n".join(parts)


def written(sweep: Sweep, workdir: pathlib.Path, command: str) -> str:
    """The report, the results and the cards, in the folder; see also `sweep.out`.

    In the documents the report takes the place of what stood between its two marks in
    exploration.md, or comes last; pictures and results lie beside it. Runs whose
    results lie there already and that this folder has not are reported with the others:
    a study may be done in pieces, in several folders or on several machines.
    """
    runs = joined(sweep, read(sweep, workdir))
    found = shared.measured(sweep, runs)
    text = report(sweep, runs, found, workdir, command)
    (workdir / REPORT).write_text(text + "\n")
    records.write_json(workdir / RESULTS, lines(runs))
    _cards(sweep, workdir)
    if sweep.out:
        out = pathlib.Path(sweep.out)
        pictures = workdir.glob(f"exploration_{sweep.name}_*.png")
        documents.published(text, sweep.name, out / DOCUMENT, pictures)
        publish(sweep, runs)
        shared.publish(sweep.name, found, out)
    return text


def _cards(sweep: Sweep, workdir: pathlib.Path) -> None:
    """The credit card of every finished run, and one of all of them."""
    folders = [run.cell.folder(workdir) for run in read(sweep, workdir)]
    for folder in folders:
        page.written([folder], folder)
    if folders:
        page.written(folders, workdir)
