"""Many runs of the grid agent: tasks, contexts and bonuses, each with each."""

import dataclasses
import itertools
import pathlib
from collections.abc import Iterator

from rl_credit.ops import names
from rl_credit.runtime.errors import blamed_on
from rl_credit.training import grid_agent
from rl_credit.training import sweep as sweeps
from rl_credit.training.grid_settings import Bonus, Settings

FRESH = 0  # number of contexts: a level that is new in every episode


@dataclasses.dataclass(frozen=True)
class Sweep:
    """What is compared, and the agent that all runs share.

    The agent's own task, options of contexts, and bonus are replaced in every run.
    """

    name: str  # of the study, in its report
    out: str  # folder of the documents that the report also goes to; "": none
    only: tuple[str, ...]  # tasks to run now, by name; none: all
    tasks: tuple[str, ...]  # names of environments
    contexts: tuple[int, ...]  # how many levels there are; 0: a fresh one each episode
    context_seeds: tuple[int, ...]  # draws of these levels; fresh ones have but one
    bonuses: dict[str, Bonus] = dataclasses.field(hash=False)  # by a name of yours
    agent: Settings

    def __post_init__(self):
        for field in ("tasks", "contexts", "context_seeds", "bonuses"):
            given = tuple(getattr(self, field))
            if not given or len(set(given)) < len(given):
                raise ValueError(f"{field} is {given}; give one or more, none twice")
        for task in self.only:
            if task not in self.tasks:
                raise ValueError(names.unknown("task", task, self.tasks))
        for bonus in self.bonuses:
            if not bonus.replace("_", "").replace("-", "").isalnum():
                what = "names a folder; use letters, digits, _ and -"
                raise ValueError(f"bonus {bonus!r} {what}")

    def cells(self) -> list["Cell"]:
        """Every run, in the order in which they are done."""
        places = [
            (task, count, seed)
            for task in self.tasks
            for count in self.contexts
            for seed in (self.context_seeds if count else self.context_seeds[:1])
        ]
        return [
            Cell(task, count, seed, bonus, self._settings(task, count, seed, bonus))
            for (task, count, seed), bonus in itertools.product(places, self.bonuses)
        ]

    def _settings(self, task: str, count: int, seed: int, bonus: str) -> Settings:
        options = self.agent.env.options | dict(num_contexts=count, context_seed=seed)
        env = dataclasses.replace(self.agent.env, name=task, options=options)
        return dataclasses.replace(self.agent, env=env, bonus=self.bonuses[bonus])


@dataclasses.dataclass(frozen=True)
class Cell:
    """One run of the grid agent, all seeds side by side."""

    task: str
    contexts: int
    context_seed: int
    bonus: str  # its name in the sweep
    settings: Settings

    def folder(self, workdir: pathlib.Path) -> pathlib.Path:
        """Where the run writes."""
        fresh = self.contexts == FRESH
        levels = "fresh" if fresh else f"{self.contexts}-of-{self.context_seed}"
        return workdir / "cells" / self.task / levels / self.bonus


def run(sweep: Sweep, workdir: pathlib.Path) -> Iterator[Cell]:
    """See `sweep.run`; raises UserError for a run that cannot be, before any begins."""
    with blamed_on("config"):
        cells = wanted(sweep)
    return sweeps.run(sweep.name, cells, workdir, grid_agent.train)


def wanted(sweep: Sweep) -> list[Cell]:
    """The runs of the tasks that are to be done now."""
    only = sweep.only or sweep.tasks
    return [cell for cell in sweep.cells() if cell.task in only]
