"""Fills a bank of Sokoban levels by playing in reverse, on the host.

python -m rl_credit.envs.grid.sokoban_generate --side 10 --boxes 4 --output bank.npz
"""

import argparse
import functools
import multiprocessing
import random

import numpy as np
import tqdm

from rl_credit.envs.grid import sokoban_search
from rl_credit.envs.grid.sokoban_board import Board, bits, board, cells
from rl_credit.envs.grid.sokoban_levels import FLOOR, NO_MOVE, TARGET, Levels

TURN = 0.35  # chance that the walk which carves a room changes its direction
STAMPS = (  # what the walk carves around itself: row, column, corner, square, corner
    ((0, -1), (0, 0), (0, 1)),
    ((-1, 0), (0, 0), (1, 0)),
    ((0, -1), (0, 0), (1, -1)),
    ((0, 0), (0, 1), (1, 0), (1, 1)),
    ((0, 0), (0, 1), (1, 0)),
)
ROOMS = 200  # tries before a level is given up
PLAYS = 30  # reverse plays in a room, of which the best is kept
PULLS = 10  # in a reverse play, for each box
STATES = 20_000  # of the search that proves a level
SHORTEST, LONGEST = 5, 100  # moves of a solution, for each box and in all, of 120


def fill(side: int, boxes: int, count: int, *, seed: int, workers: int = 1) -> Levels:
    """`count` different levels of `side` by `side` cells, with solutions.

    Every level is drawn from (seed, its own number), so that the bank does not depend
    on the number of processes. Raises ValueError for sizes that no level has, and
    RuntimeError where rooms are too small for that many different levels.
    """
    if side < 5 or boxes < 1 or count < 1 or workers < 1:
        raise ValueError(
            f"side {side}, boxes {boxes}, count {count}, workers {workers}; a level "
            "needs 5 cells a side, and all others must be at least 1"
        )
    made = functools.partial(level, side, boxes, seed)
    kept: dict[bytes, Levels] = {}
    tried = 0
    with (
        multiprocessing.get_context("spawn").Pool(workers) as pool,
        tqdm.tqdm(total=count, desc=f"{side}x{side}/{boxes}", unit="level") as bar,
    ):
        while len(kept) < count:
            if tried > 10 * count + 100:
                raise RuntimeError(
                    f"{len(kept)} different levels in {tried} tries; ask for fewer "
                    f"than {count}, or for a larger side than {side}"
                )
            missing = range(tried, tried + count - len(kept))
            for found in pool.imap(made, missing, chunksize=4):
                kept.setdefault(found.rooms.tobytes() + found.boxes.tobytes(), found)
                bar.update(len(kept) - bar.n)
            tried = missing.stop
    return _joined(list(kept.values()))


def level(side: int, boxes: int, seed: int, index: int) -> Levels:
    """One level and its solution, by its number.

    A room is carved by a random walk, as in gym-sokoban, and its boxes are pulled off
    the targets at random. The best of many such plays, by the score of gym-sokoban, is
    kept where a search finds a solution with the fewest pushes that is not too long.
    Raises RuntimeError where no room was large enough.
    """
    draw = random.Random(f"{side} {boxes} {seed} {index}")
    for _ in range(ROOMS):
        room = carve(side, draw)
        free = np.flatnonzero(room)
        if len(free) < 2 * boxes + 2:
            continue
        room.ravel()[draw.sample(free.tolist(), boxes)] = TARGET
        start = furthest(board(room), draw)
        if start is None:
            continue
        found = Levels(
            room[None],
            np.array([list(cells(start[0]))], np.int16),
            np.array([start[1]], np.int16),
        )
        solution = _solution(found)
        if solution is not None:
            return Levels(found.rooms, found.boxes, found.players, solution)
    raise RuntimeError(f"no level of side {side} with {boxes} boxes in {ROOMS} rooms")


