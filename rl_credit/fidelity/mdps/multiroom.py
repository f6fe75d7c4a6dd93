"""MultiRoom: three rooms in a chain, whose doors resist by chance."""

import jax
import jax.numpy as jnp
import numpy as np

from rl_credit.envs.grid import room_models
from rl_credit.envs.grid.multiroom import multiroom as layouts
from rl_credit.envs.grid.render import Tile
from rl_credit.envs.grid.room_models import LOST
from rl_credit.envs.grid.rooms import Rooms
from rl_credit.envs.grid.rooms_state import Rules
from rl_credit.envs.grid.rooms_words import COMPASS
from rl_credit.fidelity.mdps.rules import Outcome, tabulated
from rl_credit.fidelity.process import Process

STRAIGHT = 4  # the first directions of the compass


def multiroom(
    *, level: int = 351, lava: bool = False, diagonal: bool = True, horizon: int = 32
) -> Process:
    """A level of the bank of MultiRoom-N3; the staircase in the last room pays 1.

    By the tables of `envs/grid/room_models`, which leave out the cost of a bump. Task 0
    begins on the first staircase, task 1 in the first doorway. Actions are the eight
    directions of the compass, or without `diagonal` the four straight ones. With `lava`
    it surrounds the rooms, in place of walls, and ends the episode.

    Raises ValueError for a level that the bank does not have.
    """
    walls = Tile.LAVA if lava else Tile.WALL
    family = layouts("n3", walls, Tile.DOOR_CLOSED)
    env = Rooms(family, Rules(COMPASS), horizon)
    if not 0 <= level < family.size:
        raise ValueError(f"level is {level}; it must be in [0, {family.size})")
    model = jax.device_get(room_models.models(env, np.array([level], np.int32)))
    ahead, chance, paid = model.ahead[0], model.chance[0], model.paid[0]
    sites = family.draw(jnp.int32(level)).sites
    doorway = env.num_positions + int(sites[0])  # with the first door open

    def step(state: int, action: int) -> list[Outcome]:
        at = state, action
        reached = None if ahead[at] == LOST else int(ahead[at])
        moves = Outcome(float(chance[at]), float(paid[at]), reached)
        if moves.chance == 1.0:
            return [moves]
        return [moves, Outcome(1.0 - moves.chance, 0.0, state)]

    return tabulated(
        "multiroom",
        "The only reward is far and rarely found, so that most groups of episodes earn "
        "nothing and what compares their returns says nothing.",
        starts=[{int(model.start[0]): 1.0}, {doorway: 1.0}],
        step=step,
        sees=lambda state: state,
        num_actions=len(COMPASS) if diagonal else STRAIGHT,
        horizon=horizon,
    )
