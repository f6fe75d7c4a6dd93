"""The tables of rooms say what the environment does."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.envs.grid import room_models
from rl_credit.envs.grid.minihack import MiniHack
from rl_credit.envs.grid.render import Tile
from rl_credit.envs.grid.room_models import LOST
from rl_credit.envs.grid.rooms_words import Message

LEVELS = np.array([0, 5, 77], np.int32)


def stage(env, state):
    """The stage of environment states [...], as the tables number it."""
    opened = jnp.sum(state.covers == Tile.DOOR_OPEN, axis=-1)
    if env.world.rules.unlocks:
        return jnp.where(opened > 0, 2, (state.held > 0).astype(jnp.int32))
    return opened


def wandered(env, levels, walks, steps):
    """Random steps from the beginning of each level: [steps, levels * walks, ...].

    The steps that the tables call death are not taken, but for one in eight.
    """
    models = room_models.models(env, levels)
    rows = jnp.repeat(jnp.arange(len(levels)), walks)
    begun = jax.vmap(env.begin)(jnp.repeat(jnp.asarray(levels), walks))
    params = env.default_params

    def one(key, state, row):
        before = stage(env, state) * env.num_positions + state.cell
        key_action, key_brave, key_step = jax.random.split(key, 3)
        burns = (models.ahead[row, before] == LOST) & ~models.paid[row, before]
        brave = jax.random.bernoulli(key_brave, 1 / 8)
        weights = jnp.where(burns & ~brave, -jnp.inf, 0.0)
        action = jax.random.categorical(key_action, weights)
        _, after, reward, ended, info = env.step_env(key_step, state, action, params)
        reached = stage(env, after) * env.num_positions + after.cell
        seen = before, action, reached, reward, ended, info["message"]
        again = env.begin(state.level)
        state = jax.tree.map(lambda old, new: jnp.where(ended, new, old), after, again)
        return state, (row, *seen)

    def step(states, key):
        return jax.vmap(one)(jax.random.split(key, len(rows)), states, rows)

    run = jax.jit(lambda keys: jax.lax.scan(step, begun, keys)[1])
    return run(jax.random.split(jax.random.key(0), steps))


@pytest.mark.parametrize(
    "task",
    [
        "MultiRoom-N3-Lava",
        "KeyRoom-S5",
        pytest.param("MultiRoom-N6", marks=pytest.mark.slow),
        pytest.param("MultiRoom-N6-Lava-OpenDoor", marks=pytest.mark.slow),
    ],
)
def test_every_step_of_a_random_walk_is_in_the_tables(task):
    env = MiniHack(task)
    models = jax.device_get(room_models.models(env, LEVELS))
    played = wandered(env, LEVELS, 32, 400)
    row, before, action, reached, reward, ended, said = map(np.ravel, played)
    at = row, before, action
    ahead, chance, says = models.ahead[at], models.chance[at], models.says[at]
    resists = (chance < 1) & (said == Message.DOOR_RESISTS)
    np.testing.assert_array_equal(reached[resists], before[resists])
    live = ~resists
    np.testing.assert_array_equal(said[live], says[live])
    np.testing.assert_array_equal(ended[live], (ahead == LOST)[live])
    np.testing.assert_array_equal(reward == 1, models.paid[at])
    still = live & (ahead != LOST)
    np.testing.assert_array_equal(reached[still], ahead[still])
    stages = len(np.unique(before // env.num_positions))
    assert stages > 1 or not env.world.family.covers
    assert len(np.unique(said)) > 3


@pytest.mark.parametrize(
    "task", ["MultiRoom-N4-Locked", "MultiRoom-N6-LavaMonsters", "River", "Corridor-R2"]
)
def test_what_cannot_be_tabulated_is_refused_by_name(task):
    with pytest.raises(ValueError, match=f"'{task}' cannot be tabulated; give a Multi"):
        room_models.models(MiniHack(task), LEVELS)
