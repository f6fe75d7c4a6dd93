"""The files of a run, as they are; a killed run has fewer, an old one too."""

import collections
import dataclasses
import functools
import hashlib
import json
import pathlib
from collections.abc import Sequence
from typing import Any

from rl_credit.runtime import metrics
from rl_credit.training import grid_agent, ledger, text_agent

CONFIG, STARTS, CELLS = "config.json", "run.json", "cells"
RUNNERS = "experiments.text_agent or experiments.grid_agent"
SUGGESTED = 3  # folders named in an error


@dataclasses.dataclass(frozen=True)
class Folder:
    """A run of the text agent or of the grid agent."""

    path: pathlib.Path
    name: str  # as short as keeps it apart from the runs beside it
    config: dict[str, Any]

    @property
    def grid(self) -> bool:
        """Whether it is one of the grid agent, whose seeds are lanes of one run."""
        return "seeds" in self.config

    @property
    def finished(self) -> bool:
        """Whether the run came to its end, and not only its last evaluation."""
        return self.result is not None

    @functools.cached_property
    def starts(self) -> list[dict[str, Any]]:
        """What each start ran on; empty if nobody wrote it down."""
        found = self._json(STARTS)
        return found["starts"] if found else []

    @functools.cached_property
    def lines(self) -> list[dict[str, Any]]:
        """metrics.jsonl."""
        return metrics.read(self.path)

    @functools.cached_property
    def result(self) -> dict[str, Any] | None:
        """result.json."""
        return self._json(text_agent.RESULT)

    @functools.cached_property
    def panel(self) -> dict[str, Any] | None:
        """panel.json of the text agent."""
        return self._json(text_agent.PANEL)

    @functools.cached_property
    def warm_up(self) -> dict[str, int] | None:
        """warm_up.json of the text agent; see `ledger.imitated`."""
        return self._json(ledger.WARM_UP)

    @functools.cached_property
    def episodes(self) -> dict[str, list] | None:
        """episodes.jsonl of the text agent, all steps in a row; see `ledger.line`.

        With `steps`, the step of each episode; all lists are empty before the first.
        """
        lines = self._lines(ledger.EPISODES)
        if lines is None:
            return None
        rows = [(line.pop("step"), line) for line in lines]
        names = rows[0][1] if rows else ()
        joined = {name: [v for _, line in rows for v in line[name]] for name in names}
        steps = [step for step, line in rows for _ in line["turns"]]
        return collections.defaultdict(list, joined | {"steps": steps})

    @functools.cached_property
    def seeds(self) -> list[dict[str, Any]]:
        """seeds.jsonl of the grid agent."""
        return self._lines(grid_agent.SEEDS) or []

    @property
    def digest(self) -> str:
        """Of the config: equal configs, equal digests."""
        return digest(self.config)

    @property
    def method(self) -> str:
        """Digest of the config but for its seed: runs of one method share it."""
        return digest({k: v for k, v in self.config.items() if k != "seed"})

    def spent(self, name: str) -> float | None:
        """The sum of a metric over the run; None where no line has it."""
        found = [line[name] for line in self.lines if line.get(name) is not None]
        return sum(found) if found else None

    def _json(self, name: str) -> Any:
        path = self.path / name
        return json.loads(path.read_text()) if path.is_file() else None

    def _lines(self, name: str) -> list[dict[str, Any]] | None:
        """The whole lines; the last may be half-written."""
        path = self.path / name
        if not path.is_file():
            return None
        texts = path.read_text().splitlines(keepends=True)
        return [json.loads(text) for text in texts if text.endswith("\n")]


def digest(data: Any) -> str:
    """Twelve digits of the SHA-256 of data as sorted JSON."""
    text = json.dumps(data, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def read(paths: Sequence[pathlib.Path]) -> list[Folder]:
    """The runs of these folders; the folder of a study stands for all its runs.

    Raises ValueError for a folder that holds no run, naming those near it that do.
    """
    found = [run for path in paths for run in _runs(path)]
    alone = {run.name for run in map(_folder, found)}
    if len(alone) == len(found):
        return [_folder(path) for path in found]
    shared = _shared(found)
    return [_folder(path, shared) for path in found]


def _runs(path: pathlib.Path) -> list[pathlib.Path]:
    if _is_run(path):
        return [path]
    below = sorted(file.parent for file in path.glob(f"**/{CONFIG}"))
    runs = [folder for folder in below if _is_run(folder)]
    if (path / CELLS).is_dir() and runs:
        return runs
    near = "".join(f"\n  {run}" for run in runs[:SUGGESTED])
    more = f"; these are runs:{near}" if near else f"; give a --workdir of {RUNNERS}"
    raise ValueError(f"{path} holds no run: it lacks {CONFIG} or {metrics.FILE}{more}")


def _is_run(path: pathlib.Path) -> bool:
    return (path / CONFIG).is_file() and (path / metrics.FILE).is_file()


def _shared(paths: Sequence[pathlib.Path]) -> int:
    """How many of their first parts all the paths have in common."""
    parts = [path.absolute().parts for path in paths]
    same = [len(set(column)) == 1 for column in zip(*parts)]
    return [*same, False].index(False)


def _folder(path: pathlib.Path, shared: int | None = None) -> Folder:
    rest = path.absolute().parts[shared:] if shared is not None else ()
    name = "/".join(rest) or path.absolute().name
    return Folder(path, name, json.loads((path / CONFIG).read_text()))
