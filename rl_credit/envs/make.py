"""Environments by name: one explicit table, and `make`."""

import dataclasses
import importlib
import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rl_credit.envs.text.turn import TextEnv
from rl_credit.ops import names


@dataclasses.dataclass(frozen=True)
class Entry:
    """Where an environment is, what it is, and what the user must have for it."""

    constructor: str  # "module:attribute"
    extra: str | None = None  # of `setup.cfg`, with its simulator
    prepare: str | None = None  # "module:function" that makes what the tasks need
    about: str = ""  # what it is, and the paper
    needs: str = ""  # what pip does not install


TEXT = {
    "alfworld": Entry(
        "rl_credit.envs.text.alfworld.bridge:ALFWorld",
        extra="alfworld",
        prepare="rl_credit.envs.text.alfworld.bridge:prepare",
        about="household tasks of six types in rooms of text (arXiv 2010.03768)",
        needs="a C compiler, a C++ compiler, cmake, make and a command `python`; for "
        "games='official', the game files of ALFWorld in ALFWORLD_DATA",
    ),
    "minihack": Entry(
        "rl_credit.envs.text.grid:MiniHackText",
        about="mazes with keys, doors and monsters, as a map (arXiv 2109.13202)",
    ),
    "reasoning_gym": Entry(
        "rl_credit.envs.text.reasoning_gym:ReasoningGym",
        extra="reasoning_gym",
        about="questions with answers that can be checked (arXiv 2505.24760)",
    ),
    "scienceworld": Entry(
        "rl_credit.envs.text.scienceworld:ScienceWorld",
        extra="scienceworld",
        about="experiments of elementary school, in text (arXiv 2203.07540)",
        needs="Java 8 or newer",
    ),
    "scripted": Entry(
        "rl_credit.envs.text.scripted:Scripted",
        about="find the key, unlock, leave: a small world for tests and first runs",
    ),
    "sokoban": Entry(
        "rl_credit.envs.text.grid:SokobanText",
        about="boxes to push onto targets, as a map (rules of gym-sokoban)",
    ),
    "textarena": Entry(
        "rl_credit.envs.text.textarena.bridge:TextArena",
        extra="textarena",
        about="puzzles and guessing games for one player (arXiv 2504.11442)",
    ),
    "textworld": Entry(
        "rl_credit.envs.text.textworld:TextWorld",
        extra="text",
        prepare="rl_credit.envs.text.textworld:prepare",
        about="text adventures, generated at a difficulty (arXiv 1806.11532)",
        needs="a C compiler, a C++ compiler, cmake and make",
    ),
    "textworld_express": Entry(
        "rl_credit.envs.text.textworld_express:TextWorldExpress",
        extra="textworld_express",
        about="eight kinds of small text games (arXiv 2208.01174)",
        needs="Java 8 or newer",
    ),
    "webshop": Entry(
        "rl_credit.envs.text.webshop.bridge:WebShop",
        extra="webshop",
        about="finding and buying a product that is described (arXiv 2207.01206)",
        needs="for the official products, their JSON files in the directory `folder`",
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


def catalogue() -> str:
    """The environments of the table, for reading: what each is and what it needs."""
    width = max(map(len, TEXT))
    indent = " " * (width + 4)
    lines = ["Environments (--config.env.name):"]
    for name, entry in sorted(TEXT.items()):
        needs = "; ".join(filter(None, [_installed(entry), entry.needs]))
        for first, text in (
            (f"  {name:{width}}  ", entry.about),
            (indent, f"needs: {needs or 'nothing more'}"),
        ):
            lines += textwrap.wrap(
                text, 88, initial_indent=first, subsequent_indent=indent
            )
    return "\n".join(lines)


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
    command = _installed(TEXT[name]) if name in TEXT else None
    return f"; install it with: {command}" if command else ""


def _installed(entry: Entry) -> str | None:
    """The command that installs the simulator, if there is one."""
    return f"pip install 'rl_credit[{entry.extra}]'" if entry.extra else None
