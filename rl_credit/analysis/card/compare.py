"""Whether runs can be compared: the budgets and panels that they should share."""

import math
from collections.abc import Sequence
from typing import Any

from rl_credit.analysis.card import items
from rl_credit.analysis.card.folder import Folder
from rl_credit.analysis.card.items import Item

TOLERANCE = 0.05  # of a count: the length of episodes is up to the policy
SCORE = "held_out/success"
UNKNOWN = "cannot be compared, for what some runs did not record"


def units(runs: Sequence[Folder]) -> list[list[int]]:
    """What is compared: methods, each with its runs; runs of one method, one by one.

    Runs of a method differ in their seed alone. Their panels are drawn from it, so two
    methods are on the same tasks where their seeds are the same.
    """
    found = methods(runs)
    if len(found) == 1:
        return [[place] for place in range(len(runs))]
    return found


def methods(runs: Sequence[Folder]) -> list[list[int]]:
    """The places of the runs whose configs are the same but for the seed."""
    found: dict[str, list[int]] = {}
    for place, run in enumerate(runs):
        found.setdefault(run.method, []).append(place)
    return list(found.values())


def warnings(
    runs: Sequence[Folder],
    names: Sequence[str],
    columns: Sequence[Sequence[Item]],
) -> list[str]:
    """A line for every item of a section in which the runs do not match.

    The last is for all items of which that is not known; it begins with `UNKNOWN`.

    Args:
        columns: the items of each run.
    """
    found: list[str] = []
    unknown: list[str] = []
    told = [{item.name: item for item in column} for column in columns]
    for name in dict.fromkeys(name for one in told for name in one):
        row = [one.get(name) for one in told]
        if all(item is None or item.matched is None for item in row):
            continue
        values = [math.nan if item is None else item.matched for item in row]
        without = [name for name, value in zip(names, values) if _unknown(value)]
        if without:
            unknown.append(f"{name} ({', '.join(without)})")
        elif said := _said(units(runs), names, values):
            found.append(f"{name}: {said}.")
    return [*found, *([f"{UNKNOWN}: {'; '.join(unknown)}."] if unknown else [])]


def _said(
    among: Sequence[Sequence[int]], names: Sequence[str], values: Sequence[Any]
) -> str:
    """In what they differ, in words; empty if they do not."""
    labels = [", ".join(names[place] for place in unit) for unit in among]
    if all(isinstance(value, float) for value in values):
        means = [sum(values[place] for place in unit) / len(unit) for unit in among]
        low, high = min(means), max(means)
        if high <= (1 + TOLERANCE) * low:
            return ""
        pairs = [f"{label} {mean:,.6g}" for label, mean in zip(labels, means)]
        times = f" ({high / low:.2f} times the least)" if low else ""
        return f"{'; '.join(pairs)}{times}"
    alike: dict[tuple[str, ...], list[str]] = {}
    for label, unit in zip(labels, among):
        told = tuple(sorted(str(values[place]) for place in unit))
        alike.setdefault(told, []).append(label)
    if len(alike) == 1:
        return ""
    told_apart = [" and ".join(each) for each in alike.values()]
    return f"one in {', another in '.join(told_apart)}"


def _unknown(value: Any) -> bool:
    return value is None or isinstance(value, float) and math.isnan(value)


def seeds(runs: Sequence[Folder], names: Sequence[str]) -> list[str]:
    """A table of the last held-out success of each method that has several runs."""
    rows = []
    for unit in methods(runs):
        found = [_last(runs[place]) for place in unit]
        scores = [score for score in found if score is not None]
        if len(scores) == len(unit) > 1:
            label = ", ".join(names[place] for place in unit)
            rows.append(f"| {label} | {items.over_seeds(scores, '.1%')} |")
    if not rows:
        return []
    head = "| runs that differ in their seed | held-out success |\n|---|---|"
    return ["\n".join([head, *rows])]


def _last(run: Folder) -> float | None:
    """Success at the last evaluation; of lanes of seeds, their mean."""
    found = [line[SCORE] for line in run.lines if line.get(SCORE) is not None]
    return found[-1] if found else None
