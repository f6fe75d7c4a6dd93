"""Which game a task is: generated from a seed, or read from ALFWorld's own files."""

import dataclasses
import functools
import json
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from rl_credit.envs.text import panels
from rl_credit.envs.text.alfworld import floor_plans, furnishing, problem

VERSION = "json_2.1.1"  # of the official games: a directory of ALFWORLD_DATA


@dataclasses.dataclass(frozen=True)
class Generated:
    """A game that is made here; equal fields give equal games."""

    kind: str  # a name in `furnishing.KINDS`
    floor_plan: int
    seed: int

    def data(self) -> Mapping[str, Any]:
        """What a file `game.tw-pddl` would hold."""
        plan = floor_plans.read(self.floor_plan)
        return problem.game_data(furnishing.furnish(plan, self.kind, self.seed))


@dataclasses.dataclass(frozen=True)
class Official:
    """A game of the published benchmark."""

    kind: str
    path: pathlib.Path

    def data(self) -> Mapping[str, Any]:
        """What its file holds."""
        return json.loads(self.path.read_text())


Game = Generated | Official


def generated(
    count: int,
    kinds: tuple[str, ...],
    *,
    seed: int,
    part: str,
    seen: bool,
    most: int | None = None,
) -> list[Generated]:
    """Games of the kinds in turn; room and seed are drawn from hashes.

    `part` tells the training games from those held out, should the rooms be the same.
    """
    games = []
    for number in range(count):
        kind = kinds[number % len(kinds)]
        bits = panels.digest("alfworld", seed, part, kind, number)
        rooms = furnishing.rooms(kind, seen, most)
        room = rooms[int.from_bytes(bits[:4], "big") % len(rooms)]
        games.append(Generated(kind, room, int.from_bytes(bits[4:12], "big")))
    return games


@functools.lru_cache(maxsize=16)
def official(
    count: int, kinds: tuple[str, ...], *, seed: int, split: str, directory: str
) -> tuple[Official, ...]:
    """Games of a split ("train", "valid_seen", "valid_unseen") in an order by hashes.

    Raises ValueError where there are fewer than `count`, or none at all.
    """
    root = pathlib.Path(directory).expanduser() / VERSION / split
    paths = root.glob("*/*/game.tw-pddl")
    order = {path: panels.digest(seed, split, *path.parts[-3:-1]) for path in paths}
    if not order:
        raise ValueError(
            f"there are no ALFWorld games under {root}: fetch them with the command "
            "alfworld-download and name the directory in the variable ALFWORLD_DATA, "
            "or use games='generated'"
        )
    games: list[Official] = []
    for path in sorted(order, key=lambda path: order[path]):
        if len(games) == count:
            break
        games.extend(_playable(path, kinds))
    if len(games) < count:
        raise ValueError(
            f"{count} tasks of split {split!r} are asked for, and ALFWorld has "
            f"{len(games)} of these kinds: {', '.join(kinds)}"
        )
    return tuple(games)


def directory() -> str:
    """Where the official games are, if they are anywhere; see `alfworld.info`."""
    import alfworld  # noqa: F401 (sets the variable where it is not)

    return os.environ["ALFWORLD_DATA"]


def _playable(path: pathlib.Path, kinds: tuple[str, ...]) -> Iterator[Official]:
    """The game, unless the package would leave it out or the kind is another."""
    task = json.loads(path.with_name("traj_data.json").read_text())
    if task["task_type"] not in kinds or task["pddl_params"]["object_sliced"]:
        return
    if json.loads(path.read_text()).get("solvable", False):
        yield Official(task["task_type"], path)
