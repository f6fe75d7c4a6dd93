"""Several runs of the text agent side by side."""

import dataclasses
import json
import pathlib
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from rl_credit.runtime import metrics
from rl_credit.runtime.records import RESULT

HEADER = (
    "| credit | seed | before (95%) | after (95%) | points | minutes |\n"
    "|---|---|---|---|---|---|"
)


@dataclasses.dataclass(frozen=True)
class Finished:
    """A run that came to its end."""

    workdir: pathlib.Path
    credit: str
    seed: int
    before: dict[str, float]  # see `training.evaluate.result`
    after: dict[str, float]
    seconds: float

    @property
    def points(self) -> float:
        """Held-out success gained, in percent."""
        return 100 * (self.after["success"] - self.before["success"])


def read(workdirs: Sequence[pathlib.Path]) -> list[Finished]:
    """The runs, by credit and seed; ValueError names a folder without a result."""
    runs = []
    for workdir in workdirs:
        path = workdir / RESULT
        if not path.is_file():
            raise ValueError(f"{workdir} has no {RESULT}: the run is not finished")
        config = json.loads((workdir / "config.json").read_text())
        found = json.loads(path.read_text())
        name = config["credit"]["name"]
        runs.append(Finished(workdir, name, config["seed"], **found))
    return sorted(runs, key=lambda run: (run.credit, run.seed))


def table(runs: Sequence[Finished]) -> str:
    """A Markdown row a run, and the mean gain of each method with its deviation."""
    lines = [HEADER]
    for run in runs:
        cells = (run.credit, run.seed, _share(run.before), _share(run.after))
        rest = f"{run.points:+.0f} | {run.seconds / 60:.1f}"
        lines.append("| " + " | ".join(map(str, cells)) + f" | {rest} |")
    for name in dict.fromkeys(run.credit for run in runs):
        points = [run.points for run in runs if run.credit == name]
        after = [100 * run.after["success"] for run in runs if run.credit == name]
        lines.append(
            f"| {name} | mean of {len(points)} | | {_spread(after)} | "
            f"{_spread(points)} | |"
        )
    return "\n".join(lines)


def curves(runs: Sequence[Finished]) -> Figure:
    """Held-out and training success over the steps, a colour a method."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    names = list(dict.fromkeys(run.credit for run in runs))
    for place, kind in enumerate(("held_out", "train")):
        axes = figure.add_subplot(1, 2, place + 1)
        for run in runs:
            colour = f"C{names.index(run.credit)}"
            lines = metrics.read(run.workdir)
            known = [line for line in lines if f"{kind}/success" in line]
            axes.plot(
                [line["step"] for line in known],
                [line[f"{kind}/success"] for line in known],
                color=colour,
                label=f"{run.credit}, seed {run.seed}",
                alpha=0.8,
            )
        axes.set(title=f"{kind.replace('_', '-')} success", xlabel="step", ylim=(0, 1))
        axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=7)
    return figure


def _share(row: dict[str, float]) -> str:
    return f"{row['success']:.0%} ({row['low']:.0%} to {row['high']:.0%})"


def _spread(values: Sequence[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.0f}"
    return f"{np.mean(values):.0f} (deviation {np.std(values, ddof=1):.0f})"
