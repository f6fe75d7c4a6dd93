"""Many runs of the text agent: methods of credit, each with several seeds."""

import dataclasses
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from rl_credit.ops import names
from rl_credit.runtime.errors import UserError
from rl_credit.runtime.sections import sections
from rl_credit.training import sweep as sweeps
from rl_credit.training import text_agent
from rl_credit.training.settings import Settings


@dataclasses.dataclass(frozen=True)
class Method:
    """One of those that are compared."""

    seeds: int  # runs of it, with the seeds from that of the agent on
    changes: dict[str, Any]  # sections of the agent's config, as far as they differ


@dataclasses.dataclass(frozen=True)
class TextSweep:
    """What is compared, and the agent that all runs share.

    Runs of one seed have the same tasks, decoder and warm-up, whatever their method.
    """

    name: str  # of the study, in its report
    out: str  # folder of the documents that the report also goes to; "": none
    only: tuple[str, ...]  # methods to run now, by name; none: all
    baseline: str  # the method that the others are compared with
    methods: dict[str, Method] = dataclasses.field(hash=False)  # by a name of yours
    agent: dict[str, Any] = dataclasses.field(hash=False)  # the config of `Settings`

    def __post_init__(self):
        for name, method in self.methods.items():
            if not name.replace("_", "").replace("-", "").isalnum():
                what = "names a folder; use letters, digits, _ and -"
                raise ValueError(f"method {name!r} {what}")
            if method.seeds < 1:
                raise ValueError(f"method {name!r} has {method.seeds} seeds; give some")
        for name in (self.baseline, *self.only):
            if name not in self.methods:
                raise ValueError(names.unknown("method", name, self.methods))

    def cells(self) -> list["Cell"]:
        """Every run, all methods of a seed first; see `sections` for errors."""
        most = max((method.seeds for method in self.methods.values()), default=0)
        return [
            Cell(name, self._settings(method, place))
            for place in range(most)
            for name, method in self.methods.items()
            if place < method.seeds
        ]

    def _settings(self, method: Method, place: int) -> Settings:
        config = merged(self.agent, method.changes)
        return sections(Settings, config | dict(seed=self.agent["seed"] + place))


@dataclasses.dataclass(frozen=True)
class Cell:
    """One run of the text agent."""

    method: str  # its name in the sweep
    settings: Settings

    def folder(self, workdir: pathlib.Path) -> pathlib.Path:
        """Where the run writes."""
        return workdir / "cells" / self.method / str(self.settings.seed)


def run(sweep: TextSweep, workdir: pathlib.Path) -> Iterator[Cell]:
    """See `sweep.run`; raises UserError for a run that cannot be, before any begins."""
    known = sweep.cells()
    cells = [c for c in known if not sweep.only or c.method in sweep.only]
    return sweeps.run(sweep.name, cells, workdir, text_agent.train)


def merged(config: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The config with other values, down through sections of the same name.

    Raises UserError for a name that the config does not have.
    """
    values = dict(config)
    for name, value in changes.items():
        if name not in values:
            raise UserError(f"changes: {names.unknown('field', name, values)}")
        both = isinstance(value, Mapping) and isinstance(values[name], Mapping)
        values[name] = merged(values[name], value) if both else value
    return values
