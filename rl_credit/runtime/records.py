"""The folder of a run: its config, and a record of every start."""

import contextvars
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import jax
from ml_collections import config_dict

from rl_credit.runtime.errors import UserError
from rl_credit.runtime.sections import plain

PACKAGES = (
    *("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "transformers"),
    *("gymnax", "textworld", "rl_credit"),
)
RESULT = "result.json"  # the last file that a run writes
FREE = ("devices.",)  # sections that say where a run computes, not what
changes_allowed = contextvars.ContextVar("changes_allowed", default=False)
SOURCE = pathlib.Path(__file__).parents[2]


def prepare(workdir: pathlib.Path, config: Mapping | config_dict.ConfigDict) -> None:
    """Makes the folder, or finds there a run of the same config to go on with.

    Writes config.json, the config with every override in it, and adds to `starts` in
    run.json what this start runs on: time (UTC), command line, commit, versions,
    devices. Raises UserError, a ValueError, that lists the fields in which config.json
    differs. Those in FREE may, and all may where `changes_allowed` says so; run.json
    then notes them.
    """
    resolved = json.loads(json.dumps(plain(config)))
    path, record = workdir / "config.json", workdir / "run.json"
    before = json.loads(path.read_text()) if path.exists() else resolved
    old, new = _leaves(before), _leaves(resolved)
    if not changes_allowed.get():
        _check_changes(workdir, _bound(old), _bound(new))
    starts = json.loads(record.read_text())["starts"] if record.exists() else []
    start = environment() | {"changes": _changes(old, new)}
    write_json(record, {"starts": [*starts, start]})
    write_json(path, resolved)


def write_json(path: pathlib.Path, data: Any) -> None:
    """Writes sorted, indented JSON, whole or not at all, and makes the folder.

    Of several processes only process 0 writes.
    """
    if jax.process_index() != 0:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(json.dumps(data, indent=2, sort_keys=True) + "\n")
    os.replace(draft, path)


def environment() -> dict[str, Any]:
    """When, how and on what this process runs; starts the devices.

    A package that is not installed has version None.
    """
    now = datetime.datetime.now(datetime.UTC)
    return {
        "time": now.isoformat(timespec="seconds"),
        "argv": sys.argv,
        **revision(SOURCE),
        "packages": {name: _version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processes": jax.process_count(),
        "cores": cores(),
        "devices": [f"{device.device_kind} {device.id}" for device in jax.devices()],
    }


def cores() -> int:
    """Those that this process may use, where the system says which."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def revision(folder: pathlib.Path) -> dict[str, Any]:
    """The commit checked out at `folder`, and whether tracked files differ from it.

    Both are None where the folder is not the top of a git checkout, as when the
    package is installed.
    """
    if _git(folder, "rev-parse", "--show-prefix") != "":
        return {"commit": None, "dirty": None}
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"commit": _git(folder, "rev-parse", "HEAD"), "dirty": bool(changed)}


def _git(folder: pathlib.Path, *arguments: str) -> str | None:
    """What git answers; None where it is missing or knows no checkout there."""
    program = shutil.which("git")
    if program is None:
        return None
    command = [program, "-C", str(folder), *arguments]
    answer = subprocess.run(command, capture_output=True, text=True)
    return answer.stdout.strip() if answer.returncode == 0 else None


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _leaves(config: Mapping, prefix: str = "") -> dict[str, Any]:
    """The fields by their dotted path; an empty section counts as one."""
    leaves: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, dict) and value:
            leaves |= _leaves(value, f"{prefix}{name}.")
        else:
            leaves[f"{prefix}{name}"] = value
    return leaves


def _bound(leaves: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that a run keeps."""
    return {path: leaf for path, leaf in leaves.items() if not path.startswith(FREE)}


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """One line for each field that differs, as in `train.steps: 100 -> 200`."""
    before = {path: repr(value) for path, value in old.items()}
    after = {path: repr(value) for path, value in new.items()}
    return [
        f"{path}: {before.get(path, 'absent')} -> {after.get(path, 'absent')}"
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    ]


def _check_changes(
    workdir: pathlib.Path, old: Mapping[str, Any], new: Mapping[str, Any]
) -> None:
    """Raises UserError if the folder belongs to a run of another config."""
    changes = _changes(old, new)
    back = [
        f"--config.{path}={shlex.quote(str(old[path]))}"
        for path in sorted(old.keys() & new.keys())
        if repr(old[path]) != repr(new[path])
    ]
    if changes:
        raise UserError(
            "\n  ".join([f"{workdir} holds a run of another config:", *changes])
            + "\nGive another --workdir, or set the config back"
            + (f" ({' '.join(back)})" if back else "")
            + ", or go on with the new one: --allow_changes."
        )
