"""The command line of every experiment: a config, changes to it, and a folder."""

import importlib.machinery
import importlib.util
import inspect
import pathlib
import re
import shlex
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

from absl import flags
from ml_collections import config_dict, config_flags

from rl_credit.ops import names
from rl_credit.runtime import distributed, preemption, records
from rl_credit.runtime.errors import UserError
from rl_credit.runtime.sections import sections

__all__ = ["command", "run", "sections"]

USAGE = """\
Flags:
  --config=FILE.py[:SIZE]        the config and one of its sizes, as in x.py:smoke
  --config.SECTION.FIELD=VALUE   another value for one field; any number of these
  --workdir=DIR                  where the run writes; a run found there is resumed
  --allow_changes                go on with a run whose config was another
  --distributed=auto             one process of many, on a pod that tells them of each
                                 other; or ADDRESS:PORT,COUNT,INDEX: see docs/pods.md
  --help                         this text"""
KNOWN = (
    *("--config", "--config.SECTION.FIELD", "--workdir", "--allow_changes"),
    *("--distributed", "--help"),
)
OVERRIDE = re.compile(r"--(?:no)?config\.([^=]+)")
SETTABLE: dict[type, str] = {
    bool: "true or false",
    int: "an int",
    float: "a float",
    str: "a str",
    tuple: "a tuple, as in (1, 2)",
    config_dict.ConfigDict: "a dict, as in {'field': 1}",
    object: "a value",
}


def run(
    main: Callable[[config_dict.ConfigDict, pathlib.Path], None], doc: str | None
) -> None:
    """Reads the command line and calls `main(config, workdir)`.

    The config is complete and locked when `main` begins; the folder may not exist yet.
    `doc`, the docstring of the experiment, comes first in --help. A UserError, also
    one that `main` raises, ends the program with its message alone (status 1), and so
    does Preempted (status 143); any other exception is a bug and passes through.
    """
    try:
        given, rest = _parsed(sys.argv[1:])
        if given.help:
            print(f"{(doc or '').strip()}\n\n{USAGE}")
            return
        overrides = _overrides(rest)
        _check_complete(given)
        records.changes_allowed.set(given.allow_changes)
        if given.distributed:
            distributed.begin(given.distributed)
        main(_config(given.config, overrides), _workdir(given.workdir))
    except UserError as error:
        sys.exit(f"error: {error}")
    except preemption.Preempted as stop:
        print(f"stopped: {stop}", file=sys.stderr)
        sys.exit(preemption.STATUS)


def command(program: str) -> str:
    """How the program was called, but for folders, which are nobody's concern."""
    given = [word for word in sys.argv[1:] if "workdir" not in word]
    told = [shlex.quote(word) for word in given if not word.startswith("--config.out")]
    return " ".join([f"python -m {program}", *told, "--workdir=DIR"])


def _parsed(arguments: Sequence[str]) -> tuple[flags.FlagValues, list[str]]:
    """Our own flags, and the arguments that are none of them."""
    given = flags.FlagValues()
    flags.DEFINE_string("config", None, "", flag_values=given)
    flags.DEFINE_string("workdir", None, "", flag_values=given)
    flags.DEFINE_boolean("allow_changes", False, "", flag_values=given)
    flags.DEFINE_string("distributed", None, "", flag_values=given)
    flags.DEFINE_boolean("help", False, "", short_name="h", flag_values=given)
    given.set_gnu_getopt()
    try:
        return given, given(["", *arguments], known_only=True)[1:]
    except flags.Error as error:
        raise UserError(str(error)) from error


def _check_complete(given: flags.FlagValues) -> None:
    wanted = {"config": "--config=FILE.py[:SIZE]", "workdir": "--workdir=DIR"}
    missing = [usage for name, usage in wanted.items() if not given[name].value]
    if missing:
        raise UserError(f"missing {' and '.join(missing)}; --help says more")


