"""Draws rooms joined by random corridors, on the host, and writes their banks.

    python -m rl_credit.envs.grid.corridor_layouts --layouts 1000

makes corridor_r2.npz, corridor_r3.npz and corridor_r5.npz, each layout from its own
seed. The rule follows NetHack's `create_room`, `join` and `dosdoor`, from memory:

- floors of 3 .. 14 columns and 3 .. 6 rows, of at most 50 cells or three rows, with
  three rows or four columns between them; the start is in the first, the staircase in
  the second;
- each room is joined to the next; of more than two rooms, 4 to rooms + 3 further pairs
  are joined, and each cell dug of these ends the corridor with 1/35, a dead end;
- a corridor leaves by the wall that faces the other room, and takes a shortest way
  through the stone (NetHack digs greedily); a cell of it is hidden with 1/50;
- a door is hidden with 1/8; else it is an empty doorway with 2/3, or open with 1/15,
  locked with 2/45, closed with 2/9.
"""

import argparse
import collections
import pathlib
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from rl_credit.envs.grid.render import Tile

HEIGHT, WIDTH = 21, 76
ROOMS = (2, 3, 5)
SITES = 16  # cells that may change; a layout with more is drawn again
GAP = (3, 4)  # rows or columns of stone and walls between two floors
FOLDER = pathlib.Path(__file__).parent / "banks"
STEPS = np.array([(-1, 0), (0, 1), (1, 0), (0, -1)])


class Floor(NamedTuple):
    """A room without its walls; the ends are its last row and column."""

    top: int
    left: int
    bottom: int
    right: int


class Plan:
    """A level while it is dug."""

    def __init__(self, generator: np.random.Generator, rooms: list[Floor]):
        self.generator = generator
        self.rooms = rooms
        self.chart = np.full((HEIGHT, WIDTH), np.uint8(Tile.UNSEEN))
        self.sites: dict[tuple[int, int], Tile] = {}  # what may change
        for top, left, bottom, right in rooms:
            self.chart[top - 1 : bottom + 2, left - 1 : right + 2] = Tile.WALL
            self.chart[top : bottom + 1, left : right + 1] = Tile.FLOOR

    def join(self, one: int, other: int, extra: bool) -> None:
        """A corridor between two rooms, with a door at each end; or a dead end."""
        first, second, (down, along) = facing(self.rooms[one], self.rooms[other])
        start = self.generator.choice(self._free(first))
        end = self.generator.choice(self._free(second))
        begin = int(start[0]) + down, int(start[1]) + along
        way = self._way(begin, (int(end[0]) - down, int(end[1]) - along))
        if not way or (extra and self.chart[begin] == Tile.CORRIDOR):
            return
        for cell in way:
            if extra and self.generator.random() < 1 / 35:
                break
            self._dig(cell)
        else:
            self._door((int(end[0]), int(end[1])))
        self._door((int(start[0]), int(start[1])))

    def _free(self, wall: np.ndarray) -> np.ndarray:
        """The cells of a wall that touch no door; all where there is none."""
        doors = np.array([cell for cell in self.sites] + self._doorways())
        if not len(doors):
            return wall
        apart = np.abs(wall[:, None] - doors).sum(axis=2)
        free = wall[(apart > 1).all(axis=1) | (apart == 0).any(axis=1)]
        return free if len(free) else wall

    def _doorways(self) -> list[tuple[int, int]]:
        """The doors that stay as they are."""
        stays = np.isin(self.chart, [Tile.DOOR_BROKEN, Tile.DOOR_OPEN])
        return [(int(row), int(column)) for row, column in np.argwhere(stays)]

    def _way(self, start: tuple[int, int], end: tuple[int, int]) -> list:
        """A shortest way through stone and corridors, both ends included."""
        before: dict[tuple[int, int], tuple[int, int] | None] = {start: None}
        queue = collections.deque([start])
        while queue and end not in before:
            cell = queue.popleft()
            for step in self.generator.permutation(STEPS):
                ahead = cell[0] + int(step[0]), cell[1] + int(step[1])
                inside = 0 < ahead[0] < HEIGHT - 1 and 0 < ahead[1] < WIDTH - 1
                if inside and ahead not in before and self._stone(ahead):
                    before[ahead] = cell
                    queue.append(ahead)
        way: list = []
        cell_or_none = end if end in before else None
        while cell_or_none is not None:
            way.append(cell_or_none)
            cell_or_none = before[cell_or_none]
        return way[::-1]

    def _stone(self, cell: tuple[int, int]) -> bool:
        """Whether a corridor can be here."""
        return self.chart[cell] in (Tile.UNSEEN, Tile.CORRIDOR)

    def _dig(self, cell: tuple[int, int]) -> None:
        """A cell of corridor, now and then hidden."""
        if self.chart[cell] != Tile.UNSEEN or cell in self.sites:
            return
        if self.generator.random() < 1 / 50:
            self.sites[cell] = Tile.UNSEEN
        else:
            self.chart[cell] = Tile.CORRIDOR

    def _door(self, cell: tuple[int, int]) -> None:
        """A door, or a doorway, where there is none yet."""
        if cell in self.sites or self.chart[cell] != Tile.WALL:
            return
        drawn = self.generator.random(4)
        if drawn[0] < 1 / 8:
            self.sites[cell] = Tile.WALL
        elif drawn[1] < 2 / 3:
            self.chart[cell] = Tile.DOOR_BROKEN
        elif drawn[2] < 1 / 5:
            self.chart[cell] = Tile.DOOR_OPEN
        else:
            locked = drawn[3] < 1 / 6
            self.sites[cell] = Tile.DOOR_LOCKED if locked else Tile.DOOR_CLOSED


