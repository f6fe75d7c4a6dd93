"""What is seen of the rooms: codes beside planes, looks beside the laid map."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.envs.grid import rooms_view
from rl_credit.envs.grid.minihack import TASKS, MiniHack
from rl_credit.envs.grid.render import Tile
from rl_credit.envs.grid.rooms import Rooms

STEPS, ENVS = 40, 8
NEAR = dict(view=5)
PLACED = dict(view=7, coordinates=True)
SEEN = pytest.mark.parametrize(
    "task, options",
    [
        ("Corridor-R5", NEAR),  # hidden doors and passages
        ("LavaCross", {}),  # objects, questions, levitation
        ("MultiRoom-N6-LavaMonsters", PLACED),
        ("River", PLACED),  # boulders and water
        ("KeyRoom-S5", {}),
    ],
)


@functools.cache
def walked(task, observation, **options):
    """Observations and states of random walks, [STEPS * ENVS ...], on the host."""
    env = MiniHack(task, observation=observation, **options)
    keys = jax.random.split(jax.random.key(7), STEPS)

    def step(state, key):
        action = jax.random.randint(key, (ENVS,), 0, env.num_actions)
        advance = jax.vmap(env.step, (0, 0, 0, None))
        keys = jax.random.split(key, ENVS)
        after = advance(keys, state, action, env.default_params)
        return after[1], (*after[:2], after[5]["final_observation"])

    @jax.jit
    def run(keys):
        first = jax.random.split(keys[0], ENVS)
        _, state = jax.vmap(env.reset, (0, None))(first, env.default_params)
        return jax.lax.scan(step, state, keys)[1]

    def rows(leaf):
        return leaf.reshape(STEPS * ENVS, *leaf.shape[2:])

    return env, *jax.device_get(jax.tree.map(rows, run(keys)))


@SEEN
def test_codes_expand_to_the_planes(task, options):
    env, planes, _, last = walked(task, "planes", **options)
    coded, codes, _, last_codes = walked(task, "codes", **options)
    expand = jax.jit(jax.vmap(coded.planes.expand))
    np.testing.assert_array_equal(expand(codes), planes)
    np.testing.assert_array_equal(expand(last_codes), last)
    space = coded.observation_space()
    assert codes.shape[1:] == space.shape and codes.dtype == space.dtype
    cells = planes[0, :, :, 0].size
    assert space.shape == (cells + len(rooms_view.FACTS),)
    assert len({row.tobytes() for row in codes}) > 5


@SEEN
def test_codes_are_the_tiles_around_the_agent_and_facts_of_it(task, options):
    env, codes, states, _ = walked(task, "codes", **options)
    height, width = env.world.shape
    half = options.get("view", 0) // 2
    names = [*env.planes.shown, Tile.UNSEEN]  # what a code stands for
    tiles = np.asarray(jax.jit(jax.vmap(env.tiles))(states))
    for row, cell, held, prompt, seen in zip(
        codes, states.cell, states.held, states.prompt, tiles
    ):
        place = divmod(int(cell), width)
        if half:
            padded = np.pad(seen, half, constant_values=Tile.UNSEEN)
            seen = padded[place[0] :, place[1] :][: 2 * half + 1, : 2 * half + 1]
        shown = [names[code] for code in row[: seen.size]]
        np.testing.assert_array_equal(shown, seen.reshape(-1))
        facts = dict(zip(rooms_view.FACTS, row[seen.size :].tolist()))
        told = place if options != NEAR else (0, 0)
        assert (facts["row"], facts["column"]) == told
        assert (facts["held"], facts["prompt"]) == (held, prompt)


@pytest.mark.parametrize(
    "task", ["Corridor-R5", "MultiRoom-N4-Locked", "River", "LavaCross", "KeyRoom-S5"]
)
def test_a_look_sees_sites_as_they_are_now(task):
    """Of maps that fix their sites, and of KeyRooms, whose doors are drawn."""
    env, _, states, _ = walked(task, "codes")
    world = env.world
    assert (world.family.sites is None) == (task == "KeyRoom-S5")
    random = np.random.default_rng(0)
    tiles = np.asarray(world.family.covers, np.uint8)
    states = dataclasses.replace(
        states, covers=random.choice(tiles, states.covers.shape)
    )
    cells = jnp.arange(world.shape[0] * world.shape[1])
    look = jax.jit(jax.vmap(lambda state: world.look(state, cells)))
    for row, layout, covers in zip(
        np.asarray(look(states)), _rows(states.layout), states.covers
    ):
        expected = world.family.maps[layout.chart].reshape(-1).copy()
        expected[layout.sites[layout.sites > 0]] = covers[layout.sites > 0]
        np.testing.assert_array_equal(row, expected)


def _rows(layouts):
    """A layout for every row."""
    leaves, shape = jax.tree.flatten(layouts)
    return [shape.unflatten(row) for row in zip(*leaves)]


def test_an_unknown_observation_is_named():
    family, rules = MiniHack("River").world.family, TASKS["River"].rules
    with pytest.raises(ValueError, match="did you mean 'codes'"):
        Rooms(family, rules, 100, observation="code")
