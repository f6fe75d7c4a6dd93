"""From trajectories and their credit to one HTML file that needs nothing else."""

import dataclasses
import functools
import html
import importlib.resources
import json
import os
import pathlib
import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from rl_credit.analysis.viewer import frames, shown
from rl_credit.analysis.viewer.shown import Rows, Series, Trajectory

SCRIPTS = ("data", "marks", "list", "overview", "tree", "steps", "aside", "keys")
STYLES = ("theme", "panes", "narrow")  # later ones have the last word
DIGITS = 6  # significant ones of a number in the file
HEIGHT = 780  # pixels, in a notebook
PLACES = re.compile(r"<!-- (title) -->|/\* (style|script|data) \*/")


@dataclasses.dataclass(frozen=True)
class Page:
    """A page to save, or to show as the last value of a notebook's cell."""

    title: str
    html: str  # a whole document; nothing in it asks for another file

    def save(self, path: str | os.PathLike) -> pathlib.Path:
        """Writes the file, making its folder if need be, and tells where."""
        path = pathlib.Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.html, encoding="utf-8", errors="xmlcharrefreplace")
        return path

    def _repr_html_(self) -> str:
        """A frame of its own, so that pages in one notebook do not meet."""
        inside, title = html.escape(self.html), html.escape(self.title)
        style = f"width:100%;height:{HEIGHT}px;border:0"
        return (
            f'<iframe title="{title}" style="{style}" sandbox="allow-scripts" '
            f'srcdoc="{inside}"></iframe>'
        )


def page(
    trajectories: Sequence[Trajectory],
    credit: Mapping[str, Rows],
    exact: Rows | None = None,
    title: str = "Who gets the credit?",
) -> Page:
    """The viewer of these trajectories.

    Args:
        credit: by the name of an estimator, what it gave, [trajectory][step].
        exact: the true advantage of every step, shown before all estimates.

    Raises ValueError naming estimator, trajectory and step for credit that is not
    finite or not one number a step, and for what `shown.check` and `frames.album` say.
    """
    shown.check(trajectories)
    series = shown.series(trajectories, credit, exact)
    parts = dict(
        title=html.escape(title),
        style="\n".join(_part(f"{name}.css") for name in STYLES),
        script=_script(),
        data=_json(title, trajectories, series),
    )
    # In one go: what is put in may itself look like a place to fill.
    return Page(title, PLACES.sub(lambda m: parts[m[1] or m[2]], _part("page.html")))


def _script() -> str:
    """All parts as one function's body: they share names, and no other script does."""
    parts = "\n".join(_part(f"{name}.js") for name in SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}}})();'


@functools.cache
def _part(name: str) -> str:
    here = importlib.resources.files("rl_credit.analysis.viewer")
    return here.joinpath("parts", name).read_text(encoding="utf-8")


def _json(
    title: str, trajectories: Sequence[Trajectory], series: Sequence[Series]
) -> str:
    """What the script reads; safe between the tags of a script, and ASCII."""
    data = _data(title, trajectories, series)
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


def _data(
    title: str, trajectories: Sequence[Trajectory], series: Sequence[Series]
) -> dict[str, Any]:
    """Columns of numbers; texts, groups, anchors and pictures are told once."""
    groups, of_group = _numbered((t.group,) for t in trajectories)
    steps = [step for t in trajectories for step in t.steps]
    texts, words = _numbered(w for step in steps for w in (step.text, step.action))
    states = (
        None if step.anchor is None else (group, step.anchor)
        for group, trajectory in zip(of_group, trajectories)
        for step in trajectory.steps
    )
    pictures, frame_numbers = frames.album(step.frame for step in steps)
    columns: dict[str, list] = dict(
        text=words[::2],
        action=words[1::2],
        anchor=_numbered(states)[1],
        frame=frame_numbers,
        reward=[_short(step.reward) for step in steps],
        trained=[int(step.trained) for step in steps],
    )
    rows, start = [], 0
    for number, trajectory in enumerate(trajectories):
        part = slice(start, start := start + len(trajectory.steps))
        row: dict[str, Any] = {name: column[part] for name, column in columns.items()}
        row["credit"] = [[_short(v) for v in one.values[number]] for one in series]
        row |= dict(title=trajectory.title, group=of_group[number])
        rows.append(row | dict(parent=trajectory.parent))
    return dict(
        title=title,
        series=[dict(name=one.name, exact=one.exact) for one in series],
        groups=[str(group) for (group,) in groups],
        texts=texts,
        frames=pictures,
        trajectories=rows,
    )


def _numbered(values: Iterable[Hashable]) -> tuple[list, list[int]]:
    """The distinct values, and the number of each one's; of None it is -1."""
    known: dict[Hashable, int] = {}
    numbers = [
        -1 if value is None else known.setdefault(value, len(known)) for value in values
    ]
    return list(known), numbers


def _short(value: float | None) -> float | int | None:
    """With few digits, and without a point where it is whole."""
    if value is None:
        return None
    number = float(f"{value:.{DIGITS}g}")
    return int(number) if number == int(number) and abs(number) < 1e6 else number
