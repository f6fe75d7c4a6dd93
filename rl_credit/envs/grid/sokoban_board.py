"""A Sokoban room for search on the host: sets of cells are the bits of an integer."""

import dataclasses
from collections.abc import Iterable, Iterator

import numpy as np

Push = tuple[int, int]  # cell of the box, direction: 0 up, 1 down, 2 left, 3 right


@dataclasses.dataclass(frozen=True)
class Board:
    """Cells are numbered row by row; the border is wall, so no step wraps around."""

    width: int
    floor: int  # bits of the cells that are no wall
    targets: int  # bits

    @property
    def steps(self) -> tuple[int, int, int, int]:
        """What each direction adds to a cell's number: up, down, left, right."""
        return -self.width, self.width, -1, 1

    def reach(self, start: int, free: int) -> int:
        """The cells, as bits, to which one can walk from cell `start` over `free`."""
        width, seen, grown = self.width, 0, 1 << start
        while grown != seen:
            seen = grown
            around = seen << 1 | seen >> 1 | seen << width | seen >> width
            grown = seen | around & free
        return seen

    def walk(self, start: int, goal: int, free: int) -> list[int]:
        """The directions of a shortest way. Raises ValueError where there is none."""
        came: dict[int, tuple[int, int]] = {start: (start, -1)}
        queue = [start]
        for cell in queue:
            for direction, step in enumerate(self.steps):
                if free >> cell + step & 1 and cell + step not in came:
                    came[cell + step] = (cell, direction)
                    queue.append(cell + step)
        if goal not in came:
            raise ValueError(f"no way from cell {start} to cell {goal}")
        way = []
        while goal != start:
            goal, direction = came[goal]
            way.append(direction)
        return way[::-1]

    def moves(self, boxes: int, player: int, pushes: Iterable[Push]) -> list[int]:
        """The moves that make these pushes, one after the other, and the walks between.

        Raises ValueError for a push that cannot be made.
        """
        made = []
        for box, direction in pushes:
            step, free = self.steps[direction], self.floor & ~boxes
            if not boxes >> box & 1 or not free >> box + step & 1:
                raise ValueError(f"no box can be pushed from cell {box} by {step}")
            made += [*self.walk(player, box - step, free), direction]
            boxes, player = boxes ^ 1 << box ^ 1 << box + step, box
        return made


def board(room: np.ndarray) -> Board:
    """The board of one room of `Levels`, uint8[height, width]: wall, floor, target."""
    floor, targets = np.flatnonzero(room), np.flatnonzero(room == 2)
    return Board(room.shape[1], bits(floor), bits(targets))


def bits(cells: Iterable[int] | np.ndarray) -> int:
    """The set of these cells."""
    return sum(1 << int(cell) for cell in cells)


def cells(mask: int) -> Iterator[int]:
    """The cells of a set, in order."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
