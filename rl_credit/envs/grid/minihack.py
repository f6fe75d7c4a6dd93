"""The MiniHack tasks: 16 of arXiv 2306.03236, its KeyRooms and Corridors, and River."""

import dataclasses
import functools
from collections.abc import Callable

from rl_credit.envs.grid import (
    corridor,
    crossing,
    keyroom,
    labyrinth,
    multiroom,
    river,
    skills,
)
from rl_credit.envs.grid.render import Tile
from rl_credit.envs.grid.rooms import Rooms
from rl_credit.envs.grid.rooms_monsters import MINOTAUR, NEWTS
from rl_credit.envs.grid.rooms_state import Family, Rules
from rl_credit.envs.grid.rooms_words import COMPASS, Kind, Message
from rl_credit.ops import names

WALK = Rules(COMPASS)
LOCKS = Rules((*COMPASS, "open", "kick"))
SEARCH = Rules((*COMPASS, "open", "kick", "search"))
KEY = Rules((*COMPASS, "pickup", "apply"), unlocks=True)

WALL, LAVA = Tile.WALL, Tile.LAVA
OPEN, CLOSED, LOCKED = Tile.DOOR_OPEN, Tile.DOOR_CLOSED, Tile.DOOR_LOCKED


@dataclasses.dataclass(frozen=True)
class Task:
    """A row of the table: levels, rules, and the actions of an episode."""

    family: Callable[[], Family]
    rules: Rules
    steps: int


def _skill(*verbs: str, wins: Message | None = None) -> Rules:
    """The rules of a caveman's task with these actions besides compass and pickup."""
    return Rules((*COMPASS, "pickup", *verbs), wins=wins, health=16)


def _levitate(verb: str, kind: Kind) -> Task:
    family = functools.partial(skills.alone, 5, [kind])
    return Task(family, _skill(verb, "fire", wins=Message.FLOAT), 250)


def _freeze(kinds: list[Kind], *verbs: str) -> Task:
    family = functools.partial(skills.alone, 8, kinds)
    return Task(family, _skill(*verbs, "fire", wins=Message.BOLT_BOUNCES), 250)


def _rooms(bank: str, wall: Tile, door: Tile, rules: Rules, steps: int) -> Task:
    chased = rules.pack is not None
    return Task(
        functools.partial(multiroom.multiroom, bank, wall, door, chased), rules, steps
    )


def _keyroom(room: int, subroom: int, steps: int) -> Task:
    return Task(functools.partial(keyroom.keyroom, room, subroom), KEY, steps)


def _crossing(rivers: int) -> Task:
    return Task(functools.partial(crossing.crossing, 19, rivers), WALK, 100)


def _corridor(rooms: int) -> Task:
    return Task(functools.partial(corridor.corridor, rooms), SEARCH, 1000)


CHASED = dataclasses.replace(WALK, pack=NEWTS)
DEATH = dataclasses.replace(_skill("zap", "fire"), deadly=True, pack=MINOTAUR)
CROSS = _skill("zap", "wear", "apply", "quaff", "put_on", "fire", "read")

TASKS: dict[str, Task] = {
    "Levitate-Potion": _levitate("quaff", Kind.POTION),
    "Levitate-Boots": _levitate("wear", Kind.BOOTS),
    "Freeze-Horn": _freeze([Kind.HORN], "apply"),
    "Freeze-Wand": _freeze([Kind.WAND], "zap"),
    "Freeze-Random": _freeze([Kind.WAND, Kind.HORN], "zap", "apply"),
    "LavaCross": Task(skills.lava_cross, CROSS, 250),
    "WoD-Hard": Task(skills.wand_of_death, DEATH, 400),
    "MultiRoom-N3-Lava": _rooms("n3", LAVA, CLOSED, WALK, 120),
    "MultiRoom-N4-Lava": _rooms("n4", LAVA, CLOSED, WALK, 120),
    "MultiRoom-N4-Locked": _rooms("n4", WALL, LOCKED, LOCKS, 120),
    "MultiRoom-N6": _rooms("n6", WALL, CLOSED, WALK, 240),
    "MultiRoom-N6-Lava": _rooms("n6", LAVA, CLOSED, WALK, 240),
    "MultiRoom-N6-Lava-OpenDoor": _rooms("n6", LAVA, OPEN, WALK, 240),
    "MultiRoom-N6-LavaMonsters": _rooms("n6", LAVA, CLOSED, CHASED, 240),
    "MultiRoom-N10-OpenDoor": _rooms("n10", WALL, OPEN, WALK, 360),
    "MultiRoom-N10-Lava-OpenDoor": _rooms("n10", LAVA, OPEN, WALK, 360),
    "LavaCrossingS19N13": _crossing(13),
    "LavaCrossingS19N17": _crossing(17),
    "Labyrinth-Big": Task(labyrinth.labyrinth, WALK, 1000),
    "KeyRoom-S5": _keyroom(5, 2, 200),
    "KeyRoom-S10": _keyroom(10, 3, 300),
    "KeyRoom-S15": _keyroom(15, 5, 400),
    "Corridor-R2": _corridor(2),
    "Corridor-R3": _corridor(3),
    "Corridor-R5": _corridor(5),
    "River": Task(river.river, WALK, 350),
}


class MiniHack(Rooms):
    """A task of the table `TASKS`, by its name without "MiniHack-" and version.

    Raises ValueError for an unknown task, and for options that cannot be as `Rooms`
    does.
    """

    def __init__(
        self,
        task: str,
        *,
        observation: str = "planes",
        view: int = 0,
        coordinates: bool = False,
        num_contexts: int = 0,
        context_seed: int = 0,
    ):
        if task not in TASKS:
            raise ValueError(names.unknown("MiniHack task", task, TASKS))
        row = TASKS[task]
        super().__init__(
            levels(task),
            row.rules,
            row.steps,
            observation=observation,
            view=view,
            coordinates=coordinates,
            num_contexts=num_contexts,
            context_seed=context_seed,
        )
        self.task = task

    @property
    def name(self) -> str:
        """The task's name."""
        return self.task


@functools.cache
def levels(task: str) -> Family:
    """The levels of a task, made once."""
    return TASKS[task].family()
