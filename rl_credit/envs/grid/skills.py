"""The skill tasks: one object, which must be taken and used the right way."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32

from rl_credit.envs.grid import layouts
from rl_credit.envs.grid.render import Tile
from rl_credit.envs.grid.rooms_state import Family, Layout, layout, numbers
from rl_credit.envs.grid.rooms_words import Kind

LAVA = """
#############
#.....L.....#
#.....L.....#
#.....L.....#
#.....L.....#
#.....L.....#
#############
"""

CORRIDOR = """
#############################
#...........................#
#.....#######################
#.....#
#.....#
#######
"""
MINOTAUR, EXIT = (1, 26), (1, 27)  # row and column

# Out of 600 levels of LavaCross: half levitate, 33 % of these by a potion.
LAVA_KINDS = {
    Kind.POTION: 99,
    Kind.RING: 100,
    Kind.BOOTS: 101,
    Kind.WAND: 150,
    Kind.HORN: 150,
}


def alone(side: int, kinds: Sequence[Kind]) -> Family:
    """A room of `side` x `side` cells in stone, with one of these objects.

    Start and object are drawn apart and may coincide (Levitate: 5, Freeze: 8).
    """
    maps = layouts.room(side, side, Tile.UNSEEN)[None]
    floor = layouts.cells(1, 1, side, side, side + 2)

    def draw(level: Int32[Array, ""]) -> Layout:
        bits = numbers(level, 3)
        return layout(
            start=layouts.one_of(floor, bits[0]),
            item=layouts.one_of(floor, bits[1]),
            kind=layouts.one_of(np.array(kinds), bits[2]),
        )

    return Family(maps, draw, kinds=tuple(kinds), stairs=False)


def lava_cross() -> Family:
    """A column of lava between two banks of 5 x 5, start and object on the left.

    The object is of levitation or of cold, each half the time; of levitation a potion
    in 33 %, else ring or boots; of cold a wand or a horn (33.5 % for ring and boots is
    rounded to 100 and 101 of 300).
    """
    maps = layouts.drawn(LAVA)[None]
    across = maps.shape[2]
    left, right = (layouts.cells(1, column, 5, 5, across) for column in (1, 7))
    lava = layouts.cells(1, 6, 5, 1, across)
    kinds = np.repeat(list(LAVA_KINDS), list(LAVA_KINDS.values()))

    def draw(level: Int32[Array, ""]) -> Layout:
        bits = numbers(level, 4)
        return layout(
            start=layouts.one_of(left, bits[0]),
            goal=layouts.one_of(right, bits[1]),
            item=layouts.one_of(left, bits[2]),
            kind=layouts.one_of(kinds, bits[3]),
            sites=jnp.asarray(lava),
            covers=jnp.full(5, Tile.LAVA, jnp.uint8),
        )

    return Family(
        maps,
        draw,
        sites=lava[None],
        covers=(Tile.LAVA, Tile.FLOOR),
        kinds=tuple(LAVA_KINDS),
    )


def wand_of_death() -> Family:
    """WoD-Hard: a room with the wand, and a corridor with a minotaur at its end.

    The start is in the room's 5 x 4 cells, the wand in the first four columns.
    """
    maps = layouts.drawn(CORRIDOR)[None]
    across = maps.shape[2]
    start, safe = (layouts.cells(1, 1, 4, columns, across) for columns in (5, 4))
    minotaur, goal = (row * across + column for row, column in (MINOTAUR, EXIT))

    def draw(level: Int32[Array, ""]) -> Layout:
        bits = numbers(level, 2)
        return layout(
            start=layouts.one_of(start, bits[0]),
            goal=jnp.int32(goal),
            item=layouts.one_of(safe, bits[1]),
            kind=jnp.int32(Kind.WAND),
            monsters=jnp.full(1, minotaur, jnp.int32),
        )

    return Family(maps, draw, kinds=(Kind.WAND,))
