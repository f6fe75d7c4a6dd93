"""Corridor: rooms joined by corridors, dead ends, and doors that may be hidden."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32

from rl_credit.envs.grid import layouts
from rl_credit.envs.grid.render import Tile
from rl_credit.envs.grid.rooms_state import Family, Layout, layout

COVERS = (
    Tile.WALL,
    Tile.UNSEEN,
    Tile.CORRIDOR,
    Tile.DOOR_LOCKED,
    Tile.DOOR_CLOSED,
    Tile.DOOR_OPEN,
    Tile.DOOR_BROKEN,
)


def corridor(rooms: int) -> Family:
    """The layouts of the bank with 2, 3 or 5 rooms (corridor_layouts.py).

    They stand for NetHack's random rooms and corridors, which are dark and seen cell by
    cell there; here the map is seen but for what is hidden.
    """
    arrays = dict(layouts.bank(f"corridor_r{rooms}"))
    maps = arrays.pop("chart")
    covers = arrays.pop("covers")
    cells = {name: places.astype(np.int32) for name, places in arrays.items()}

    def draw(level: Int32[Array, ""]) -> Layout:
        at = {name: jnp.asarray(places)[level] for name, places in cells.items()}
        return layout(level, covers=jnp.asarray(covers)[level], **at)

    return Family(maps, draw, size=len(maps), sites=cells["sites"], covers=COVERS)
