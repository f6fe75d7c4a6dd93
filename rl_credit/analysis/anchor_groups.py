"""How large the groups of equal states were over a run, as in GiGPO's section 5.5."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from rl_credit.training.anchoring import CLASSES, SHARES

LINES = (  # label, metric, colour
    ("turns in a group of one", "anchors/alone", "black"),
    ("turns whose text means several states", "anchors/aliased", "tab:red"),
)


def sizes(lines: Sequence[dict[str, Any]]) -> Figure | None:
    """The share of the groups of each size, and what they leave out; None of none.

    Args:
        lines: of metrics.jsonl.
    """
    known = [line for line in lines if SHARES[0] in line]
    if not known:
        return None
    steps = [line["step"] for line in known]
    shares = np.array([[line[name] for name in SHARES] for line in known]).T
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    colours = matplotlib.colormaps["viridis"](np.linspace(0, 1, len(CLASSES)))
    floors = np.cumsum([np.zeros(len(steps)), *shares[:-1]], axis=0)
    for name, floor, share, colour in zip(CLASSES, floors, shares, colours):
        label = name.replace("_", " ")
        left.bar(steps, share, 1.0, floor, label=label, color=colour)
    left.set(title="sizes of groups of turns in equal states", ylabel="share of groups")
    left.legend(title="turns", fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    for label, name, colour in LINES:
        right.plot(steps, [line[name] for line in known], label=label, color=colour)
    right.set(title="turns that meet no other, and turns that look alike")
    right.set_ylabel("share of turns")
    right.grid(alpha=0.3)
    right.legend(frameon=False, fontsize=8)
    for axes in (left, right):
        axes.set(xlabel="step", ylim=(0, 1))
    return figure
