"""MultiRoom: a chain of rooms, door by door, to the staircase in the last."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32

from rl_credit.envs.grid import layouts
from rl_credit.envs.grid.multiroom_layouts import SIZE
from rl_credit.envs.grid.render import Tile
from rl_credit.envs.grid.rooms_state import Family, Layout, layout

COVERS = {
    Tile.DOOR_CLOSED: (Tile.DOOR_CLOSED, Tile.DOOR_OPEN),
    Tile.DOOR_LOCKED: (Tile.DOOR_LOCKED, Tile.DOOR_BROKEN),
    Tile.DOOR_OPEN: (),
}


def multiroom(bank: str, wall: Tile, door: Tile, monsters: bool = False) -> Family:
    """The layouts of a bank (multiroom_layouts.BANKS), with these walls and doors.

    Around the rooms there is stone. `monsters` adds the three of the layout.
    """
    arrays = layouts.bank(f"multiroom_{bank}")
    cells = {
        name: arrays[name].astype(np.int32) @ np.array([SIZE, 1], np.int32)
        for name in ("doors", "start", "goal", "monsters")
    }
    maps = np.stack([chart(rooms, wall) for rooms in arrays["rooms"]])
    mutable = door is not Tile.DOOR_OPEN
    rows = np.arange(len(maps))[:, None]
    maps.reshape(len(maps), -1)[rows, cells["doors"]] = door

    def draw(level: Int32[Array, ""]) -> Layout:
        at = {name: jnp.asarray(places)[level] for name, places in cells.items()}
        fields = dict(start=at["start"], goal=at["goal"])
        if mutable:
            covers = jnp.full(at["doors"].shape, door, jnp.uint8)
            fields |= dict(sites=at["doors"], covers=covers)
        if monsters:
            fields |= dict(monsters=at["monsters"])
        return layout(level, **fields)

    sites = cells["doors"] if mutable else None
    return Family(maps, draw, size=len(maps), sites=sites, covers=COVERS[door])


def chart(rooms: np.ndarray, wall: Tile) -> np.ndarray:
    """The map uint8[25, 25] of rooms [rooms, 4], doors not yet in their walls."""
    drawn = np.full((SIZE, SIZE), np.uint8(Tile.UNSEEN))
    for top, left, height, width in rooms:
        drawn[top : top + height, left : left + width] = wall
        inner = slice(top + 1, top + height - 1), slice(left + 1, left + width - 1)
        drawn[inner] = Tile.FLOOR
    return drawn
