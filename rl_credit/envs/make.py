"""Environments by name: one explicit table, and `make`."""

import dataclasses
import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rl_credit.envs.text.turn import TextEnv
from rl_credit.ops import names


@dataclasses.dataclass(frozen=True)
class Entry:
    """Where an environment is, and the extra of `setup.cfg` it needs, if any."""

    constructor: str  # "module:attribute"
    extra: str | None = None
    prepare: str | None = None  # "module:function" that makes what the tasks need


TEXT = {
    "alfworld": Entry(
        "rl_credit.envs.text.alfworld.bridge:ALFWorld",
        extra="alfworld",
        prepare="rl_credit.envs.text.alfworld.bridge:prepare",
    ),
    "minihack": Entry("rl_credit.envs.text.grid:MiniHackText"),
    "reasoning_gym": Entry(
        "rl_credit.envs.text.reasoning_gym:ReasoningGym", extra="reasoning_gym"
    ),
    "scripted": Entry("rl_credit.envs.text.scripted:Scripted"),
    "sokoban": Entry("rl_credit.envs.text.grid:SokobanText"),
    "textworld": Entry(
        "rl_credit.envs.text.textworld:TextWorld",
        extra="text",
        prepare="rl_credit.envs.text.textworld:prepare",
    ),
}


def make(name: str, **options: Any) -> TextEnv:
    """Builds the text environment `name`: of the table, or your own "module:attribute".

    Raises ValueError for an unknown name, TypeError for an unknown option, both with
    the nearest right one, and ImportError naming the extra to install where the
    simulator is missing.
    """
    built = constructor(name)
    known = inspect.signature(built).parameters
    open_ended = any(p.kind is p.VAR_KEYWORD for p in known.values())
    for option in options:
        if option not in known and not open_ended:
            raise TypeError(
                f"environment {name!r} has no option {option!r}"
                + names.suggestion(option, known)
            )
    try:
        return built(**options)
    except ImportError as error:
        raise ImportError(f"environment {name!r}: {error}{_remedy(name)}") from error


def prepare(
    name: str,
    options: Mapping[str, Any],
    tasks: Iterable[int],
    *,
    seed: int,
    workers: int,
) -> None:
    """Makes what the tasks need before they are played, as TextWorld its games.

    For most environments that is nothing. Shows progress, and keeps what it made.
    """
    path = TEXT[name].prepare if name in TEXT else None
    if path is not None:
        module, _, attribute = path.partition(":")
        made = getattr(importlib.import_module(module), attribute)
        made(options, tasks, seed=seed, workers=workers)


def constructor(name: str) -> Callable[..., TextEnv]:
    """The class or function that builds `name`; see `make` for what it raises."""
    if ":" not in name and name not in TEXT:
        raise ValueError(
            names.unknown("text environment", name, TEXT)
            + "; your own is named by its path, 'module:attribute'"
        )
    path = TEXT[name].constructor if name in TEXT else name
    module, _, attribute = path.partition(":")
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):
            raise  # the module is there; something that it imports is not
        raise ValueError(
            f"cannot import the environment {name!r}: {error}; its path must be "
            "'module:attribute', and the module importable from here"
        ) from error
    if not hasattr(found, attribute):
        public = [known for known in vars(found) if not known.startswith("_")]
        raise ValueError(
            f"module {module!r} has no {attribute!r}"
            + names.suggestion(attribute, public)
        )
    return getattr(found, attribute)


def _remedy(name: str) -> str:
    extra = TEXT[name].extra if name in TEXT else None
    return f"; install it with: pip install 'rl_credit[{extra}]'" if extra else ""
