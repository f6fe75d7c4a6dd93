"""Draws MultiRoom layouts on the host and writes the banks that ship with the package.

    python -m rl_credit.envs.grid.multiroom_layouts --layouts 2000

makes multiroom_n4.npz and the like, one for each row of `BANKS`; each layout is drawn
from its own seed, so that more layouts leave the first ones as they were, as does a row
that is added at the end.

The rule is that of MiniGrid's MultiRoomEnv (3.2, 25 x 25): rooms, walls included, of
4 .. largest cells a side; the first begins at a random cell; each next lies behind a
door drawn on one of the three other walls of the last, corners excluded, and shifted so
that the door is inside its wall too; it must lie in the grid and clear of all rooms but
the last; 8 draws, then the chain ends. The first chain of the full length is kept.
"""

import argparse
import pathlib
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

SIZE = 25
SMALLEST = 4
DRAWS = 8
MONSTERS = 3
BANKS = {  # rooms, largest side
    "n4": (6, 5),
    "n6": (6, 10),
    "n10": (10, 10),
    "n3": (3, 6),
}
FOLDER = pathlib.Path(__file__).parent / "banks"

EAST, SOUTH, WEST, NORTH = range(4)


class Room(NamedTuple):
    """A rectangle, its walls included."""

    top: int
    left: int
    height: int
    width: int


class Chain(NamedTuple):
    """Rooms one behind the other, and the doors between them."""

    rooms: list[Room]
    doors: list[tuple[int, int]]  # row and column


def chain(generator: np.random.Generator, count: int, largest: int) -> Chain:
    """A chain of `count` rooms; tries until one comes out."""
    while True:
        rooms = [_first(generator, largest)]
        doors: list[tuple[int, int]] = []
        wall = WEST  # that the room was entered by
        while len(rooms) < count and _fits(rooms[0], []):
            found = _next(generator, rooms, wall, largest)
            if found is None:
                break
            room, door, wall = found
            rooms.append(room)
            doors.append(door)
        if len(rooms) == count:
            return Chain(rooms, doors)


def _first(generator: np.random.Generator, largest: int) -> Room:
    """A room with its corner anywhere; it may not fit."""
    top, left = (int(place) for place in generator.integers(0, SIZE - 2, 2))
    return Room(top, left, *_side(generator, largest))


def _side(generator: np.random.Generator, largest: int) -> tuple[int, int]:
    """Height and width."""
    height, width = generator.integers(SMALLEST, largest + 1, 2)
    return int(height), int(width)


def _next(
    generator: np.random.Generator, rooms: list[Room], entry: int, largest: int
) -> tuple[Room, tuple[int, int], int] | None:
    """A room behind the last, its door, and the wall it is entered by; or none."""
    last = rooms[-1]
    for _ in range(DRAWS):
        walls = [wall for wall in range(4) if wall != entry]
        exit_wall = walls[generator.integers(3)]
        row = last.top + int(generator.integers(1, last.height - 1))
        column = last.left + int(generator.integers(1, last.width - 1))
        door = {
            EAST: (row, last.left + last.width - 1),
            SOUTH: (last.top + last.height - 1, column),
            WEST: (row, last.left),
            NORTH: (last.top, column),
        }[exit_wall]
        room = _behind(generator, door, exit_wall, largest)
        if _fits(room, rooms[:-1]):
            return room, door, (exit_wall + 2) % 4
    return None


def _behind(
    generator: np.random.Generator, door: tuple[int, int], exit_wall: int, largest: int
) -> Room:
    """A room that is entered by this door, somewhere inside its wall."""
    row, column = door
    height, width = _side(generator, largest)
    top = int(generator.integers(row - height + 2, row))
    left = int(generator.integers(column - width + 2, column))
    return {
        EAST: Room(top, column, height, width),
        SOUTH: Room(row, left, height, width),
        WEST: Room(top, column - width + 1, height, width),
        NORTH: Room(row - height + 1, left, height, width),
    }[exit_wall]


def _fits(room: Room, others: list[Room]) -> bool:
    """Whether the room lies in the grid and clear of these others."""
    top, left, height, width = room
    if top < 0 or left < 0 or left + width > SIZE or top + height >= SIZE:
        return False
    return all(
        left + width < other.left
        or other.left + other.width <= left
        or top + height < other.top
        or other.top + other.height <= top
        for other in others
    )


def inside(room: Room) -> np.ndarray:
    """The cells of a room's floor, int32[cells, 2] of rows and columns."""
    top, left, height, width = room
    grid = np.mgrid[top + 1 : top + height - 1, left + 1 : left + width - 1]
    return grid.reshape(2, -1).T


def drawn(kind: str, seed: int) -> dict[str, np.ndarray]:
    """The layout of this seed, in int8; places are rows and columns.

    `rooms` [rooms, 4] top, left, height, width; `doors` [rooms - 1, 2]; `start` in the
    first room and `goal` in the last, [2]; `monsters` [3, 2], on different cells of
    any room but the start, all as if at random by MiniHack.
    """
    count, largest = BANKS[kind]
    generator = np.random.default_rng((list(BANKS).index(kind), seed))
    rooms, doors = chain(generator, count, largest)
    start = generator.choice(inside(rooms[0]))
    goal = generator.choice(inside(rooms[-1]))
    floor = np.concatenate([inside(room) for room in rooms])
    floor = floor[(floor != start).any(axis=1)]
    monsters = generator.choice(floor, MONSTERS, replace=False)
    parts = dict(rooms=rooms, doors=doors, start=start, goal=goal, monsters=monsters)
    return {name: np.array(part, np.int8) for name, part in parts.items()}


def main() -> None:
    """Writes the banks."""
    parser = argparse.ArgumentParser(description="Draws the banks of MultiRoom.")
    parser.add_argument("--layouts", type=int, default=2000, help="of each bank")
    parser.add_argument("--folder", type=pathlib.Path, default=FOLDER)
    options = parser.parse_args()
    for kind in BANKS:
        layouts = [drawn(kind, seed) for seed in tqdm(range(options.layouts), kind)]
        stacked: dict[str, Any] = {
            name: np.stack([one[name] for one in layouts]) for name in layouts[0]
        }
        np.savez_compressed(options.folder / f"multiroom_{kind}.npz", **stacked)


if __name__ == "__main__":
    main()
