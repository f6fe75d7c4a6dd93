"""Grids by name: one explicit table, `make`, and all of them in gymnax.

Importing this module lets `gymnax.make("rl_credit/Sokoban-6x6-1")` find them.
"""

import dataclasses
import functools
import importlib
import inspect
from typing import Any

import gymnax
from gymnax.environments import environment

from rl_credit.envs.grid import minihack
from rl_credit.ops import names

PREFIX = "rl_credit/"  # of the names in gymnax


@dataclasses.dataclass(frozen=True)
class Entry:
    """Where a grid is, and the options of its constructor that its name fixes."""

    constructor: str  # "module:attribute", imported when the grid is made
    fixed: dict[str, Any] = dataclasses.field(default_factory=dict)

    def find(self) -> Any:
        """The class or function itself."""
        module, _, attribute = self.constructor.partition(":")
        return getattr(importlib.import_module(module), attribute)


SOKOBAN = "rl_credit.envs.grid.sokoban:Sokoban"
MINIHACK = "rl_credit.envs.grid.minihack:MiniHack"

GRID = {
    "Sokoban-6x6-1": Entry(SOKOBAN, {"levels": "6x6/1"}),
    "Sokoban-7x7-2": Entry(SOKOBAN, {"levels": "7x7/2"}),
    "Sokoban-10x10-4": Entry(SOKOBAN, {"levels": "10x10/4"}),
} | {task: Entry(MINIHACK, {"task": task}) for task in minihack.TASKS}


def make(name: str, **options: Any) -> environment.Environment:
    """Builds the grid `name` of the table; options are those of its constructor.

    Raises ValueError for an unknown name, TypeError for an option that is unknown or
    that the name fixes, both with the nearest right one.
    """
    if name not in GRID:
        raise ValueError(names.unknown("grid", name, GRID))
    entry = GRID[name]
    built = entry.find()
    known = set(inspect.signature(built).parameters) - set(entry.fixed)
    for option in options:
        if option not in known:
            what = names.suggestion(option, known)
            raise TypeError(f"grid {name!r} has no option {option!r}{what}")
    return built(**entry.fixed, **options)


def register() -> None:
    """Enters every grid of the table in gymnax, under its name after `PREFIX`.

    Does nothing for those that are there, so that it may be called again.
    """
    for name in GRID:
        if PREFIX + name not in gymnax.registered_envs:
            gymnax.register(PREFIX + name, functools.partial(make, name))


register()
