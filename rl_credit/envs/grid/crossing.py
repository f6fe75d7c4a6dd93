"""LavaCrossing: rivers of lava across a square, each with one gap on the way."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32

from rl_credit.envs.grid import layouts
from rl_credit.envs.grid.render import Tile
from rl_credit.envs.grid.rooms_state import Family, Layout, layout

LEVELS = 4096


def crossing(size: int, rivers: int) -> Family:
    """MiniGrid's crossing: `rivers` of the even rows and columns of a walled square.

    Of S19N17 all 16 lines are rivers, as in MiniGrid. The 4096 levels are drawn on the
    host when the environment is made, each from its own number.

    Raises ValueError for an even or small size.
    """
    if size < 5 or size % 2 == 0:
        raise ValueError(f"size is {size}; a crossing needs an odd one from 5")
    maps = np.stack([chart(size, rivers, level) for level in range(LEVELS)])

    def draw(level: Int32[Array, ""]) -> Layout:
        start, goal = jnp.int32(size + 1), jnp.int32((size - 2) * (size + 1))
        return layout(level, start=start, goal=goal)

    return Family(maps, draw, size=LEVELS)


def chart(size: int, rivers: int, level: int) -> np.ndarray:
    """The map of a level, uint8[size, size]; the way only leads down and right."""
    generator = np.random.default_rng((size, rivers, level))
    lines = [(axis, line) for axis in (0, 1) for line in range(2, size - 2, 2)]
    chosen = [lines[i] for i in generator.permutation(len(lines))[:rivers]]
    drawn = layouts.room(size - 2, size - 2, Tile.WALL)
    for axis, line in chosen:
        np.moveaxis(drawn, axis, 0)[line, 1:-1] = Tile.LAVA
    limits = [
        [0, *sorted(line for axis, line in chosen if axis == side), size - 1]
        for side in (0, 1)
    ]
    room = [0, 0]  # row and column of the field that the way has come to
    for axis in generator.permutation([axis for axis, _ in chosen]):
        other = 1 - axis
        low, high = limits[other][room[other]] + 1, limits[other][room[other] + 1]
        gap = generator.integers(low, high)
        np.moveaxis(drawn, axis, 0)[limits[axis][room[axis] + 1], gap] = Tile.FLOOR
        room[axis] += 1
    return drawn