def facing(one: Floor, other: Floor) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """The walls [cells, 2] by which two rooms are joined, and the way out of one."""
    if other.left > one.right:
        return _column(one, one.right + 1), _column(other, other.left - 1), (0, 1)
    if other.bottom < one.top:
        return _row(one, one.top - 1), _row(other, other.bottom + 1), (-1, 0)
    if other.right < one.left:
        return _column(one, one.left - 1), _column(other, other.right + 1), (0, -1)
    return _row(one, one.bottom + 1), _row(other, other.top - 1), (1, 0)


def _column(room: Floor, column: int) -> np.ndarray:
    """The cells of a side wall, corners excluded."""
    return np.array([(row, column) for row in range(room.top, room.bottom + 1)])


def _row(room: Floor, row: int) -> np.ndarray:
    """The cells of an upper or lower wall, corners excluded."""
    return np.array([(row, column) for column in range(room.left, room.right + 1)])


def floors(generator: np.random.Generator, count: int) -> list[Floor]:
    """Rooms that keep their distance; drawn anew where they do not fit."""
    rooms: list[Floor] = []
    draws = 0
    while len(rooms) < count:
        draws += 1
        if draws % 200 == 0:
            rooms = []
        width, height = int(generator.integers(3, 15)), int(generator.integers(3, 7))
        height = min(height, max(50 // width, 3))
        top = int(generator.integers(3, HEIGHT - height - 2))
        left = int(generator.integers(3, WIDTH - width - 2))
        room = Floor(top, left, top + height - 1, left + width - 1)
        if all(_apart(room, other) for other in rooms):
            rooms.append(room)
    return rooms


def _apart(one: Floor, other: Floor) -> bool:
    """Whether enough rows or columns lie between two floors."""
    rows = max(one.top - other.bottom, other.top - one.bottom) - 1
    columns = max(one.left - other.right, other.left - one.right) - 1
    return rows >= GAP[0] or columns >= GAP[1]


def drawn(count: int, seed: int) -> dict[str, np.ndarray]:
    """The layout of this seed with `count` rooms.

    `chart` uint8[21, 76]; `sites` int16[16] and `covers` uint8[16], padded by 0 and
    stone; `start` and `goal` int16[].
    """
    generator = np.random.default_rng((count, seed))
    while True:
        plan = Plan(generator, floors(generator, count))
        for one in range(count - 1):
            plan.join(one, one + 1, extra=False)
        extra = 4 + int(generator.integers(count)) if count > 2 else 0
        for _ in range(extra):
            one, other = generator.choice(count, 2, replace=False)
            plan.join(int(one), int(other), extra=True)
        if len(plan.sites) <= SITES and _joined(plan):
            break
    sites = np.zeros(SITES, np.int16)
    covers = np.full(SITES, np.uint8(Tile.UNSEEN))
    for place, (cell, tile) in enumerate(plan.sites.items()):
        sites[place], covers[place] = cell[0] * WIDTH + cell[1], tile
    ends = [_inside(generator, room) for room in plan.rooms[:2]]
    start, goal = np.array(ends, np.int16)
    return dict(chart=plan.chart, sites=sites, covers=covers, start=start, goal=goal)


def _inside(generator: np.random.Generator, room: Floor) -> int:
    """A cell of the floor."""
    row = generator.integers(room.top, room.bottom + 1)
    return int(row) * WIDTH + int(generator.integers(room.left, room.right + 1))


def _joined(plan: Plan) -> bool:
    """Whether all rooms hang together once everything hidden is found."""
    blocked = np.isin(plan.chart, [Tile.WALL, Tile.UNSEEN])
    blocked[tuple(np.array(list(plan.sites), int).reshape(-1, 2).T)] = False
    first = plan.rooms[0]
    seen = {(first.top, first.left)}
    queue = list(seen)
    while queue:
        row, column = queue.pop()
        for down, along in STEPS:
            ahead = row + int(down), column + int(along)
            if not blocked[ahead] and ahead not in seen:
                seen.add(ahead)
                queue.append(ahead)
    return all((room.top, room.left) in seen for room in plan.rooms)


def main() -> None:
    """Writes the banks."""
    parser = argparse.ArgumentParser(description="Draws the banks of Corridor.")
    parser.add_argument("--layouts", type=int, default=1000, help="of each bank")
    parser.add_argument("--folder", type=pathlib.Path, default=FOLDER)
    options = parser.parse_args()
    for count in ROOMS:
        seeds = tqdm(range(options.layouts), f"{count} rooms")
        layouts = [drawn(count, seed) for seed in seeds]
        stacked: dict[str, Any] = {
            name: np.stack([one[name] for one in layouts]) for name in layouts[0]
        }
        np.savez_compressed(options.folder / f"corridor_r{count}.npz", **stacked)


if __name__ == "__main__":
    main()
