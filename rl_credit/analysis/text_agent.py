"""The report of a run of the text agent: a table and three pictures."""

import json
import pathlib
import textwrap
from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rl_credit.analysis import anchor_groups
from rl_credit.analysis.card import page
from rl_credit.runtime import metrics
from rl_credit.runtime.records import RESULT
from rl_credit.training.text_iteration import TRANSCRIPTS

CURVES, CREDIT, GROUPS = "curves.png", "credit.png", "groups.png"
PANELS = (  # title, metric of training, metric of the held-out tasks
    ("success", "train/success", "held_out/success"),
    ("turns in an episode", "train/turns", "held_out/turns"),
    ("share of invalid actions", "train/invalid", "held_out/invalid"),
    ("entropy (nats a token)", "entropy", None),
)
WIDTH = 46  # letters in a line of the picture of credit
TURNS = 12  # shown of an episode


def written(workdir: pathlib.Path) -> str:
    """Draws the pictures, fills the card, gives the table and where all that is."""
    pictures = {CURVES: curves(workdir)}
    if (workdir / TRANSCRIPTS).stat().st_size:  # else nothing was trained
        pictures[CREDIT] = credit(workdir)
    if (groups := anchor_groups.sizes(metrics.read(workdir))) is not None:
        pictures[GROUPS] = groups
    for name, figure in pictures.items():
        figure.savefig(workdir / name, dpi=120, bbox_inches="tight")
    page.written([workdir], workdir)
    files = [*pictures, page.CARD, metrics.FILE, TRANSCRIPTS]
    files += ["tensorboard", "checkpoints"]
    return f"\n{table(workdir)}\n\nIn {workdir}: {', '.join(files)}"


def table(workdir: pathlib.Path) -> str:
    """Held-out success before and after, with 95% intervals, in Markdown."""
    found = json.loads((workdir / RESULT).read_text())
    name = json.loads((workdir / "config.json").read_text())["credit"]["name"]
    lines = [
        f"| held-out tasks ({name}) | success (95%) | turns | invalid actions |",
        "|---|---|---|---|",
    ]
    for when in ("before", "after"):
        row = found[when]
        lines.append(
            f"| {when} | {row['success']:.0%} ({row['low']:.0%} to {row['high']:.0%}, "
            f"{row['episodes']:.0f} episodes) | {row['turns']:.1f} | "
            f"{row['invalid']:.0%} |"
        )
    gain = 100 * (found["after"]["success"] - found["before"]["success"])
    return "\n".join([*lines, f"\n{gain:+.0f} points in {found['seconds']:.0f} s."])


def curves(workdir: pathlib.Path) -> Figure:
    """Success, length, invalid actions and entropy over the steps."""
    lines = metrics.read(workdir)
    figure = Figure(figsize=(11, 6.5), layout="constrained")
    for place, (title, training, held_out) in enumerate(PANELS):
        axes = figure.add_subplot(2, 2, place + 1)
        _curve(axes, lines, training, "training tasks", "tab:blue")
        if held_out:
            _curve(axes, lines, held_out, "held-out tasks", "tab:orange", marker="o")
        if held_out == "held_out/success":
            _band(axes, lines)
            axes.set_ylim(0, 1)
        axes.set(title=title, xlabel="step")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    return figure


def _curve(axes: Axes, lines, name: str, label: str, colour: str, marker="") -> None:
    known = [line for line in lines if line.get(name) is not None]
    points = [(line["step"], line[name]) for line in known]
    if points:
        axes.plot(*zip(*points), label=label, color=colour, marker=marker)


def _band(axes: Axes, lines) -> None:
    judged = [line for line in lines if "held_out/low" in line]
    steps = [line["step"] for line in judged]
    low, high = ([line[f"held_out/{e}"] for line in judged] for e in ("low", "high"))
    axes.fill_between(steps, low, high, color="tab:orange", alpha=0.2, linewidth=0)


def credit(workdir: pathlib.Path) -> Figure:
    """Two attempts at one task side by side: what was done, and its advantage.

    One that was won and one that was lost, if any task was both.
    """
    with (workdir / TRANSCRIPTS).open() as lines:
        records = [json.loads(line) for line in lines]
    shown = _contrast(records)
    figure = Figure(figsize=(15, 0.6 + 0.62 * min(_longest(shown), TURNS)))
    figure.subplots_adjust(left=0.24, right=0.95, wspace=0.85)
    largest = max(abs(t["advantage"]) for r in shown for t in r["turns"]) or 1.0
    for place, record in enumerate(shown):
        axes = figure.add_subplot(1, len(shown), place + 1)
        _episode(axes, record, largest, min(_longest(shown), TURNS))
    task, step = shown[0]["task"], shown[0]["step"]
    figure.suptitle(f"Credit of every turn: task {task} at step {step}", fontsize=11)
    return figure


def _contrast(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The shortest episode that won and one that lost; else the last two there are.

    Of the step that had most of both, the last of equals.
    """
    best: list[dict[str, Any]] = []
    most = 1
    for step in sorted({record["step"] for record in records}):
        group = [record for record in records if record["step"] == step]
        won = [record for record in group if record["won"]]
        lost = [record for record in group if not record["won"]]
        if min(len(won), len(lost)) >= most:
            most = min(len(won), len(lost))
            best = [min(won, key=lambda r: len(r["turns"])), lost[0]]
    return best or list(records[-2:])


def _longest(shown: Sequence[dict[str, Any]]) -> int:
    return max(len(record["turns"]) for record in shown)


def _episode(axes: Axes, record: dict[str, Any], largest: float, rows: int) -> None:
    """One row a turn: where the agent was, what it did, and a coloured bar."""
    colours = matplotlib.colormaps["RdYlGn"]
    for row, turn in enumerate(record["turns"][:rows]):
        value = turn["advantage"]
        colour = colours(0.5 + 0.5 * value / largest)
        axes.barh(-row, value / largest, color=colour, height=0.8, edgecolor="grey")
        seen = textwrap.shorten(turn["observation"], WIDTH, placeholder="...")
        done = turn["action"] or f"{turn['answer']} (invalid)"
        text = f"{seen}\n> {textwrap.shorten(done, WIDTH, placeholder='...')}"
        axes.text(-1.08, -row, text, ha="right", va="center", fontsize=7)
        axes.text(1.05, -row, f"{value:+.2f}", va="center", fontsize=7)
    outcome = "won" if record["won"] else "lost"
    axes.set_title(f"{outcome} in {len(record['turns'])} turns", fontsize=9)
    axes.set(xlim=(-1, 1), ylim=(-rows + 0.4, 0.6), yticks=[], xticks=[])
    axes.axvline(0, color="grey", linewidth=0.8)
