"""The card as Markdown: of one run, or of several in columns."""

import pathlib
from collections.abc import Sequence

from rl_credit.analysis.card import compare, folder, grid, text
from rl_credit.analysis.card.folder import Folder
from rl_credit.analysis.card.items import Item, Sections

CARD = "credit_card.md"
ONE = "| | |\n|---|---|"
MANY = "| run | folder | estimator | seed | |\n|---|---|---|---|---|"
LEAD = (
    "Filled from the files of the run, in the spirit of the reporting checklist of "
    "arXiv 2604.09459."
)
UNFINISHED = "**Unfinished:** the run was stopped; all counts are as far as it came."


def card(paths: Sequence[pathlib.Path]) -> str:
    """The page for one run or several; the folder of a study counts as all its runs.

    Raises ValueError for a folder that holds no run.
    """
    runs = folder.read(paths)
    filled = [sections(run) for run in runs]
    return _alone(runs[0], filled[0]) if len(runs) == 1 else _beside(runs, filled)


def written(paths: Sequence[pathlib.Path], out: pathlib.Path) -> pathlib.Path:
    """Writes the page to the folder `out`, and tells where; raises what `card` does."""
    path = out / CARD
    path.write_text(card(paths))
    return path


def sections(run: Folder) -> Sections:
    """What the run says, by the headings of the page."""
    return grid.sections(run) if run.grid else text.sections(run)


def _alone(run: Folder, filled: Sections) -> str:
    parts = [f"# Credit card: {run.name}", LEAD]
    if not run.finished:
        parts.append(f"> {UNFINISHED}")
    for title, items in filled.items():
        rows = [_row(item.name, item.value) for item in items]
        parts.append("\n".join([f"## {title}\n", ONE, *rows]))
    return "\n\n".join(parts) + "\n"


def _beside(runs: Sequence[Folder], filled: Sequence[Sections]) -> str:
    """A column a run where they differ; what is the same in all is said once."""
    names = _letters(len(runs))
    warnings = {
        title: compare.warnings(runs, names, [one.get(title, []) for one in filled])
        for title in filled[0]
    }
    parts = [f"# Credit card: {len(runs)} runs", LEAD, _legend(runs, names, filled)]
    parts.append(_verdict(warnings["Budget"], warnings["Tasks"]))
    for title in filled[0]:
        parts.append(f"## {title}")
        lines = [f"> - **Warning:** {line}" for line in warnings[title]]
        parts += ["\n".join(lines)] if lines else []
        parts += _tables(names, [one.get(title, []) for one in filled])
        if title == "Results":
            parts += compare.seeds(runs, names)
    return "\n\n".join(parts) + "\n"


def _verdict(budget: Sequence[str], tasks: Sequence[str]) -> str:
    """In a sentence or two, from the warnings."""
    within = f"every count of the budget agrees within {compare.TOLERANCE:.0%}"
    words = f"**Compute-matched:** {within}."
    if budget:
        words = "**Not compute-matched:** the warnings under Budget say in what."
    if budget and budget[0].startswith(compare.UNKNOWN):
        words = "**Nobody knows whether it is compute-matched:** see Budget."
    if tasks:
        words += " **Not on the same tasks:** see the warnings there."
    return f"> {words}"


def _legend(
    runs: Sequence[Folder], names: Sequence[str], filled: Sequence[Sections]
) -> str:
    lines = [MANY]
    for name, run, one in zip(names, runs, filled):
        estimator = next(i for i in one["Method"] if i.name == "estimator").value
        state = "" if run.finished else "**unfinished**"
        seeds = next(i for i in one["Tasks"] if i.name in ("seed", "seeds")).value
        lines.append(_row(name, run.name, estimator, seeds, state))
    return "\n".join(lines)


def _tables(names: Sequence[str], columns: Sequence[Sequence[Item]]) -> list[str]:
    """What is the same in all runs, and what is not, with a column a run."""
    told = [{item.name: item.value for item in items} for items in columns]
    rows = list(dict.fromkeys(name for one in told for name in one))
    same = [row for row in rows if len({one.get(row) for one in told}) == 1]
    tables = []
    if same:
        lines = [_row(row, told[0][row]) for row in same]
        tables.append("\n".join(["| in all runs | |\n|---|---|", *lines]))
    if len(same) < len(rows):
        head = [_row("", *names), "|---" * (len(names) + 1) + "|"]
        lines = [
            _row(row, *(one.get(row, "") for one in told))
            for row in rows
            if row not in same
        ]
        tables.append("\n".join([*head, *lines]))
    return tables


def _letters(number: int) -> list[str]:
    """A, B, ... and after Z numbers."""
    if number <= 26:
        return [chr(ord("A") + place) for place in range(number)]
    return [str(place + 1) for place in range(number)]


def _row(*cells: str) -> str:
    """A row of a table; a bar inside a cell does not end it."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
