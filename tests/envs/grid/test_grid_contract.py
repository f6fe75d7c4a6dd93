"""What holds for every registered grid: one compiled rollout each, looked at."""

import dataclasses
import functools
import subprocess
import sys
from typing import Any, NamedTuple

import gymnax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.envs.grid import register

STEPS, ENVS, LIMIT = 25, 4, 5  # so early, before lava ends all of them
LONG = 10**6  # a step limit that is never reached
QUICK = ("Sokoban-7x7-2", "KeyRoom-S5")  # one of each kind; the others are slow
GRIDS = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
        for name in register.GRID
    ],
)


class Seen(NamedTuple):
    """What a rollout saw, [time, envs, ...]; environments by their own reset and step.

    `stepped` is the state after the action and before the reset.
    """

    actions: Any
    observations: Any  # after the step, and the reset if any
    states: Any
    rewards: Any
    terminated: Any
    truncated: Any
    info: Any
    stepped: Any
    stepped_observations: Any
    ended: Any  # terminated, by `step_env` with a step limit far away
    begun: Any  # the state that a reset with the step's key gives
    begun_observations: Any
    positions: Any  # of `stepped`
    messages: Any


class Grid(NamedTuple):
    """An environment and its compiled rollout."""

    env: Any
    params: Any
    first: Any  # key -> observations and states, [envs, ...]
    run: Any  # first states, key -> Seen


@functools.cache
def grid(name):
    """The environment of that name, compiled once for all tests."""
    env = register.make(name)
    params = dataclasses.replace(env.default_params, max_steps_in_episode=LIMIT)
    far = dataclasses.replace(params, max_steps_in_episode=LONG)

    def step(key, state, action):
        key_step, key_reset = jax.random.split(key)
        after = env.step(key, state, action, params)
        shown, stepped, _, ended, _ = env.step_env(key_step, state, action, far)
        begun_shown, begun = env.reset_env(key_reset, params)
        what = (env.position(stepped), env.message(stepped))
        return Seen(action, *after, stepped, shown, ended, begun, begun_shown, *what)

    @jax.jit
    def first(key):
        return jax.vmap(env.reset, (0, None))(jax.random.split(key, ENVS), params)

    @jax.jit
    def run(states, key):
        def advance(states, key):
            key_action, key_step = jax.random.split(key)
            keys = jax.random.split(key_step, ENVS)
            draw = jax.vmap(env.action_space(params).sample)
            actions = draw(jax.random.split(key_action, ENVS))
            seen = jax.vmap(step)(keys, states, actions)
            return seen.states, seen

        return jax.lax.scan(advance, states, jax.random.split(key, STEPS))[1]

    return Grid(env, params, first, run)


@functools.cache
def seen(name, seed=0):
    """First observations and states, and the rollout, on the host."""
    key_first, key_run = jax.random.split(jax.random.key(seed))
    built = grid(name)
    first = built.first(key_first)
    return jax.device_get((first, built.run(first[1], key_run)))


def assert_equal(actual, expected):
    """Every leaf equal, of one shape and type."""
    leaves, other = jax.tree.leaves(actual), jax.tree.leaves(expected)
    assert jax.tree.structure(actual) == jax.tree.structure(expected)
    for one, two in zip(leaves, other):
        assert np.asarray(one).dtype == np.asarray(two).dtype
        np.testing.assert_array_equal(one, two)


def rows(tree, where):
    """The leaves where bool[time, envs] holds."""
    return jax.tree.map(lambda leaf: leaf[where], tree)


def begun(name, **options):
    """The environment with these options; observations and states of 64 resets."""
    env = register.make(name, **options)
    keys = jax.random.split(jax.random.key(5), 64)
    reset = jax.jit(jax.vmap(env.reset_env, (0, None)))
    return env, *jax.device_get(reset(keys, env.default_params))


@GRIDS
def test_spaces_contain_what_is_produced(name):
    (first, _), played = seen(name)
    env, params = grid(name).env, grid(name).params
    space, actions = env.observation_space(params), env.action_space(params)
    for shown in (first, *played.observations, *played.info["final_observation"]):
        assert shown.shape[1:] == space.shape and shown.dtype == space.dtype
        assert space.contains(shown)
    assert actions.n == env.num_actions and actions.contains(played.actions).all()
    assert set(played.actions.ravel().tolist()) == set(range(env.num_actions)) or (
        env.num_actions > 4
    )
    assert played.rewards.dtype == np.float32
    assert np.isfinite(played.rewards).all()
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(played))


@GRIDS
def test_reset_and_step_give_states_of_one_type(name):
    (_, first), played = seen(name)
    for leaf, later in zip(jax.tree.leaves(first), jax.tree.leaves(played.stepped)):
        assert leaf.dtype == later.dtype and leaf.shape == later.shape[1:]


@GRIDS
def test_the_key_decides_everything(name):
    one = seen(name)
    seen.cache_clear()
    assert_equal(seen(name), one)
    other = seen(name, seed=1)
    assert (other[1].actions != one[1].actions).any()
    assert grid(name).run._cache_size() == 1  # other keys compile nothing


