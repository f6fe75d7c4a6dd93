"""River: five boulders to push into three columns of water that bar the way."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32

from rl_credit.envs.grid import layouts
from rl_credit.envs.grid.render import Tile
from rl_credit.envs.grid.rooms_state import Family, Layout, layout, numbers

HEIGHT, BANK, WATER, WIDTH = 7, 18, 3, 25  # cells; the water lies after BANK columns
BOULDERS = 5
GOAL = (2, 24)  # row and column


def river() -> Family:
    """MiniHack-River-v0: 25 x 7 cells, which the map surrounds with stone.

    Boulders lie on different cells of the west bank away from its first column and its
    first and last row; the agent begins on any other cell of that bank.
    """
    across = WIDTH + 2
    chart = layouts.room(HEIGHT, WIDTH, Tile.UNSEEN)
    water = layouts.cells(1, 1 + BANK, HEIGHT, WATER, across)
    chart.reshape(-1)[water] = Tile.WATER
    middle = layouts.cells(2, 2, HEIGHT - 2, BANK - 1, across)
    bank = layouts.cells(1, 1, HEIGHT, BANK, across)
    places = np.concatenate([middle, np.setdiff1d(bank, middle)])
    counts = (len(middle),) * BOULDERS + (len(bank),)
    goal = (GOAL[0] + 1) * across + GOAL[1] + 1

    def draw(level: Int32[Array, ""]) -> Layout:
        drawn = layouts.distinct(numbers(level, BOULDERS + 1), counts)
        spread = jnp.asarray(places)[jnp.stack(drawn)]
        return layout(
            start=spread[BOULDERS],
            goal=jnp.int32(goal),
            sites=jnp.asarray(water),
            covers=jnp.full(len(water), Tile.WATER, jnp.uint8),
            boulders=spread[:BOULDERS],
        )

    covers = (Tile.WATER, Tile.FLOOR)
    return Family(chart[None], draw, sites=water[None], covers=covers)
