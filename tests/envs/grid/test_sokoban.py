"""Sokoban against gym-sokoban's own transitions, and a plain loop of its rules."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.envs.grid import render, sokoban, sokoban_levels
from rl_credit.envs.grid.sokoban import LEGEND, Sokoban
from tests.references import golden
from tests.references.sokoban import Game

TRAJECTORIES = golden.load("sokoban")["trajectories"]
KEY = jax.random.key(0)
ROWS = ["#######", "#@ $ .#", "#  $ .#", "#     #", "#######"]
DRAWN = dict(zip("#_O√XPS", "# .*$@+"))  # a symbol of the text, in a drawing


def lines(tiles):
    """The text of `Sokoban.tiles`, row by row."""
    return ["".join(LEGEND[code] for code in row) for row in tiles]


@functools.cache
def compiled(rows, variant, **options):
    """The environment of a drawn level, and its compiled replay."""
    env = Sokoban(sokoban_levels.parse([rows]), actions=variant, **options)

    @jax.jit
    def run(actions):
        def advance(state, action):
            shown, after, reward, ended, _ = env.step_env(KEY, state, action, None)
            return after, (shown, after, reward, ended, env.tiles(after))

        _, first = env.reset_env(KEY, None)
        return first, *jax.lax.scan(advance, first, actions)[1]

    return env, run


def replay(rows, played, variant="push_move", **options):
    """The environment of a drawn level; its first state; what each action did.

    The latter with a leading axis of time: observations, states, rewards, terminated,
    tiles.
    """
    env, run = compiled(tuple(rows), variant, **options)
    return env, *run(jnp.array(played, jnp.int32))


@pytest.mark.parametrize("played", TRAJECTORIES, ids=lambda played: played["tag"])
def test_transitions_and_rewards_are_those_of_gym_sokoban(played):
    variant = "push_pull" if "push&pull" in played["tag"] else "push_move"
    _, first, _, states, paid, ended, tiles = replay(
        played["rows"], played["actions"], variant
    )
    np.testing.assert_allclose(paid, played["rewards"], atol=1e-6)
    cut_off = len(played["actions"]) == played["max_steps"]  # also gym-sokoban's `done`
    assert ended[:-1].tolist() == played["done"][:-1]
    assert (bool(ended[-1]) or cut_off) == played["done"][-1]
    players = np.append(first.player, states.player)
    boxes = np.vstack([first.boxes, states.boxes])
    moved = np.diff(players) != 0, (np.diff(boxes, axis=0) != 0).any(1)
    np.testing.assert_array_equal(np.stack(moved, 1), played["moved_player_moved_box"])
    shown = np.where(tiles == 6, 5, tiles)  # the player's code, also on a target
    for codes, expected in zip(shown, played["states"] or []):
        np.testing.assert_array_equal(codes, expected)
    np.testing.assert_array_equal(shown[-1], played["final_state"])


@pytest.mark.parametrize("actions", list(sokoban.ACTIONS))
def test_random_play_agrees_with_the_rules_in_loops(actions):
    env = Sokoban("7x7/2", actions=actions)
    steps, episodes = 60, 20
    keys = jax.random.split(jax.random.key(1), episodes)
    played = np.random.default_rng(0).integers(env.num_actions, size=(steps, episodes))

    @jax.jit
    def run(keys, played):
        def advance(state, action):
            step = jax.vmap(env.step_env, (None, 0, 0, None))
            _, after, reward, ended, _ = step(KEY, state, action, None)
            return after, (jax.vmap(env.tiles)(after), reward, ended)

        _, first = jax.vmap(env.reset_env, (0, None))(keys, None)
        return jax.vmap(env.tiles)(first), jax.lax.scan(advance, first, played)[1]

    first, (tiles, paid, ended) = jax.device_get(run(keys, jnp.asarray(played)))
    assert paid.max() > 0  # a box was pushed on a target
    for episode in range(episodes):
        rows = lines(first[episode])
        game = Game([[DRAWN[symbol] for symbol in row] for row in rows])
        for step in range(steps):
            reward, solved = game.step(played[step, episode], actions)
            np.testing.assert_allclose(paid[step, episode], reward, atol=1e-6)
            assert ended[step, episode] == solved
            assert lines(tiles[step, episode]) == game.text().split("\n")


def test_the_text_and_every_observation_show_the_same():
    rows = ["######", "#@$. #", "# *. #", "#$   #", "######"]
    env, _, shown, states, *_ = replay(rows, [4, 4])
    first, state = (jax.tree.map(lambda leaf: leaf[time], states) for time in (0, 1))
    assert env.text(first) == "######\n#_P√_#\n#_√O_#\n#X___#\n######"
    assert env.text(state) == "######\n#__SX#\n#_√O_#\n#X___#\n######"
    rows = env.text(state).split("\n")
    kinds = ("#", "O√S", "X√", "PS")  # walls, targets, boxes, player
    planes = [[[symbol in kind for symbol in row] for row in rows] for kind in kinds]
    np.testing.assert_array_equal(shown[1], np.stack(planes, axis=-1))
    assert shown.dtype == jnp.uint8
    codes = [[LEGEND.index(symbol) for symbol in row] for row in rows]
    np.testing.assert_array_equal(env.tiles(state), codes)
    picture = render.frame(env.tiles(state), pixels=16)
    np.testing.assert_array_equal(env.render(state), picture)


@pytest.mark.parametrize("pixels", [1, 8])
def test_pixels_are_the_picture_of_the_tiles(pixels):
    env, _, shown, _, _, _, tiles = replay(
        ROWS, [4], observation="pixels", pixels=pixels
    )
    assert shown[0].shape == env.observation_space().shape
    assert shown[0].shape == (5 * pixels, 7 * pixels, 3)
    np.testing.assert_array_equal(shown[0], render.frame(tiles[0], pixels))


OFF = ["########", "#@$ . $#", "#.     #", "########"]
MESSAGES = {
    "push_move": [
        (ROWS, "push up, push right, push right", "bumped, nothing, pushed"),
        (ROWS, "noop, move right, move right", "nothing, nothing, bumped"),
        (OFF, "push right, push right, push right", "pushed, on, off"),
    ],
    "push": [
        (ROWS, "push down, push right, push right", "nothing, nothing, pushed"),
    ],
    "push_pull": [
        (ROWS, "move right, pull left, pull left", "nothing, pulled, bumped"),
        (ROWS, "noop, noop, pull right", "nothing, pushed, bumped"),  # noop is a push
    ],
}
WORDS = ["nothing", "bumped", "pushed", "pulled", "on", "off", "solved"]


@pytest.mark.parametrize(
    "variant, rows, played, said",
    [(variant, *row) for variant, rows in MESSAGES.items() for row in rows],
)
def test_messages_say_what_happened(variant, rows, played, said):
    names = ["noop"] if variant != "push" else []
    for verb in ("push", "move", "pull"):
        names += [f"{verb} {way}" for way in ("up", "down", "left", "right")]
    actions = [names.index(name) for name in played.split(", ")]
    _, _, _, states, *_ = replay(rows, actions, variant)
    assert [WORDS[message] for message in states.message] == said.split(", ")


def test_a_solved_level_says_so_and_terminates():
    pushes = [3, 3, 3, 2, 2, 2, 1, 3, 3, 3]
    env, _, _, states, paid, ended, _ = replay(ROWS, pushes, "push")
    assert WORDS[states.message[-1]] == "solved" and env.num_messages == len(WORDS)
    assert ended.tolist() == [False] * 9 + [True]
    assert float(paid[-1]) == pytest.approx(10.9)
    terminated = jax.vmap(env.is_terminated, (0, None))(states, None)
    np.testing.assert_array_equal(terminated, ended)


@pytest.mark.parametrize("begun", ["#@ *  #", "#@ ** #"])  # one, or two on targets
def test_the_first_step_pays_once_for_boxes_that_begin_on_targets(begun):
    _, _, _, _, paid, *_ = replay(["#######", begun, "# $ . #", "#######"], [0, 0])
    np.testing.assert_allclose(paid, [0.9, -0.1], atol=1e-6)


def test_the_step_limit_truncates_and_does_not_terminate():
    env = Sokoban("6x6/1", actions="push")
    params = dataclasses.replace(env.default_params, max_steps_in_episode=2)
    assert env.default_params.max_steps_in_episode == 120
    _, state = env.reset(KEY, params)
    for time in (1, 2):
        _, state, _, terminated, truncated, _ = env.step(KEY, state, 0, params)
        assert (bool(terminated), bool(truncated)) == (False, time == 2)


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(actions="push_mvoe"), "unknown set of actions 'push_mvoe'; did you mean"),
        (dict(observation="plane"), "unknown observation 'plane'; did you mean 'plane"),
        (dict(observation="pixels", pixels=0), "pixels is 0"),
        (dict(levels="7x7/3"), "unknown bank of levels '7x7/3'; did you mean '7x7/2'"),
        (dict(num_contexts=1001), "num_contexts is 1001; with 1000 levels"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError) as raised:
        Sokoban(**options)
    assert message in str(raised.value)
