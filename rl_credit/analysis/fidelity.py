"""The report of a sweep of estimators: how near each comes to the exact advantages.

It reads what `rl_credit.fidelity.sweep` wrote: a file of arrays for each process and
estimator, whose names are those of `fidelity.score.Scores`.
"""

import dataclasses
import json
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rl_credit.analysis import documents
from rl_credit.analysis import fidelity_figures as figures
from rl_credit.analysis import intervals
from rl_credit.analysis.intervals import Interval

REPORT, DOCUMENT = "report.md", "fidelity.md"
FAINT = 1e-6  # share of a gradient's power: less signal, or noise, is not told apart
Arrays = Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Cell:
    """What is known of one estimator in one process."""

    process: str
    estimator: str
    arrays: Arrays

    def budgets(self) -> list[int]:
        """At which there are scores."""
        names = (name.split("/") for name in self.arrays)
        return sorted(int(first) for first, *rest in names if rest == ["cosine"])

    def at(self, budget: int, name: str) -> np.ndarray:
        """One array of the scores; empty where the budget affords nothing."""
        return self.arrays.get(f"{budget}/{name}", np.zeros(0))


@dataclasses.dataclass(frozen=True)
class Metric:
    """One number of a cell, with its interval."""

    title: str
    says: str  # what it is
    of: Callable[[Cell, int], Interval | None]
    higher: bool = True  # is better


def mean(values: np.ndarray) -> Interval | None:
    """With the 95% bootstrap interval over seeds; None if no seed has a number."""
    known = values[np.isfinite(values)]
    if known.size == 0:
        return None
    low, high = intervals.bootstrap(known, lambda drawn: drawn.mean((-2, -1)))
    return Interval(float(known.mean()), low, high)


def noise(cell: Cell, budget: int) -> Interval | None:
    """The gradient's signal to noise, in decibels (COCOA's, arXiv 2306.16803).

    |mean|^2 / mean |gradient - mean|^2 over seeds. The first is the mean inner product
    of the gradients of two seeds, to which chance adds nothing.
    """
    gram = cell.at(budget, "gram").astype(np.float64)
    if gram.size == 0 or not gram.any():
        return None
    seeds, random = len(gram), np.random.default_rng(0)

    def ratio(chosen: np.ndarray) -> np.ndarray:
        counts = np.stack([np.bincount(one, minlength=seeds) for one in chosen])
        own = counts @ np.diag(gram)
        alike = counts**2 @ np.diag(gram)  # pairs of a gradient and itself
        pairs = np.einsum("bi,ij,bj->b", counts, gram, counts) - alike
        power = own / seeds
        signal = pairs / (seeds**2 - np.sum(counts**2, axis=1))
        signal = np.clip(signal, FAINT * power, (1 - FAINT) * power)
        return 10 * np.log10(signal / (power - signal))

    middle = float(ratio(np.arange(seeds)[None])[0])
    low, high = np.percentile(
        ratio(random.integers(seeds, size=(500, seeds))), (2.5, 97.5)
    )
    return Interval(middle, float(low), float(high))


def error(cell: Cell, budget: int) -> Interval | None:
    """1 - the squared correlation through 0, of all steps of all seeds."""
    products = cell.at(budget, "products").astype(np.float64)
    if products.size == 0 or not products[:, 2].any():
        return None

    def left(drawn: np.ndarray) -> Any:
        both, own, truth = np.moveaxis(drawn.sum(-2), -1, 0)
        explained = np.maximum(both, 0) ** 2 / np.maximum(own * truth, 1e-30)
        return 1 - explained

    chosen = np.random.default_rng(0).integers(len(products), size=(500, len(products)))
    low, high = np.percentile(left(products[chosen]), (2.5, 97.5))
    return Interval(float(left(products)), float(low), float(high))


def gained(cell: Cell, _: int = 0) -> Interval | None:
    """Share of what exact ascent gains, of the policy after the last update."""
    if "returns" not in cell.arrays:
        return None
    before, best = float(cell.arrays["before"]), float(cell.arrays["best"])
    return mean((cell.arrays["returns"][:, -1] - before) / max(best - before, 1e-9))


def _mean_of(name: str) -> Callable[[Cell, int], Interval | None]:
    return lambda cell, budget: mean(cell.at(budget, name))


METRICS = {
    "cosine": Metric(
        "gradient", "cosine of a batch's gradient and the exact one", _mean_of("cosine")
    ),
    "ranking": Metric(
        "ranking",
        "share of pairs of different actions in one state that are in the right order",
        _mean_of("ranking"),
    ),
    "learned": Metric("learned", "share of what exact ascent gains", gained),
    "spearman": Metric(
        "Spearman", "rank correlation over all steps", _mean_of("spearman")
    ),
    "sign": Metric("sign", "share of steps with the right sign", _mean_of("sign")),
    "noise": Metric("signal/noise, dB", "of the gradient", noise),
    "bias": Metric(
        "bias", "squared, of the squared advantage", _mean_of("bias"), False
    ),
    "variance": Metric(
        "variance", "of the squared advantage", _mean_of("variance"), False
    ),
    "error": Metric(
        "error", "in the best unit, of the squared advantage", error, False
    ),
}
TABLES = ("cosine", "ranking", "learned")  # of all processes; the rest by process