@GRIDS
def test_an_episode_that_ends_begins_anew_and_keeps_its_last_observation(name):
    _, played = seen(name)
    done = played.terminated | played.truncated
    assert done.any() and not done.all()
    assert_equal(rows(played.states, done), rows(played.begun, done))
    assert_equal(rows(played.observations, done), rows(played.begun_observations, done))
    assert_equal(rows(played.states, ~done), rows(played.stepped, ~done))
    final = played.info["final_observation"]
    assert_equal(final, played.stepped_observations)
    assert_equal(rows(played.observations, ~done), rows(final, ~done))
    assert (played.states.time[done] == 0).all()


@GRIDS
def test_the_step_limit_truncates_and_only_the_world_terminates(name):
    _, played = seen(name)
    np.testing.assert_array_equal(played.truncated, played.stepped.time == LIMIT)
    np.testing.assert_array_equal(played.terminated, played.ended)
    assert played.truncated.any()
    for flag in ("terminated", "truncated"):
        np.testing.assert_array_equal(played.info[flag], getattr(played, flag))


@GRIDS
def test_positions_and_messages_are_those_of_the_state_before_a_reset(name):
    _, played = seen(name)
    env = grid(name).env
    for field, expected, count in (
        ("position", played.positions, env.num_positions),
        ("message", played.messages, env.num_messages),
    ):
        said = played.info[field]
        assert said.dtype == np.int32
        np.testing.assert_array_equal(said, expected)
        assert said.min() >= 0 and said.max() < count
        assert len(set(said.ravel().tolist())) > 1


@GRIDS
def test_nothing_is_said_and_no_time_has_passed_at_first(name):
    (_, first), _ = seen(name)
    assert (jax.vmap(grid(name).env.message)(first) == 0).all()
    assert (first.time == 0).all()


@GRIDS
def test_many_environments_are_each_by_itself(name):
    (_, first), played = seen(name)
    built = grid(name)
    alone = jax.tree.map(lambda leaf: jnp.asarray(leaf[1]), first)
    key_run = jax.random.split(jax.random.key(0))[1]
    for time, key in enumerate(jax.random.split(key_run, STEPS)[: LIMIT + 2]):
        key_step = jax.random.split(jax.random.split(key)[1], ENVS)[1]
        action = jnp.asarray(played.actions[time, 1])
        after = built.env.step(key_step, alone, action, built.params)
        alone = after[1]
        expected = jax.tree.map(lambda leaf: leaf[time, 1], played[1:7])
        assert_equal(jax.device_get(after), expected)


@GRIDS
def test_one_context_is_one_level(name):
    env, shown, states = begun(name, num_contexts=1)
    assert_equal(shown, np.broadcast_to(shown[:1], shown.shape))
    assert set(states.level.tolist()) == set(env.contexts.numbers.tolist())


@GRIDS
def test_a_few_contexts_are_exactly_these_levels(name):
    size = register.make(name).contexts.size
    count = min(3, size)  # Labyrinth, for one, has a single level
    env, shown, states = begun(name, num_contexts=count, context_seed=4)
    assert len(set(states.level.tolist())) == count
    assert set(states.level.tolist()) == set(env.contexts.numbers.tolist())
    for level in set(states.level.tolist()):
        same = shown[states.level == level]
        assert_equal(same, np.broadcast_to(same[:1], same.shape))


@GRIDS
def test_without_contexts_levels_are_fresh(name):
    env, shown, states = begun(name)
    expected = min(env.contexts.size, 64)
    assert len(set(states.level.tolist())) > 0.8 * expected
    assert len({one.tobytes() for one in shown}) > min(3, expected - 1)


@GRIDS
def test_any_state_has_a_picture(name):
    env = grid(name).env
    _, state = jax.eval_shape(env.reset_env, jax.random.key(0), env.default_params)
    picture = jax.eval_shape(env.render, state)
    assert picture.dtype == jnp.uint8 and picture.shape[2] == 3
    height, width = picture.shape[:2]
    assert height % 16 == 0 and width % 16 == 0
    assert height * width == env.num_positions * 16 * 16


@GRIDS
def test_gymnax_makes_it_too(name):
    env, params = gymnax.make(f"rl_credit/{name}", num_contexts=1)
    assert type(env) is type(grid(name).env)
    assert params.max_steps_in_episode == env.default_params.max_steps_in_episode
    assert env.contexts.count == 1


def test_importing_the_table_registers_each_grid_once():
    statement = (
        "import gymnax; known = set(gymnax.registered_envs); "
        "from rl_credit.envs.grid import register; register.register(); "
        "print(len(set(gymnax.registered_envs) - known) - len(register.GRID))"
    )
    result = subprocess.run(
        [sys.executable, "-c", statement], capture_output=True, text=True
    )
    assert result.stdout == "0\n", result.stderr


@pytest.mark.parametrize(
    "name, options, error, message",
    [
        ("Sokoban-6x6-2", {}, ValueError, "did you mean 'Sokoban-6x6-1'"),
        ("Sokoban-6x6-1", dict(action="push"), TypeError, "did you mean 'actions'"),
        ("Sokoban-6x6-1", dict(levels="7x7/2"), TypeError, "has no option 'levels'"),
    ],
)
def test_wrong_names_and_options_are_named(name, options, error, message):
    with pytest.raises(error, match=message):
        register.make(name, **options)
