"""How sure a few runs make us: interquartile means and their bootstrap intervals.

Source: "Deep Reinforcement Learning at the Edge of the Statistical Precipice" (arXiv
2108.13264, section 4).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float


class Interval(NamedTuple):
    """A statistic, and the borders of its interval."""

    middle: float
    low: float
    high: float


Statistic = Callable[[np.ndarray], Any]  # scores [... seeds tasks] to [...]


def iqm(scores: Float[np.ndarray, "seeds ..."]) -> float:
    """The mean of the middle half of all scores, whatever seed and task they are of.

    A score that the border of the half cuts counts by its part inside, so that five
    scores are as good as 5000. Raises ValueError where there is no score, or no number.
    """
    return float(_middle_mean(_tasks(scores)))


def bootstrap(
    scores: Float[np.ndarray, "seeds ..."],
    statistic: Statistic | None = None,
    *,
    seed: int = 0,
    draws: int = 2000,
    level: float = 0.95,
) -> tuple[float, float]:
    """The interval that holds a statistic at that level, by the stratified bootstrap.

    Seeds are drawn with replacement, for every task on its own; the interval is that of
    the percentiles.

    Args:
        scores: [seeds] of one task, or [seeds ...] of several.
        statistic: from [draws seeds tasks] to [draws]; the interquartile mean if None.
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; give more than 0 and less than 1")
    table = _tasks(scores)
    random = np.random.default_rng(seed)
    seeds, tasks = table.shape
    chosen = random.integers(seeds, size=(draws, seeds, tasks))
    drawn = table[chosen, np.arange(tasks)[None, None]]
    values = (statistic or _middle_mean)(drawn)
    tail = 50.0 * (1.0 - level)
    low, high = np.percentile(values, [tail, 100.0 - tail])
    return float(low), float(high)


def improvement(
    one: Float[np.ndarray, " seeds"],
    other: Float[np.ndarray, " rivals"],
    *,
    seed: int = 0,
    draws: int = 2000,
) -> Interval:
    """How likely a run of one is better than a run of the other; section 4.3.

    A tie counts half. With the 95% bootstrap interval, the runs of each drawn anew.
    """
    first, second = _tasks(one)[:, 0], _tasks(other)[:, 0]
    better = (np.sign(first[:, None] - second) + 1.0) / 2.0
    random = np.random.default_rng(seed)
    rows = random.integers(first.size, size=(draws, first.size, 1))
    columns = random.integers(second.size, size=(draws, 1, second.size))
    drawn = better[rows, columns].mean((1, 2))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Interval(float(better.mean()), float(low), float(high))


def _middle_mean(scores: np.ndarray) -> Any:
    """[... seeds tasks] to [...]."""
    ordered = np.sort(scores.reshape(*scores.shape[:-2], -1), axis=-1)
    count = ordered.shape[-1]
    places = np.arange(count)
    upper = np.minimum(places + 1, 0.75 * count)
    weights = np.clip(upper - np.maximum(places, 0.25 * count), 0.0, None)
    return ordered @ (weights / weights.sum())


def _tasks(scores: np.ndarray) -> np.ndarray:
    """As [seeds tasks] in float64; raises ValueError for what has no statistic."""
    table = np.asarray(scores, np.float64)
    if table.size == 0:
        raise ValueError(f"scores have shape {list(table.shape)}; give [seeds ...]")
    if not np.all(np.isfinite(table)):
        bad = table[~np.isfinite(table)][0]
        raise ValueError(f"scores hold {bad}, which has no rank among them")
    return table.reshape(table.shape[0], -1)
