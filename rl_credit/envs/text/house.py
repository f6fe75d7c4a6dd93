"""Small houses with one locked door, drawn from a seed: what `scripted` plays in."""

import dataclasses
import itertools
import random

from rl_credit.envs.text import panels

MOVES = {"north": (0, 1), "south": (0, -1), "east": (1, 0), "west": (-1, 0)}
BACK = {"north": "south", "south": "north", "east": "west", "west": "east"}
ROOMS = "attic bedroom cellar hall kitchen library pantry parlour studio study".split()
COLOURS = "black blue green grey red white yellow".split()
METALS = "brass copper gold iron silver steel".split()
BOXES = "basket cabinet chest crate drawer trunk".split()
TRINKETS = "apple book candle coin cup lamp map ring rope spoon towel vase".split()


@dataclasses.dataclass(frozen=True)
class House:
    """A task: carry the right key from where it lies to the door it opens, and leave.

    Rooms form a tree; `places` says where each object lies at first: in a room, or in
    the box, which is closed.
    """

    exits: dict[str, dict[str, str]]  # room -> direction -> room
    start: str
    door: str
    door_room: str
    door_side: str
    key: str
    box: str
    box_room: str
    places: dict[str, str]
    wording: int  # which of the wordings this house is told in

    @property
    def boxed(self) -> bool:
        """Whether the key lies in the box."""
        return self.places[self.key] == self.box


def house(seed: int, task: int, wordings: int) -> House:
    """The house of that task; its walkthrough has 4 to 8 actions."""
    for attempt in itertools.count():
        bits = panels.digest("house", seed, task, attempt)
        drawn = _draw(random.Random(int.from_bytes(bits, "big")), wordings)
        if 4 <= len(walkthrough(drawn)) <= 8:
            return drawn
    raise AssertionError("unreachable: the loop has no end")


def walkthrough(house: House) -> list[str]:
    """The shortest way to win."""
    key_room = house.box_room if house.boxed else house.places[house.key]
    return [
        *path(house, house.start, key_room),
        *([f"open {house.box}"] if house.boxed else []),
        f"take {house.key}",
        *path(house, key_room, house.door_room),
        f"unlock {house.door} with {house.key}",
        f"go {house.door_side}",
    ]


def path(house: House, start: str, goal: str) -> list[str]:
    """The moves from one room to another."""
    if start == goal:
        return []
    frontier: list[tuple[str, list[str]]] = [(start, [])]
    seen = {start}
    for room, moves in frontier:
        for side, beyond in house.exits[room].items():
            if beyond == goal:
                return [*moves, f"go {side}"]
            if beyond not in seen:
                seen.add(beyond)
                frontier.append((beyond, [*moves, f"go {side}"]))
    raise ValueError(f"no way from {start!r} to {goal!r}")


def _draw(rng: random.Random, wordings: int) -> House:
    exits, free = _floor_plan(rng)
    rooms = list(exits)
    metals = rng.sample(METALS, 2)
    key, wrong_key = (f"{metal} key" for metal in metals)
    box = rng.choice(BOXES)
    loose = [wrong_key, *rng.sample(TRINKETS, 2)]
    places = {thing: rng.choice([*rooms, box]) for thing in [key, *loose]}
    door_room, door_side = rng.choice(free)
    return House(
        exits=exits,
        start=rng.choice(rooms),
        door=f"{rng.choice(COLOURS)} door",
        door_room=door_room,
        door_side=door_side,
        key=key,
        box=box,
        box_room=rng.choice(rooms),
        places=places,
        wording=rng.randrange(wordings),
    )


def _floor_plan(rng: random.Random) -> tuple[dict, list[tuple[str, str]]]:
    """Three to five rooms joined to a tree, and the walls where a door may be."""
    names = rng.sample(ROOMS, rng.randint(3, 5))
    cells = {names[0]: (0, 0)}
    exits: dict[str, dict[str, str]] = {name: {} for name in names}
    for name in names[1:]:
        old, side = rng.choice(_walls(cells))
        cells[name] = _beyond(cells[old], side)
        exits[old][side], exits[name][BACK[side]] = name, old
    return exits, _walls(cells)


def _walls(cells: dict[str, tuple[int, int]]) -> list[tuple[str, str]]:
    taken = set(cells.values())
    sides = itertools.product(cells, MOVES)
    return [(room, s) for room, s in sides if _beyond(cells[room], s) not in taken]


def _beyond(cell: tuple[int, int], side: str) -> tuple[int, int]:
    return cell[0] + MOVES[side][0], cell[1] + MOVES[side][1]