def read(workdir: pathlib.Path, cells: Sequence[tuple[str, str]]) -> list[Cell]:
    """The cells, process and estimator, in that order."""
    found = []
    for process, estimator in cells:
        with np.load(workdir / "cells" / process / f"{estimator}.npz") as file:
            arrays = {name: file[name] for name in file.files if name != "settings"}
        found.append(Cell(process, estimator, arrays))
    return found


def across(cells: Sequence[Cell], metric: Metric, budget: int) -> str:
    """A row an estimator, a column a process; in bold, those that the best is not
    surely better than.
    """
    processes = list(dict.fromkeys(cell.process for cell in cells))
    estimators = list(dict.fromkeys(cell.estimator for cell in cells))
    found = {(c.process, c.estimator): metric.of(c, budget) for c in cells}
    rows = []
    for name in estimators:
        words = [_words(found, metric, process, name) for process in processes]
        rows.append([name, *words])
    return documents.table(["", *processes], rows)


def _words(
    found: Mapping[tuple[str, str], Interval | None],
    metric: Metric,
    process: str,
    name: str,
) -> str:
    own = found.get((process, name))
    if own is None:
        return ""
    others = [
        one for (at, _), one in found.items() if at == process and one is not None
    ]
    best = max if metric.higher else min
    top = best(others, key=lambda one: one.middle)
    ties = own.high >= top.low if metric.higher else own.low <= top.high
    text = f"{own.middle:.2f} ({own.low:.2f} to {own.high:.2f})"
    return f"**{text}**" if ties else text


def within(cells: Sequence[Cell], process: str, budget: int) -> str:
    """A row an estimator, a column a metric, of one process; and what a batch cost."""
    names = [name for name in METRICS if name not in TABLES]
    own = [cell for cell in cells if cell.process == process]
    found = {
        (name, cell.estimator): METRICS[name].of(cell, budget)
        for name in names
        for cell in own
    }
    rows = []
    for cell in own:
        words = [_words(found, METRICS[name], name, cell.estimator) for name in names]
        rows.append([cell.estimator, *words, *_cost(cell, budget)])
    head = ["", *(METRICS[name].title for name in names)]
    return documents.table([*head, "units", "steps", "resets", "forwards"], rows)


def _cost(cell: Cell, budget: int) -> list[str]:
    units = str(int(cell.at(budget, "afforded")))
    spent = cell.at(budget, "cost")
    means = [f"{x:.0f}" for x in spent.mean(0)] if spent.size else [""] * 3
    return [units, *means]


def report(
    name: str,
    cells: Sequence[Cell],
    budget: int,
    pictured: Sequence[str],
    workdir: pathlib.Path,
    command: str,
) -> str:
    """Draws the pictures of what there is, and gives the Markdown."""
    known = json.loads((workdir / "processes.json").read_text())
    processes = list(dict.fromkeys(cell.process for cell in cells))
    parts = [_spent(cells, budget, command), _described(known, processes)]
    for which in TABLES:
        metric = METRICS[which]
        if any(metric.of(cell, budget) for cell in cells):
            parts += [
                f"### {metric.title}: {metric.says}",
                across(cells, metric, budget),
            ]
    shown = [cell for cell in cells if cell.estimator in pictured]
    for title, figure in figures.drawn(shown, budget).items():
        file = f"{name}_{title}.png"
        figure.savefig(workdir / file, dpi=110)
        parts.append(f"![{title}]({file})")
    parts.append("### By process")
    notes = [
        f"{one.title}: {one.says}"
        for which, one in METRICS.items()
        if which not in TABLES
    ]
    parts.append("; ".join(notes) + ".")
    for process in processes:
        body = within(cells, process, budget)
        parts.append(f"<details><summary>{process}</summary>\n\n{body}\n\n</details>")
    return "\n\n".join(parts)


def _spent(cells: Sequence[Cell], budget: int, command: str) -> str:
    seeds = max((len(cell.at(budget, "cosine")) for cell in cells), default=0)
    learning = [cell.arrays for cell in cells if "returns" in cell.arrays]
    learned = ""
    if learning:
        count, updates = len(learning[0]["returns"]), int(learning[0]["updates"][-1])
        learned = f" Learned: {count} policies an estimator, {updates} updates each."
    return (
        f"    {command}\n\n{seeds} batches an estimator and process, each worth what "
        f"{budget} plain episodes cost; in brackets 95% bootstrap intervals over them. "
        "Bold: the best is not surely better. Empty: the budget does not afford one "
        f"episode, or nothing can be said.{learned}"
    )


def _described(known: Mapping[str, Mapping], processes: Sequence[str]) -> str:
    rows = [
        [
            name,
            known[name]["exposes"],
            *(
                str(known[name][x])
                for x in ("states", "observations", "tasks", "horizon")
            ),
        ]
        for name in processes
    ]
    head = ["process", "what it exposes", "states", "observations", "tasks", "steps"]
    return documents.table(head, rows)


def written(text: str, name: str, out: str, workdir: pathlib.Path) -> None:
    """The report in the folder and, if `out` is one, in its fidelity.md, with pictures.

    There it takes the place of what stood between its two marks, or comes last.
    """
    (workdir / REPORT).write_text(text + "\n")
    if out:
        pictures = workdir.glob(f"{name}_*.png")
        documents.published(text, name, pathlib.Path(out) / DOCUMENT, pictures)
