"""The rules of the rooms, one by one: turns, doors, kicks, questions, planes."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.envs.grid import layouts, rooms_prompts, skills
from rl_credit.envs.grid.minihack import TASKS
from rl_credit.envs.grid.render import Tile
from rl_credit.envs.grid.rooms import Rooms
from rl_credit.envs.grid.rooms_prompts import Effect, Prompt
from rl_credit.envs.grid.rooms_state import Family, Rules, chance, layout, pick
from rl_credit.envs.grid.rooms_words import COMPASS, Kind, Message
from tests.envs.grid.rooms_oracle import Player

DOORS = """
#######
#..#..#
#..?..#
#..#..#
#######
"""
ACTIONS = (*COMPASS, "open", "kick", "search")
START, DOOR, GOAL = 16, 17, 19


@functools.cache
def doors():
    """A player of two rooms; the middle of their wall is a site, a closed door."""
    maps = layouts.drawn(DOORS.replace("?", "#"))[None]

    def draw(level):
        return layout(
            start=jnp.int32(START),
            goal=jnp.int32(GOAL),
            sites=jnp.full(1, DOOR, jnp.int32),
            covers=jnp.full(1, Tile.DOOR_CLOSED, jnp.uint8),
        )

    family = Family(maps, draw, size=8, covers=tuple(Tile)[7:15])
    return Player(Rooms(family, Rules(ACTIONS), 100))


def facing(tile, cell=START, seed=0):
    """The same with another tile in the doorway and the agent elsewhere."""
    player = doors().start(0, seed)
    covers = jnp.full(1, tile, jnp.uint8)
    player.state = dataclasses.replace(
        player.state, covers=covers, cell=jnp.int32(cell)
    )
    return player


@pytest.mark.parametrize(
    "tile, cell, actions, says, reward, moves",
    [
        (Tile.DOOR_OPEN, START, ["east"], Message.SILENCE, 0.0, True),
        (Tile.DOOR_OPEN, START - 7, ["southeast"], Message.DIAGONAL_IN, -0.01, False),
        (Tile.DOOR_OPEN, DOOR, ["southeast"], Message.DIAGONAL_OUT, -0.01, False),
        (Tile.DOOR_BROKEN, START - 7, ["southeast"], Message.SILENCE, 0.0, True),
        (Tile.DOOR_LOCKED, START, ["east"], Message.DOOR_LOCKED, -0.01, False),
        (Tile.WALL, START, ["east"], Message.WALL, -0.01, False),
        (Tile.UNSEEN, START, ["east"], Message.STONE, -0.01, False),
        (Tile.LAVA, START, ["east"], Message.LAVA_BURNS, 0.0, True),
        (Tile.WATER, START, ["east"], Message.FALL_IN_WATER, 0.0, False),
        (Tile.DOOR_OPEN, START, ["open"], Message.DIRECTION, -0.01, False),
        (Tile.DOOR_OPEN, START, ["open", "east"], Message.DOOR_IS_OPEN, -0.01, False),
        (Tile.DOOR_LOCKED, START, ["open", "east"], Message.DOOR_LOCKED, -0.01, False),
        (Tile.DOOR_LOCKED, START, ["open", "west"], Message.NO_DOOR, -0.01, False),
        (
            Tile.DOOR_LOCKED,
            START,
            ["open", "kick"],
            Message.STRANGE_NEVER_MIND,
            -0.01,
            False,
        ),
        (Tile.DOOR_LOCKED, START, ["kick", "open"], Message.STRANGE, -0.01, False),
        (Tile.DOOR_OPEN, START, ["kick", "west"], Message.KICK_EMPTY, 0.0, False),
        (Tile.WALL, START, ["kick", "east"], Message.KICK_HURTS, 0.0, False),
    ],
)
def test_what_an_action_brings(tile, cell, actions, says, reward, moves):
    player = facing(tile, cell).act(*actions)
    assert player.said[-1] == says.text
    assert player.rewards[-1] == np.float32(reward).round(4)
    assert (int(player.state.cell) != cell) == moves
    assert player.over == (tile == Tile.LAVA)
    assert int(player.state.prompt) == (Prompt.OPEN_WHERE if actions == ["open"] else 0)


def often(tile, actions, becomes, trials=400):
    """How often the doorway has become this tile."""
    env, state = doors().env, facing(tile).state
    prompt = {1: Prompt.NONE, 2: Prompt.KICK_WHERE}[len(actions)]
    state = dataclasses.replace(state, prompt=jnp.int32(prompt))
    action = jnp.int32(ACTIONS.index(actions[-1]))
    step = jax.jit(
        lambda key: env.step_env(key, state, action, env.default_params)[1].covers[0]
    )
    covers = jax.vmap(step)(jax.random.split(jax.random.key(1), trials))
    return float((covers == becomes).mean())


def test_doors_open_as_often_as_was_seen_in_minihack():
    """minihack_probe.json, MultiRoom-N6-Lava: opened 17 times, resisted 12 times."""
    rate = often(Tile.DOOR_CLOSED, ["east"], Tile.DOOR_OPEN)
    assert abs(rate - 13 / 20) < 0.08  # 3.4 deviations
    assert abs(rate - 17 / 29) < 2 * np.sqrt(0.59 * 0.41 / 29)


def test_kicks_break_doors_with_their_chance():
    rate = often(Tile.DOOR_LOCKED, ["kick", "east"], Tile.DOOR_BROKEN)
    assert abs(rate - 13 / 35) < 0.08


@pytest.mark.parametrize(
    "tile, becomes, rate",
    [(Tile.WALL, Tile.DOOR_CLOSED, 1 / 7), (Tile.UNSEEN, Tile.CORRIDOR, 1 / 3)],
)
def test_a_search_finds_what_is_hidden(tile, becomes, rate):
    assert abs(often(tile, ["search"], becomes) - rate) < 0.08


def test_kicking_walls_kills_in_the_end():
    player = facing(Tile.WALL)
    player.act(*["kick", "east"] * 12)
    assert player.over and int(player.state.health) <= 0
    assert player.rewards[-1] == 0.0 and 3 <= len(player.said) / 2 <= 12


def test_an_episode_is_cut_off_at_its_limit_and_not_ended():
    env = doors().env
    params = dataclasses.replace(env.default_params, max_steps_in_episode=2)
    _, state = env.reset(jax.random.key(0), params)
    for steps in (1, 2):
        key, north = jax.random.key(steps), jnp.int32(0)
        _, state, _, ended, cut, info = env.step(key, state, north, params)
        assert not ended and bool(cut) == (steps == 2)
    assert int(state.time) == 0
    assert info["final_observation"].shape == env.observation_space().shape


def test_the_planes_show_the_agent_the_door_and_the_stairs():
    env = doors().env
    observation, state = env.reset(jax.random.key(0), env.default_params)
    planes = dict(zip(env.channels, np.moveaxis(np.asarray(observation), 2, 0)))
    assert np.argwhere(planes["agent"]).tolist() == [[2, 2]]
    assert np.argwhere(planes["door_closed"]).tolist() == [[2, 3]]
    assert np.argwhere(planes["stairs_down"]).tolist() == [[2, 5]]
    assert planes["floor"].sum() == 11 and planes["wall"].sum() == 35 - 13
    assert not planes["weak"].any() and not planes["asked_open_where"].any()
    assert env.render(state).shape == (5 * 16, 7 * 16, 3)
    asked = dataclasses.replace(state, prompt=jnp.int32(1), health=jnp.int32(5))
    planes = dict(zip(env.channels, np.moveaxis(np.asarray(env.get_obs(asked)), 2, 0)))
    assert planes["asked_open_where"].all() and planes["weak"].all()


def test_a_view_is_the_square_around_the_agent():
    whole = doors().env
    near = Rooms(whole.world.family, whole.world.rules, 100, view=3)
    state = whole.begin(jnp.int32(0))
    padded = np.pad(np.asarray(whole.get_obs(state)), ((1, 1), (1, 1), (0, 0)))
    for cell in (8, START, 26):
        seen = near.get_obs(dataclasses.replace(state, cell=jnp.int32(cell)))
        row, column = divmod(cell, 7)
        expected = padded[row : row + 3, column : column + 3].copy()
        agent = whole.channels.index("agent")
        expected[:, :, agent] = 0
        expected[1, 1, agent] = 1
        np.testing.assert_array_equal(seen, expected)
        assert near.observation_space().shape == seen.shape


def test_coordinates_tell_every_cell_from_every_other_by_one_bit_a_step():
    given = doors().env
    family, rules = given.world.family, given.world.rules
    near = Rooms(family, rules, 100, view=3, coordinates=True)
    plain = Rooms(family, rules, 100, view=3)
    start = near.begin(jnp.int32(0))
    height, width = near.world.shape
    assert near.channels[: len(plain.channels)] == plain.channels
    assert near.channels[len(plain.channels) :] == tuple(
        f"row_{bit}" for bit in range((height - 1).bit_length())
    ) + tuple(f"column_{bit}" for bit in range((width - 1).bit_length()))
    codes = {}
    for cell in range(height * width):
        state = dataclasses.replace(start, cell=jnp.int32(cell))
        seen = np.asarray(near.get_obs(state))
        without, added = np.split(seen, [len(plain.channels)], axis=2)
        np.testing.assert_array_equal(without, plain.get_obs(state))
        assert (added == added[0, 0]).all()  # all over the view
        codes[divmod(cell, width)] = added[0, 0]
    assert len({tuple(code) for code in codes.values()}) == height * width
    for (row, column), code in codes.items():
        for after in ((row + 1, column), (row, column + 1)):
            assert after not in codes or np.sum(codes[after] != code) == 1


def test_questions_are_answered_as_in_minihack():
    """Sequences that were played in nle 1.3.0: prompt, wrong letter, silly letter."""
    drink = TASKS["Levitate-Potion"].rules.actions
    table = rooms_prompts.replies(drink, False)

    def reply(prompt, kind, action):
        effect, says, then = table[prompt, kind, drink.index(action)]
        return Effect(effect), Message(says), Prompt(then)

    what = (Effect.SAY, Message.WHAT_DRINK, Prompt.QUAFF_WHAT)
    assert reply(0, Kind.POTION, "quaff") == what
    assert reply(Prompt.QUAFF_WHAT, Kind.POTION, "north") == what
    silly = (Effect.SAY, Message.SILLY_DRINK, Prompt.NONE)
    assert reply(Prompt.QUAFF_WHAT, Kind.POTION, "southwest") == silly
    drunk = (Effect.FLOAT, Message.FLOAT, Prompt.NONE)
    assert reply(Prompt.QUAFF_WHAT, Kind.POTION, "fire") == drunk
    assert reply(0, Kind.NOTHING, "quaff")[1] == Message.NO_DRINK


def test_every_question_that_can_come_up_has_a_plane():
    actions = TASKS["LavaCross"].rules.actions
    asked = rooms_prompts.reachable(rooms_prompts.replies(actions, False))
    assert {Prompt.IMPROVISE, Prompt.FINGER, Prompt.BLOW_WHERE} < set(asked)
    assert Prompt.OPEN_WHERE not in asked


def test_lava_cross_draws_its_objects_in_their_shares():
    family = skills.lava_cross()
    drawn = jax.jit(jax.vmap(family.draw))(jnp.arange(6000, dtype=jnp.int32))
    counts = np.bincount(np.asarray(drawn.kind), minlength=7)[2:]
    shares = [0.165, 0.1675, 0.1675, 0.25, 0.25]
    np.testing.assert_allclose(counts / 6000, shares, atol=0.02)


def test_draws_are_even_and_differ():
    bits = jax.random.bits(jax.random.key(0), (4000, 6), jnp.uint32)
    counts = np.bincount(np.asarray(pick(bits[:, 0], 5)), minlength=5)
    assert counts.sum() == 4000 and abs(counts - 800).max() < 120
    assert abs(float(chance(bits[:, 1], 0.3).mean()) - 0.3) < 0.03
    drawn = jax.vmap(lambda words: jnp.stack(layouts.distinct(words, (5, 5, 5, 8))))
    numbers = np.asarray(drawn(bits[:, :4]))
    assert all(len(set(row)) == 4 for row in numbers.tolist())
    assert numbers[:, :3].max() == 4 and numbers[:, 3].max() == 7
    last = np.bincount(numbers[:, 3], minlength=8) / 4000
    np.testing.assert_allclose(last, [0.08] * 5 + [0.2] * 3, atol=0.025)
