"""Games that are compiled before they are played, and where they are kept."""

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import tqdm

from rl_credit.envs.pool import Failed, Pool


def folder(given: str | None, name: str) -> pathlib.Path:
    """Where games are kept: as given, else in XDG_CACHE_HOME or ~/.cache."""
    if given:
        return pathlib.Path(given).expanduser()
    root = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(root) / "rl_credit" / name


def compile_all(
    path: str,
    options: Mapping[str, Any],
    tasks: Sequence[int],
    *,
    seed: int,
    workers: int,
    what: str,
) -> None:
    """Compiles the games of `tasks` in parallel, with progress.

    Args:
        path: "module:attribute" of an environment that compiles on `reset`.
        options: of its constructor, but for `seed`.
        what: is compiled, in words.

    Raises RuntimeError for a game that cannot be made.
    """
    bar = tqdm.tqdm(total=len(tasks), desc=f"compiling {what}", unit="game")
    pool = Pool(path, options, workers=workers, seed=seed, step_timeout=600.0)
    with bar, pool:
        for start in range(0, len(tasks), workers):
            batch = tasks[start : start + workers]
            for made in pool.reset(batch):
                if isinstance(made, Failed):
                    raise RuntimeError(f"task {made.task}: {made.reason}")
            bar.update(len(batch))
