"""One line of a card, and the words that all of them are made of."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rl_credit.analysis import intervals

QUANTILES = (0, 5, 25, 50, 75, 95, 100)  # percent


@dataclasses.dataclass(frozen=True)
class Item:
    """A name and what the run says to it."""

    name: str
    value: str  # Markdown
    # What runs must agree in to be compared: counts nearly, anything else exactly.
    # None where it does not matter, NaN where it does and was not recorded.
    matched: Any = None


Sections = dict[str, list[Item]]


def missing(name: str, why: str, *, matters: bool = False) -> Item:
    """An item that the run did not record."""
    known = float("nan") if matters else None
    return Item(name, f"not recorded by this run: {why}", known)


def count(name: str, number: float | int, words: str = "") -> Item:
    """A number that is part of a budget."""
    return Item(name, f"{number:,.0f}{words}", float(number))


def options(values: Mapping[str, Any]) -> str:
    """As in "discount = 0.95, scale = true"."""
    told = [f"{name} = {_plain(value)}" for name, value in values.items()]
    return ", ".join(told) or "none"


def quantiles(values: Sequence[float | int]) -> str:
    """Median, middle half, middle 90%, range and mean of what episodes had."""
    if not values:
        return "none"
    found = [f"{value:.4g}" for value in np.percentile(values, QUANTILES)]
    least, low, quarter, median, three, high, most = found
    return (
        f"median {median} (half: {quarter} to {three}; 90%: {low} to {high}; all: "
        f"{least} to {most}), mean {np.mean(values):.4g}"
    )


def share(part: float | int, whole: float | int) -> str:
    """As in "3 of 40 (7.5%)"."""
    if not whole:
        return "none of none"
    return f"{part:,.0f} of {whole:,.0f} ({part / whole:.1%})"


def interval(middle: float, low: float, high: float, style: str) -> str:
    """As in "40% (32% to 48%)"."""
    return f"{middle:{style}} ({low:{style}} to {high:{style}})"


def over_seeds(scores: Sequence[float], style: str) -> str:
    """The interquartile mean, its interval, and of how many seeds."""
    array = np.asarray(scores, np.float64)
    if len(array) == 1:
        return f"{array[0]:{style}}, 1 seed, which has no interval"
    told = interval(intervals.iqm(array), *intervals.bootstrap(array), style)
    return f"{told}, {len(array)} seeds, IQM and bootstrap 95%"


def called(name: str, values: Mapping[str, Any]) -> str:
    """A name, and its options if there are any."""
    return f"{name} ({options(values)})" if values else name


def _plain(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "none"}[value]
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{n}: {_plain(v)}" for n, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_plain, value)) + "]"
    return str(value)
