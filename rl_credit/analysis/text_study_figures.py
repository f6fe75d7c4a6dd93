"""The picture of a study of credit in a text world."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from rl_credit.analysis import intervals

Curve = Sequence[tuple[int, float]]  # turns played; held-out success


def curves(found: Mapping[str, Sequence[Curve]]) -> Figure:
    """Held-out success over turns played, a panel a method, the others behind it.

    Thick: the interquartile mean over the runs and its 95% interval; thin: the runs.
    """
    columns = min(4, len(found))
    rows = -(-len(found) // columns)
    figure = Figure(figsize=(3.4 * columns, 2.8 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    means = {name: band(runs) for name, runs in found.items()}
    for number, (panel, name) in enumerate(zip(panels.flat, found)):
        for other in found:
            panel.plot(means[other][:, 0], means[other][:, 1], color="0.85")
        for run in found[name]:
            panel.plot(*zip(*run), color=f"C{number}", alpha=0.4, linewidth=0.8)
        turns, middle, low, high = means[name].T
        panel.plot(turns, middle, color=f"C{number}", linewidth=2.2)
        panel.fill_between(turns, low, high, color=f"C{number}", alpha=0.15)
        count = len(found[name])
        panel.set_title(f"{name}, {count} run{'s' if count > 1 else ''}", fontsize=9)
        panel.set_ylim(0, 1)
        panel.grid(alpha=0.3)
    for panel in panels.flat[len(found) :]:
        panel.set_visible(False)
    panels.flat[0].locator_params(axis="x", nbins=4)  # of all: they share it
    figure.supxlabel("turns played", fontsize=9)
    figure.supylabel("held-out success", fontsize=9)
    return figure


def band(runs: Sequence[Curve]) -> np.ndarray:
    """[points, 4]: mean turns, interquartile mean of success and its interval."""
    points = np.asarray(runs, np.float64).transpose(1, 2, 0)  # [points, 2, runs]
    return np.array(
        [
            (turns.mean(), intervals.iqm(now), *intervals.bootstrap(now, draws=500))
            for turns, now in points
        ]
    )