def carve(side: int, draw: random.Random) -> np.ndarray:
    """A connected room uint8[side, side] without targets: wall and floor."""
    room = np.zeros((side, side), np.uint8)
    row, column = (draw.randrange(1, side - 1) for _ in range(2))
    step = (0, 1)
    for _ in range(int(1.7 * 2 * side)):
        if draw.random() < TURN:
            step = draw.choice([(-1, 0), (1, 0), (0, -1), (0, 1)])
        row = min(max(row + step[0], 1), side - 2)
        column = min(max(column + step[1], 1), side - 2)
        for down, right in draw.choice(STAMPS):
            room[row + down, column + right] = FLOOR
    room[[0, -1]] = 0
    room[:, [0, -1]] = 0
    return room


def furthest(room: Board, draw: random.Random) -> tuple[int, int] | None:
    """The start with the highest score of many reverse plays: boxes, player's cell.

    None where no play left every target empty and in sight.
    """
    best, start = 0, None
    for _ in range(PLAYS):
        score, found = _pulled(room, draw)
        if score > best:
            best, start = score, found
    return start


def _pulled(room: Board, draw: random.Random) -> tuple[int, tuple[int, int] | None]:
    """One play in reverse from the solved room: the best state on its way, its score.

    The score is the number of times that another box was pulled, by the sum of the
    distances of the boxes from where they were (row and column), and 0 while a target
    is covered. No arrangement of boxes comes twice.
    """
    origins = {cell: cell for cell in cells(room.targets)}  # of the box at this cell
    player = draw.choice(list(cells(room.floor & ~room.targets)))
    seen, last, swaps = set(), -1, 0
    best: tuple[int, tuple[int, int] | None] = (0, None)
    for _ in range(PULLS * len(origins)):
        boxes = bits(origins)
        seen.add(boxes)
        free = room.floor & ~boxes
        region = room.reach(player, free)
        places = list(cells(region & ~room.targets))
        score = _score(room, origins, swaps) if places else 0
        if score > best[0]:
            best = score, (boxes, draw.choice(places))
        options = [
            (box, step)
            for box in origins
            for step in room.steps
            if region >> box + step & 1
            and free >> box + 2 * step & 1
            and boxes ^ 1 << box ^ 1 << box + step not in seen
        ]
        if not options:
            break
        box, step = draw.choice(options)
        swaps += box != last
        origins[box + step] = origins.pop(box)
        last, player = box + step, box + 2 * step
    return best


def _score(room: Board, origins: dict[int, int], swaps: int) -> int:
    if bits(origins) & room.targets:
        return 0
    apart = 0
    for cell, origin in origins.items():
        rows = cell // room.width - origin // room.width
        columns = cell % room.width - origin % room.width
        apart += abs(rows) + abs(columns)
    return swaps * apart


def _solution(found: Levels) -> np.ndarray | None:
    """Moves uint8[1, LONGEST] with the fewest pushes; None if too few or too many."""
    try:
        moves = sokoban_search.solve(found, 0, limit=STATES)
    except RuntimeError:  # too hard for the search, so nothing proves the level
        return None
    if moves is None or not SHORTEST * found.boxes.size <= len(moves) <= LONGEST:
        return None
    padding = [NO_MOVE] * (LONGEST - len(moves))
    return np.array([moves + padding], np.uint8)


def _joined(levels: list[Levels]) -> Levels:
    fields = zip(*(vars(each).values() for each in levels))
    return Levels(*(np.concatenate(field) for field in fields))


def main() -> None:
    """The command line: fills a bank and writes it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, required=True, help="cells of a side")
    parser.add_argument("--boxes", type=int, required=True)
    parser.add_argument("--levels", type=int, default=1000, help="how many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--output", required=True, help="the .npz to write")
    asked = parser.parse_args()
    levels = fill(
        asked.side, asked.boxes, asked.levels, seed=asked.seed, workers=asked.workers
    )
    levels.save(asked.output)
    print(f"{len(levels)} levels of {levels.name} in {asked.output}")


if __name__ == "__main__":
    main()
