"""Sections of a config become frozen dataclasses, every name and type checked."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from ml_collections import config_dict

from rl_credit.ops import names
from rl_credit.runtime.errors import UserError, blamed_on

T = TypeVar("T")
Section: typing.TypeAlias = Mapping | config_dict.ConfigDict

# What a config may hold for each type of a field.
HOLDS: dict[Any, tuple] = {
    int: (int,),
    float: (float, int),
    str: (str,),
    bool: (bool,),
    tuple: (tuple, list),
    dict: (Mapping, config_dict.ConfigDict),
    types.NoneType: (types.NoneType,),
}


def sections(cls: type[T], config: Section, path: str = "config") -> T:
    """The dataclass `cls` whose fields are the entries of `config`.

    A field that is itself a dataclass is read from the section of its name. An int
    given for a float is converted, lists become tuples, sections read as `dict` become
    plain dicts. `path` names `config` in errors.

    Raises UserError, a ValueError, for an unknown or missing name, a value of another
    type, and where `cls` itself refuses a value; TypeError for a field whose type no
    config can hold.
    """
    hints = typing.get_type_hints(cls)
    known = dataclasses.fields(typing.cast(Any, cls))
    fields = [field.name for field in known if field.init]
    for name in config:
        if name not in fields:
            raise UserError(f"{path}: {names.unknown('field', name, fields)}")
    for name in fields:
        if name not in config:
            given = ", ".join(map(str, config)) or "nothing"
            wanted = _words(hints[name])
            raise UserError(f"{path} lacks {name!r} ({wanted}); it has {given}")
    values = {
        name: _converted(config[name], hints[name], f"{path}.{name}") for name in fields
    }
    with blamed_on(path):
        return cls(**values)


def plain(value: Any) -> Any:
    """The same data with dicts in the place of ConfigDicts, at every depth."""
    if isinstance(value, HOLDS[dict]):
        return {name: plain(entry) for name, entry in dict(value).items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(plain, value))
    return value


def _converted(value: Any, hint: Any, path: str) -> Any:
    """The value as the type that `hint` wants."""
    kind = next((kind for kind in _members(hint) if _holds(kind, value)), None)
    if kind is None:
        raise UserError(
            f"{path} is {plain(value)!r} ({type(value).__name__}); "
            f"it must be {_words(hint)}"
        )
    if dataclasses.is_dataclass(kind):
        return sections(typing.cast(type, kind), value, path)
    origin = typing.get_origin(kind) or kind
    if origin is tuple:
        return _tuple(value, typing.get_args(kind), path)
    if origin is dict:
        _, hint = typing.get_args(kind) or (str, Any)
        return {
            name: _converted(entry, hint, f"{path}.{name}")
            for name, entry in dict(value).items()
        }
    return float(value) if kind is float else plain(value)


def _tuple(value: Any, hints: tuple, path: str) -> tuple:
    """The entries of a tuple, each as the type that it should have."""
    if not hints or hints[-1] is Ellipsis:
        hints = (hints[0] if hints else Any,) * len(value)
    if len(hints) != len(value):
        raise UserError(
            f"{path} is {tuple(value)!r}; it must have {len(hints)} entries"
        )
    pairs = enumerate(zip(value, hints))
    return tuple(_converted(entry, hint, f"{path}[{i}]") for i, (entry, hint) in pairs)


def _members(hint: Any) -> tuple:
    """The types of a union, or the one type."""
    unions = (typing.Union, types.UnionType)
    return typing.get_args(hint) if typing.get_origin(hint) in unions else (hint,)


def _holds(kind: Any, value: Any) -> bool:
    """Whether a config that means `kind` may hold this value."""
    if kind is Any:
        return True
    origin = dict if dataclasses.is_dataclass(kind) else typing.get_origin(kind) or kind
    if origin not in HOLDS:
        raise TypeError(f"a field of type {_words(kind)} cannot be read from a config")
    if isinstance(value, bool):
        return origin is bool  # Python takes True for an int
    return isinstance(value, HOLDS[origin])


def _words(hint: Any) -> str:
    """A type as it is written in a dataclass."""
    return hint.__name__ if isinstance(hint, type) else str(hint)
