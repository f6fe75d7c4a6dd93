"""Many runs of an agent, one after another, each in its folder and done once."""

import dataclasses
import json
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

import tqdm

from rl_credit.runtime import programs
from rl_credit.runtime.records import RESULT


@runtime_checkable
class Cell(Protocol):
    """One run of a sweep."""

    @property
    def settings(self) -> Any:
        """What the agent is given, a dataclass."""
        ...

    def folder(self, workdir: pathlib.Path) -> pathlib.Path:
        """Where the run writes, below `workdir`."""
        ...


AnyCell = TypeVar("AnyCell", bound=Cell)


def finished(cell: Cell, workdir: pathlib.Path) -> bool:
    """Whether there is a result of these very settings."""
    folder = cell.folder(workdir)
    if not (folder / RESULT).is_file():
        return False
    wanted = json.loads(json.dumps(dataclasses.asdict(cell.settings)))
    return json.loads((folder / "config.json").read_text()) == wanted


def result(cell: Cell, workdir: pathlib.Path) -> dict[str, Any]:
    """What the run found."""
    return json.loads((cell.folder(workdir) / RESULT).read_text())


def run(
    name: str,
    cells: Sequence[AnyCell],
    workdir: pathlib.Path,
    train: Callable[[Any, pathlib.Path], None],
) -> Iterator[AnyCell]:
    """Does every run that is not finished; those that are begun are gone on with.

    Yields each as it is finished, those that were at once, so that a report may grow.

    Args:
        name: of the sweep, for the progress bar.
        train: is given the settings of a run and its folder.

    Raises UserError for a folder that holds a run of other settings.
    """
    bar = tqdm.tqdm(cells, desc=name, unit="run")
    for cell in bar:
        if not finished(cell, workdir):
            folder = cell.folder(workdir)
            bar.set_postfix_str(str(folder.relative_to(workdir)))
            train(cell.settings, folder)
            programs.make_room()
        yield cell
