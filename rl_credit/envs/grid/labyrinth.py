"""Labyrinth-Big: one fixed spiral, 37 x 21, the start beside the staircase's wall."""

import jax.numpy as jnp
from jaxtyping import Array, Int32

from rl_credit.envs.grid import layouts
from rl_credit.envs.grid.rooms_state import Family, Layout, layout

MAP = """
#####################################
#.................#.#...............#
#.###############.#.#.#############.#
#.#.............#.#.#.............#.#
#.#.###########.#.#.#############.#.#
#.#.#...........#.#.............#.#.#
#.#.#.###########.#############.#.#.#
#.#.#.#...........#.......#...#.#.#.#
#.#.#.#.#################.#.#.#.#.#.#
#.#.#.#.#.................#.#.#.#.#.#
#.#.#.#.#.#################.#.#.#.#.#
#.#.#.#.#...................#.#.#.#.#
#.#.#.#.#####################.#.#.#.#
#.#.#.#.......................#.#.#.#
#.#.#.#########################.#.#.#
#.#.#...........................#.#.#
#.#.#############################.#.#
#.#...............................#.#
#.#################################.#
#...................................#
#####################################
"""
START, GOAL = (1, 19), (7, 19)  # row and column


def labyrinth() -> Family:
    """The only level: whatever its number, the map of MiniHack-Labyrinth-Big-v0."""
    maps = layouts.drawn(MAP)[None]
    start, goal = (row * maps.shape[2] + column for row, column in (START, GOAL))

    def draw(level: Int32[Array, ""]) -> Layout:
        return layout(start=jnp.int32(start), goal=jnp.int32(goal))

    return Family(maps, draw, size=1)