def _overrides(arguments: Sequence[str]) -> list[list[str]]:
    """Each override as a list: the flag, and its value where that stands apart.

    Raises UserError for an argument that is none.
    """
    groups: list[list[str]] = []
    for argument in arguments:
        if argument.startswith("--") or not groups:
            groups.append([argument])
        else:
            groups[-1].append(argument)
    for first, *_ in groups:
        if not OVERRIDE.match(first):
            raise UserError(names.unknown("argument", first.partition("=")[0], KNOWN))
    return groups


def _workdir(given: str) -> pathlib.Path:
    workdir = pathlib.Path(given)
    if workdir.exists() and not workdir.is_dir():
        raise UserError(f"--workdir={given} is a file; it must be a folder, or new")
    return workdir


def _config(given: str, overrides: Sequence[list[str]]) -> config_dict.ConfigDict:
    """The config of that file and size with the overrides in it, locked."""
    name, colon, size = given.partition(":")
    path = pathlib.Path(name)
    if path.suffix != ".py" or not path.is_file():
        raise UserError(names.unknown("config file", name, _known_files()))
    config = config_dict.ConfigDict(_called(path, [size] if colon else []))
    for arguments in overrides:
        _override(config, arguments)
    return config.lock()


def _known_files() -> list[str]:
    """The configs below this folder; other files there only hold parts of them."""
    paths = pathlib.Path("configs").rglob("*.py")
    return [str(path) for path in paths if "def get_config(" in path.read_text()]


def _called(path: pathlib.Path, sizes: list[str]) -> Any:
    """What `get_config` of that file returns for the size, if one is given."""
    loader = importlib.machinery.SourceFileLoader("config", str(path))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    if not hasattr(module, "get_config"):
        raise UserError(f"{path} defines no get_config")
    try:
        inspect.signature(module.get_config).bind(*sizes)
    except TypeError as error:
        given = f"size {sizes[0]!r}" if sizes else "no size"
        raise UserError(f"get_config of {path}, given {given}: {error}") from error
    return _sized(module.get_config, path, sizes[0]) if sizes else module.get_config()


def _sized(config: Callable[[str], Any], path: pathlib.Path, size: str) -> Any:
    """What `get_config` returns for a size, or its own words on why it has none."""
    try:
        return config(size)
    except KeyError as error:
        if error.args != (size,):
            raise  # no fault of the size
        raise UserError(f"--config={path}:{size}: no size {size!r}") from error
    except ValueError as error:
        raise UserError(f"--config={path}:{size}: {error}") from error


def _override(config: config_dict.ConfigDict, arguments: list[str]) -> None:
    """Sets the one field that the arguments name."""
    match = OVERRIDE.match(arguments[0])
    assert match is not None
    section, name = _found(config, match[1])
    kind = section.get_type(name)
    if kind is types.NoneType:  # config_flags sets no None, but an untyped field
        section[name] = config_dict.placeholder(object)
        kind = object
    shown = " ".join(arguments)
    if kind not in SETTABLE:
        raise UserError(f"{shown}: no flag can set a {kind.__name__}; a tuple it can")
    parser = flags.FlagValues()
    parser.set_gnu_getopt()
    try:
        config_flags.DEFINE_config_dict(
            "config", config, flag_values=parser, sys_argv=arguments
        )
        unread = parser(["", *arguments])[1:]
    except (flags.Error, ValueError) as error:
        wanted = f"config.{match[1]} must be {SETTABLE[kind]}"
        raise UserError(f"{shown}: {wanted}") from error
    if unread:
        raise UserError(names.unknown("argument", unread[0], KNOWN))


def _found(config: Any, path: str) -> tuple[config_dict.ConfigDict, str]:
    """The section that holds the field at a dotted path, and the name of the field."""
    *parents, last = path.split(".")
    where = "config"
    for name in [*parents, last]:
        if not isinstance(config, config_dict.ConfigDict):
            raise UserError(f"--config.{path}: {where} is {config!r} and has no fields")
        if name not in config:
            what = names.unknown(f"field of {where}", name, config)
            raise UserError(f"--config.{path}: {what}")
        section, config = config, config[name]
        where = f"{where}.{name}"
    return section, last
