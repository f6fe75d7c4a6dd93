"""The report of a run of the grid agent: a table and a picture."""

import json
import pathlib
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rl_credit.analysis import intervals
from rl_credit.analysis.card import page
from rl_credit.runtime import metrics
from rl_credit.runtime.records import RESULT
from rl_credit.training.grid_agent import HELD_OUT, SEEDS

CURVES = "curves.png"
COLOURS = {"train": "tab:blue", HELD_OUT: "tab:orange"}
NAMES = {"train": "while training", HELD_OUT: "fresh episodes, no bonus"}


def written(workdir: pathlib.Path) -> str:
    """Draws the picture, fills the card, gives the table and where all that is."""
    curves(workdir).savefig(workdir / CURVES, dpi=120, bbox_inches="tight")
    page.written([workdir], workdir)
    files = [CURVES, page.CARD, metrics.FILE, SEEDS, "tensorboard", "checkpoints"]
    return f"\n{table(workdir)}\n\nIn {workdir}: {', '.join(files)}"


def table(workdir: pathlib.Path) -> str:
    """Interquartile means over the seeds before and after, with 95% intervals."""
    found = json.loads((workdir / RESULT).read_text())
    config = json.loads((workdir / "config.json").read_text())
    seeds, count = config["seeds"], found["episodes"]
    lines = [
        f"| {config['env']['name']}, {seeds} seeds, {count} fresh episodes each | "
        "return (95%) | success (95%) | steps |",
        "|---|---|---|---|",
    ]
    for when in ("before", "after"):
        row = {name: np.asarray(values) for name, values in found[when].items()}
        paid, share = _interval(row["return"]), _interval(row["success"])
        lines.append(
            f"| {when} | {paid[0]:.4g} ({paid[1]:.4g} to {paid[2]:.4g}) | "
            f"{share[0]:.0%} ({share[1]:.0%} to {share[2]:.0%}) | "
            f"{np.mean(row['length']):.1f} |"
        )
    each = ", ".join(f"{value:.4g}" for value in found["after"]["return"])
    spent = f"{found['frames']} steps a seed in {found['seconds']:.0f} s"
    return "\n".join([*lines, f"\n{spent}. Return of each seed: {each}."])


def curves(workdir: pathlib.Path) -> Figure:
    """Return and success of every seed, and their interquartile mean with its band."""
    with (workdir / SEEDS).open() as lines:
        records = [json.loads(line) for line in lines]
    figure = Figure(figsize=(11, 4), layout="constrained")
    for place, name in enumerate(("return", "success")):
        axes = figure.add_subplot(1, 2, place + 1)
        for kind in COLOURS:
            _curve(axes, [line for line in records if line["kind"] == kind], name, kind)
        axes.set(title=f"{name} of an episode", xlabel="environment steps of a seed")
        axes.grid(alpha=0.3)
    axes.set_ylim(-0.02, 1.02)
    axes.legend(frameon=False)
    return figure


def _curve(axes: Axes, lines: list[dict[str, Any]], name: str, kind: str) -> None:
    """Thin lines for the seeds; the thick one needs a number of each of them."""
    whole = [line for line in lines if None not in line[name]]
    if not whole:
        return
    frames = [line["frames"] for line in whole]
    scores = np.asarray([line[name] for line in whole])
    found = np.asarray([_interval(row) for row in scores])
    colour = COLOURS[kind]
    axes.plot(frames, scores, color=colour, alpha=0.25, linewidth=0.7)
    axes.plot(frames, found[:, 0], color=colour, label=NAMES[kind])
    axes.fill_between(
        frames, found[:, 1], found[:, 2], color=colour, alpha=0.2, linewidth=0
    )


def _interval(scores: np.ndarray) -> tuple[float, float, float]:
    """The interquartile mean, and the borders of its 95% interval."""
    return intervals.iqm(scores), *intervals.bootstrap(scores)
