"""The pictures of a study of bonuses."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from rl_credit.analysis import intervals
from rl_credit.analysis.intervals import Interval
from rl_credit.training.grid_sweep import FRESH, Cell

COLUMNS = 4  # of panels
Curve = list[tuple[int, list[float]]]  # frames; success of each seed


class Place(NamedTuple):
    """A task and a number of contexts."""

    task: str
    contexts: int

    @property
    def words(self) -> str:
        """The number of contexts, as it is written."""
        return "fresh" if self.contexts == FRESH else str(self.contexts)


def curves(
    places: Sequence[Place], bonuses: Sequence[str], runs: Mapping[Cell, Curve]
) -> Figure:
    """Success over steps: a panel a place, a colour a bonus, with 95% intervals."""
    columns = min(COLUMNS, len(places))
    rows = math.ceil(len(places) / columns)
    figure = Figure(figsize=(max(3.6 * columns, 6.0), 2.8 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for panel, place in zip(axes.flat, places):
        panel.set_title(f"{place.task}, {place.words}", fontsize=8)
        panel.set_ylim(-0.02, 1.02)
        panel.grid(alpha=0.3)
        for number, bonus in enumerate(bonuses):
            wanted = (*place, bonus)
            known = [
                curve
                for cell, curve in runs.items()
                if (cell.task, cell.contexts, cell.bonus) == wanted
            ]
            if known:
                frames, found = band(known)
                panel.plot(frames, found[:, 0], color=f"C{number}", label=bonus)
                panel.fill_between(
                    frames, found[:, 1], found[:, 2], color=f"C{number}", alpha=0.15
                )
    for panel in axes.flat[len(places) :]:
        panel.set_visible(False)
    lines = {line.get_label(): line for panel in axes.flat for line in panel.lines}
    handles = list(lines.values())
    figure.legend(handles=handles, loc="outside upper center", ncols=6, fontsize=8)
    figure.supxlabel("environment steps of a seed", fontsize=8)
    return figure


def band(curves: Sequence[Curve]) -> tuple[list[int], np.ndarray]:
    """Frames, and [frames, 3] interquartile means and intervals of runs alike."""
    frames = [frame for frame, _ in curves[0]]
    scores = np.array([[seeds for _, seeds in curve] for curve in curves])
    found = [
        Interval(intervals.iqm(now), *intervals.bootstrap(now, draws=500))
        for now in scores.transpose(1, 2, 0)
    ]
    return frames, np.array(found)


def against_contexts(
    tasks: Sequence[str], found: Mapping[tuple[Place, str], Interval]
) -> Figure:
    """Success against the number of contexts: a panel a task, a line a bonus."""
    figure = Figure(figsize=(5.0 * len(tasks), 4.0), layout="constrained")
    panels = figure.subplots(1, len(tasks), squeeze=False, sharey=True)[0]
    numbers = {place.contexts for place, _ in found}
    order = sorted(numbers, key=lambda count: (count == FRESH, count))
    names = list(dict.fromkeys(bonus for _, bonus in found))
    for panel, task in zip(panels, tasks):
        for shift, bonus in enumerate(names):
            known = [count for count in order if (Place(task, count), bonus) in found]
            rows = np.array([found[Place(task, count), bonus] for count in known])
            if not len(rows):
                continue
            at = np.array([order.index(count) for count in known]) + 0.06 * shift
            errors = np.abs(rows[:, 1:] - rows[:, :1]).T
            panel.errorbar(at, rows[:, 0], errors, label=bonus, marker="o", capsize=2)
        panel.set_xticks(
            range(len(order)), [Place(task, count).words for count in order]
        )
        panel.set(title=task, xlabel="contexts", ylim=(-0.04, 1.04))
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("success on new episodes")
    panels[0].legend(frameon=False, fontsize=8)
    return figure


def against_shared(points: Sequence[tuple[float, float, Place]]) -> Figure:
    """What a lifelong count gains over an episodic one, against what V* varies."""
    figure = Figure(figsize=(5.5, 4.0), layout="constrained")
    axes = figure.add_subplot()
    tasks = list(dict.fromkeys(place.task for _, _, place in points))
    for variance, gain, place in points:
        axes.scatter([variance], [gain], color=f"C{tasks.index(place.task)}")
        axes.annotate(place.words, (variance, gain), fontsize=7)
    for number, task in enumerate(tasks):
        axes.scatter([], [], color=f"C{number}", label=task)
    axes.axhline(0.0, color="black", linewidth=0.7)
    axes.set(
        xlabel="part of V*'s variance, by what is counted, that is between contexts",
        ylabel="success: global minus episodic",
        ylim=(-1.05, 1.05),
    )
    axes.legend(frameon=False, fontsize=8)
    axes.grid(alpha=0.3)
    return figure
