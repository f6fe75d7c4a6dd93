"""KeyRoom: a lit room, a key in it, and a small locked room around the staircase."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32

from rl_credit.envs.grid import layouts
from rl_credit.envs.grid.render import Tile
from rl_credit.envs.grid.rooms_state import Family, Layout, layout, numbers, pick
from rl_credit.envs.grid.rooms_words import Kind


def keyroom(room: int, subroom: int) -> Family:
    """A room of `room` x `room` cells with one of `subroom` x `subroom` in it.

    The places are those of NetHack's `create_subroom`: the corner of the small room is
    even over 0 .. room - subroom - 2 along each axis, and a 1 becomes a 0, so that in
    a room of 5 it is always the upper left. Its door is on one of the walls that face
    the large room, any cell but the corners; key and start are anywhere in the large
    room but on one another (MiniHack may also begin inside the small room).

    Raises ValueError where the small room leaves no way around it.
    """
    if not 1 <= subroom <= room - 2:
        raise ValueError(f"a subroom of {subroom} does not fit a room of {room}")
    across = room + 2
    corners = [0 if place == 1 else place for place in range(room - subroom - 1)]
    places = sorted(set(corners))
    charts = [(top, left) for top in places for left in places]
    rows = np.array([charts.index((top, left)) for top in corners for left in corners])
    maps = np.stack([_chart(room, subroom, *chart) for chart in charts])
    insides = np.stack(
        [layouts.cells(t + 1, l + 1, subroom, subroom, across) for t, l in charts]
    )
    doors, door_counts = _padded([_doors(room, subroom, *chart) for chart in charts])
    floors = [np.flatnonzero(chart == Tile.FLOOR) for chart in maps]
    outsides, counts = _padded(list(map(np.setdiff1d, floors, insides)))

    def draw(level: Int32[Array, ""]) -> Layout:
        bits = numbers(level, 5)
        chart = layouts.one_of(rows, bits[0])
        door = pick(bits[1], jnp.asarray(door_counts)[chart])
        key = pick(bits[3], jnp.asarray(counts)[chart])
        start = pick(bits[4], jnp.asarray(counts)[chart] - 1)
        start = start + (start >= key)
        return layout(
            chart,
            start=jnp.asarray(outsides)[chart, start],
            goal=jnp.asarray(insides)[chart, pick(bits[2], subroom * subroom)],
            item=jnp.asarray(outsides)[chart, key],
            kind=jnp.int32(Kind.KEY),
            sites=jnp.asarray(doors)[chart, door][None],
            covers=jnp.full(1, Tile.DOOR_LOCKED, jnp.uint8),
        )

    covers = (Tile.DOOR_LOCKED, Tile.DOOR_OPEN)
    return Family(maps, draw, covers=covers, kinds=(Kind.KEY,))


def _chart(room: int, subroom: int, top: int, left: int) -> np.ndarray:
    """The map with the small room's first cell at (top, left) of the large room."""
    chart = layouts.room(room, room, Tile.WALL)
    chart[top : top + subroom + 2, left : left + subroom + 2] = Tile.WALL
    chart[top + 1 : top + subroom + 1, left + 1 : left + subroom + 1] = Tile.FLOOR
    return chart


def _doors(room: int, subroom: int, top: int, left: int) -> np.ndarray:
    """The cells where the door may be: each has floor on both sides."""
    low, right = top + subroom + 1, left + subroom + 1
    along = np.arange(1, subroom + 1)
    walls = []
    if top > 0:
        walls.append(top * (room + 2) + left + along)
    if left > 0:
        walls.append((top + along) * (room + 2) + left)
    if low <= room:
        walls.append(low * (room + 2) + left + along)
    if right <= room:
        walls.append((top + along) * (room + 2) + right)
    return np.concatenate(walls)


def _padded(rows: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Rows of cells as one array int32[charts, longest], and their lengths."""
    lengths = np.array([len(row) for row in rows], np.int32)
    padded = np.zeros((len(rows), lengths.max()), np.int32)
    for row, cells in zip(padded, rows):
        row[: len(cells)] = cells
    return padded, lengths
