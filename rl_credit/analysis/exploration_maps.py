"""Maps of a grid: where agents have been, and what a bonus paid them there."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

GROUND = "#d8d8d8"  # cells that were not visited
HIGH = 95  # percentile of what was paid, where the colours of a bonus end


class Map(NamedTuple):
    """What happened on each cell of a grid."""

    visits: Int[np.ndarray, "height width"]
    paid: Float[np.ndarray, "height width"]  # mean of a visit; NaN where none was


def mapped(
    keys: Int[np.ndarray, "time envs"],
    paid: Float[np.ndarray, "time envs"],
    shape: tuple[int, int],
) -> Map:
    """Sums up a rollout by cells, counted row by row in a grid of that shape.

    A bonus that looks at the successor of a step pays for `Steps.keys`, and one that
    looks at the state before, such as E3B, for `Steps.start_keys`.
    """
    size = shape[0] * shape[1]
    visits = np.bincount(keys.ravel(), minlength=size)
    total = np.bincount(keys.ravel(), paid.ravel(), minlength=size)
    mean = np.divide(total, visits, out=np.full(size, np.nan), where=visits > 0)
    return Map(visits.reshape(shape), mean.reshape(shape))


def distances(
    start_keys: Int[np.ndarray, "time envs"],
    keys: Int[np.ndarray, "time envs"],
    starts: Bool[np.ndarray, "time envs"],
    width: int,
) -> Int[np.ndarray, "time envs"]:
    """King's moves from the first cell of a step's episode to its successor.

    Raises ValueError where the rollout does not begin with its episodes: the first cell
    is not known then.
    """
    if not starts[0].all():
        raise ValueError(
            f"{int((~starts[0]).sum())} environments are within an episode at the "
            "first step; give a rollout from `scan.begin`"
        )
    time = np.arange(len(starts))[:, None]
    since = np.maximum.accumulate(np.where(starts, time, 0), axis=0)
    first = np.take_along_axis(start_keys, since, axis=0)
    down = np.abs(keys // width - first // width)
    across = np.abs(keys % width - first % width)
    return np.maximum(down, across)


def panels(
    columns: Mapping[str, Sequence[Map]],
    times: Sequence[str],
    ground: Bool[np.ndarray, "height width"],
) -> Figure:
    """A column a bonus: its visits at each time, below them what a visit was paid.

    All visits have one scale. Each bonus has its own, the same at all times, so that
    one that fades is seen to; the uppermost values share a colour (`HIGH`).

    Args:
        times: what to call the maps of a column, in their order.
        ground: the cells to draw, visited or not; the rest of the grid is cut off.
    """
    rows, count = 2 * len(times), len(columns)
    figure = Figure(figsize=(2.6 * count, 2.0 * rows), layout="constrained")
    axes = figure.subplots(rows, count, squeeze=False)
    busiest = max(found.visits.max() for maps in columns.values() for found in maps)
    for column, (name, maps) in enumerate(columns.items()):
        axes[0, column].set_title(name)
        visits = LogNorm(1, busiest)
        seen = [np.where(m.visits > 0, m.visits, np.nan) for m in maps]
        high = np.nanpercentile([m.paid for m in maps], HIGH)
        upper, lower = np.split(axes[:, column], 2)
        pictures = [_draw(a, s, ground, norm=visits) for a, s in zip(upper, seen)]
        payments = [
            _draw(a, m.paid, ground, vmin=0.0, vmax=high) for a, m in zip(lower, maps)
        ]
        bar: dict[str, Any] = dict(location="bottom", shrink=0.9, aspect=30)
        figure.colorbar(pictures[0], ax=upper, label="visits of a cell", **bar)
        words = f"{name} of a visit, mean"
        figure.colorbar(payments[0], ax=lower, label=words, extend="max", **bar)
    for row, axis in enumerate(axes[:, 0]):
        what = "visits" if row < len(times) else "bonus"
        axis.set_ylabel(f"{what}, {times[row % len(times)]}")
    return figure


def _draw(
    axis: Axes, values: np.ndarray, ground: np.ndarray, **scale: Any
) -> AxesImage:
    """One map, unvisited ground in grey; the picture that a colour bar is of."""
    inside = [np.flatnonzero(ground.any(axis=other)) for other in (1, 0)]
    rows, columns = [slice(at[0], at[-1] + 1) for at in inside]
    grey = np.where(ground, 1.0, np.nan)[rows, columns]
    axis.imshow(grey, cmap=ListedColormap([GROUND]), interpolation="nearest")
    axis.set(xticks=[], yticks=[])
    return axis.imshow(values[rows, columns], interpolation="nearest", **scale)
