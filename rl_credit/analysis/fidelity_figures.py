"""The pictures of a sweep of estimators."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from rl_credit.analysis import intervals

COLUMNS = 4  # of panels
LEAST = 1e-3  # bias or variance that is drawn


def drawn(cells: Sequence[Any], budget: int) -> dict[str, Figure]:
    """Every picture for which there are numbers, by its name."""
    found = {"bias_variance": bias_variance(cells, budget)}
    if any(len(cell.budgets()) > 1 for cell in cells):
        found["budgets"] = budgets(cells)
    if any("returns" in cell.arrays for cell in cells):
        found["learning"] = learning(cells)
    return found


def bias_variance(cells: Sequence[Any], budget: int) -> Figure:
    """Squared bias and variance of credit, both of the squared advantage."""
    figure, panels = _panels(cells)
    for process, panel in panels.items():
        for number, cell in _numbered(cells, process):
            bias, variance = (cell.at(budget, name) for name in ("bias", "variance"))
            if bias.size == 0 or not np.isfinite(bias).any():
                continue
            place = max(np.nanmean(bias), LEAST), max(np.nanmean(variance), LEAST)
            look = dict(color=_colour(number), marker=_marker(number), s=28)
            panel.scatter(*place, **look, label=cell.estimator)
        panel.set(xscale="log", yscale="log", xlim=(LEAST / 2, 2), ylim=(LEAST / 2, 60))
    _labelled(figure, panels, "squared bias", "variance")
    return figure


def budgets(cells: Sequence[Any]) -> Figure:
    """Cosine with the exact gradient, against what a batch may cost."""
    figure, panels = _panels(cells)
    for process, panel in panels.items():
        for number, cell in _numbered(cells, process):
            at = cell.budgets()
            middle = [np.nanmean(cell.at(budget, "cosine")) for budget in at]
            panel.plot(
                at,
                middle,
                color=_colour(number),
                marker=_marker(number),
                ms=3,
                lw=1,
                label=cell.estimator,
            )
        panel.set_xscale("log", base=2)
        panel.set_ylim(top=1.02)
    _labelled(figure, panels, "budget, in plain episodes", "cosine")
    return figure


def learning(cells: Sequence[Any]) -> Figure:
    """Exact return against updates; interquartile mean over seeds with its interval."""
    figure, panels = _panels(cells)
    for process, panel in panels.items():
        for number, cell in _numbered(cells, process):
            if "returns" not in cell.arrays:
                continue
            returns, at = cell.arrays["returns"], cell.arrays["updates"]
            middle = [intervals.iqm(look) for look in returns.T]
            bands = [intervals.bootstrap(look, draws=300) for look in returns.T]
            colour = _colour(number)
            panel.plot(at, middle, color=colour, lw=1, label=cell.estimator)
            panel.fill_between(at, *zip(*bands), color=colour, alpha=0.12)
            panel.axhline(float(cell.arrays["best"]), color="0.6", lw=0.6, ls=":")
    _labelled(figure, panels, "updates", "return")
    return figure


def _panels(cells: Sequence[Any]) -> tuple[Figure, dict[str, Any]]:
    processes = list(dict.fromkeys(cell.process for cell in cells))
    columns = min(COLUMNS, len(processes))
    rows = math.ceil(len(processes) / columns)
    figure = Figure(figsize=(3.2 * columns, 2.6 * rows + 0.5), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for spare in axes.flat[len(processes) :]:
        spare.set_visible(False)
    return figure, dict(zip(processes, axes.flat))


def _numbered(cells: Sequence[Any], process: str) -> list[tuple[int, Any]]:
    names = list(dict.fromkeys(cell.estimator for cell in cells))
    return [(names.index(c.estimator), c) for c in cells if c.process == process]


def _labelled(figure: Figure, panels: dict[str, Any], below: str, beside: str) -> None:
    for process, panel in panels.items():
        panel.set_title(process, fontsize=8)
        panel.tick_params(labelsize=6)
        panel.grid(alpha=0.3)
    figure.supxlabel(below, fontsize=8)
    figure.supylabel(beside, fontsize=8)
    drawn = [panel.get_legend_handles_labels() for panel in panels.values()]
    known = {label: handle for one in drawn for handle, label in zip(*one)}
    if known:
        handles, labels = list(known.values()), list(known)
        figure.legend(handles, labels, loc="outside upper center", ncols=6, fontsize=7)


def _colour(number: int) -> str:
    return f"C{number % 10}"


def _marker(number: int) -> str:
    return "osD^v<>PX*"[number % 10]
