"""Sokoban levels: what one is, and where they come from."""

import dataclasses
import os
import pathlib
from collections.abc import Iterable, Sequence

import numpy as np

from rl_credit.envs.grid import boxoban
from rl_credit.ops import names

WALL, FLOOR, TARGET = range(3)
NO_MOVE = 255  # pads solutions
SYMBOLS = "#@$. *+"  # wall, player, box, target, floor, box and player on a target
FOLDER = pathlib.Path(__file__).with_name("banks")
BANKS = {
    "6x6/1": "sokoban_6x6_1.npz",
    "7x7/2": "sokoban_7x7_2.npz",
    "10x10/4": "sokoban_10x10_4.npz",
}


@dataclasses.dataclass(frozen=True, eq=False)
class Levels:
    """Levels of one size, with one number of boxes; on the host.

    Cells are numbered row by row. Raises ValueError, naming the first level that is
    none: its border must be wall, boxes and player on different cells inside, as many
    targets as boxes, and a target still empty.
    """

    rooms: np.ndarray  # uint8[levels, height, width]: WALL, FLOOR or TARGET
    boxes: np.ndarray  # int16[levels, boxes]: their cells
    players: np.ndarray  # int16[levels]: the player's cell
    solutions: np.ndarray | None = None  # uint8[levels, steps]: pushes U, D, L, R

    def __post_init__(self) -> None:
        fields = (self.rooms, self.boxes, self.players, self.solutions)
        shapes = [list(field.shape) for field in fields if field is not None]
        counts = {shape[0] for shape in shapes}
        if [len(shape) for shape in shapes[:3]] != [3, 2, 1] or len(counts) != 1:
            raise ValueError(
                "levels need rooms [levels, height, width], boxes [levels, boxes] and "
                f"players [levels]; the shapes are {shapes}"
            )
        if not self.rooms.size or not self.boxes.size:
            raise ValueError("there must be one level, and one box in it, at least")
        for complaint, wrong in self._faults():
            if wrong.any():
                raise ValueError(f"level {int(np.argmax(wrong))}: {complaint}")

    def _faults(self) -> Iterable[tuple[str, np.ndarray]]:
        """Complaints, each with bool[levels]; a later one relies on those before."""
        cells = self.rooms.reshape(len(self.rooms), -1)
        inside = np.zeros(self.rooms.shape[1:], bool)
        inside[1:-1, 1:-1] = True
        things = np.column_stack([self.players, self.boxes]).astype(np.int64)
        outside = (things < 0) | (things >= cells.shape[1])
        border = self.rooms[:, ~inside]
        yield "a code that is none of 0, 1 and 2", np.any(cells > TARGET, axis=1)
        yield "its border is not all wall", np.any(border != WALL, axis=1)
        yield "a box or the player outside of the room", np.any(outside, axis=1)
        under = np.take_along_axis(cells, things, axis=1)
        yield "a box or the player inside a wall", np.any(under == WALL, axis=1)
        crowded = np.diff(np.sort(things, axis=1)) == 0
        yield "a box or the player on the cell of a box", np.any(crowded, axis=1)
        targets = np.sum(cells == TARGET, axis=1)
        yield f"not {self.boxes.shape[1]} targets", targets != self.boxes.shape[1]
        yield "solved before the first move", np.all(under[:, 1:] == TARGET, axis=1)

    def __len__(self) -> int:
        return len(self.rooms)

    @property
    def name(self) -> str:
        """Size and number of boxes, as in "10x10/4"."""
        _, height, width = self.rooms.shape
        return f"{height}x{width}/{self.boxes.shape[1]}"

    def take(self, which: Sequence[int] | slice | np.ndarray) -> "Levels":
        """Some of the levels, in that order."""
        solutions = None if self.solutions is None else self.solutions[which]
        return Levels(
            self.rooms[which], self.boxes[which], self.players[which], solutions
        )

    def save(self, path: str | os.PathLike) -> None:
        """Writes an npz that `load` reads."""
        fields = dict(vars(self))
        if self.solutions is None:
            del fields["solutions"]
        np.savez_compressed(path, **fields)


def load(levels: str | os.PathLike | Levels) -> Levels:
    """Levels by the name of a shipped bank, by path, or as they are.

    A path is an npz that `Levels.save` wrote, a Boxoban text file, or a directory of
    such text files. Raises ValueError naming what is wrong with it, and where.
    """
    if isinstance(levels, Levels):
        return levels
    path = FOLDER / BANKS[str(levels)] if str(levels) in BANKS else pathlib.Path(levels)
    if not path.exists():
        raise ValueError(
            names.unknown("bank of levels", str(levels), BANKS)
            + "; nor is it the path of an .npz or of Boxoban text files"
        )
    if path.suffix == ".npz":
        with np.load(path) as stored:
            return Levels(**stored)
    return parse(boxoban.read(path))


def parse(drawings: Iterable[Sequence[str]]) -> Levels:
    """Levels drawn in `SYMBOLS`, a string a row; all of one size.

    Raises ValueError for another symbol, a ragged drawing, or two sizes.
    """
    rooms, boxes, players = [], [], []
    for index, rows in enumerate(drawings):
        text = "".join(rows)
        if len({len(row) for row in rows}) != 1 or set(text) - set(SYMBOLS):
            raise ValueError(
                f"level {index}: rows must be of one length, drawn in {SYMBOLS!r}"
            )
        symbols = np.array(list(text)).reshape(len(rows), -1)
        targets = np.isin(symbols, list(".*+"))
        rooms.append(np.where(symbols == "#", WALL, np.where(targets, TARGET, FLOOR)))
        boxes.append(np.flatnonzero(np.isin(symbols, list("$*"))))
        players.append(np.flatnonzero(np.isin(symbols, list("@+"))))
    for kind, found in (("size", rooms), ("number of boxes", boxes)):
        if len({thing.shape for thing in found}) != 1:
            raise ValueError(f"levels of more than one {kind}, or none at all")
    if any(player.size != 1 for player in players):
        raise ValueError("a level without a player, or with two")
    return Levels(
        np.stack(rooms).astype(np.uint8),
        np.stack(boxes).astype(np.int16),
        np.concatenate(players).astype(np.int16),
    )
