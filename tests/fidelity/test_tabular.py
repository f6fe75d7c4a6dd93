"""Tables that are played do what the tables say."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.fidelity import mdps
from rl_credit.fidelity.process import END
from rl_credit.fidelity.tabular import ANY, Tabular, TabularParams, TabularState

STEPS, ENVS = 30, 256


@functools.cache
def rejoining():
    """Two tasks, slips, and an end after four steps."""
    return Tabular(mdps.named("rejoining", depth=4, width=3, slip=0.3))


@functools.cache
def aliased():
    """Rooms that are reached by chance, and look alike."""
    return Tabular(mdps.named("aliased", rounds=2))


@functools.cache
def stepped(env):
    """All states and actions side by side, `draws` times each; arrays on the host."""
    shape = env.process.num_states, env.process.num_actions, 2000
    state, action, _ = (jnp.asarray(axis).ravel() for axis in np.indices(shape))
    zeros = jnp.zeros_like(state)
    states = TabularState(time=zeros, state=state, task=zeros)
    keys = jax.random.split(jax.random.key(3), len(state))
    step = jax.jit(jax.vmap(env.step_env, (0, 0, 0, None)))
    played = step(keys, states, action, env.default_params)
    return jax.device_get(jax.tree.map(lambda leaf: leaf.reshape(*shape, -1), played))


@pytest.mark.parametrize("build", [rejoining, aliased])
def test_outcomes_are_as_frequent_as_their_chances(build):
    """Chi-square over each action's outcomes, at three standard deviations of all."""
    env = build()
    _, after, rewards, ended, info = stepped(env)
    tables = jax.device_get(env.process.tables)
    total = freedom = 0.0
    for state, action in np.ndindex(*tables.ahead.shape[:2]):
        at = state, action
        expected: dict = {}
        rows = zip(tables.ahead[at], tables.paid[at], tables.chance[at])
        for ahead, paid, chance in rows:
            expected[ahead, paid] = expected.get((ahead, paid), 0.0) + chance
        drawn = list(zip(after.state[at].ravel(), rewards[at].ravel()))
        expected = {pair: chance for pair, chance in expected.items() if chance > 0}
        assert set(drawn) == set(expected)
        for pair, chance in expected.items():
            mean = chance * len(drawn)
            total += (drawn.count(pair) - mean) ** 2 / mean
        freedom += len(expected) - 1
    assert freedom > 3
    assert abs(total - freedom) < 3 * np.sqrt(2 * freedom)


def test_a_step_says_where_it_led_and_the_end_shows_nothing():
    env = aliased()
    shown, after, rewards, ended, info = stepped(env)
    sees = np.asarray(env.process.tables.sees)
    np.testing.assert_array_equal(info["state"], after.state)
    np.testing.assert_array_equal(ended, after.state == END)
    expected = np.where(ended, END, sees[after.state])
    np.testing.assert_array_equal(info["observation"], expected)
    assert info["state"].dtype == info["observation"].dtype == np.int32
    assert shown.dtype == rewards.dtype == np.float32
    live = ~ended[..., 0]
    assert (shown.sum(-1) == live).all() and 0 < live.mean() < 1
    assert (shown.argmax(-1) == expected[..., 0])[live].all()
    assert (after.time == 1).all()


@functools.cache
def uniform_play():
    """Compiled play with resets: first observations and states, then the steps."""
    env = rejoining()

    def step(params, state, key):
        key_action, key_step = jax.random.split(key)
        actions = jax.random.randint(key_action, (ENVS,), 0, env.num_actions)
        keys = jax.random.split(key_step, ENVS)
        after = jax.vmap(env.step, (0, 0, 0, None))(keys, state, actions, params)
        return after[1], after

    @jax.jit
    def run(params, key):
        key_reset, *keys = jax.random.split(key, STEPS + 1)
        reset = jax.vmap(env.reset, (0, None))
        shown, begun = reset(jax.random.split(key_reset, ENVS), params)
        going = functools.partial(step, params)
        return shown, begun, jax.lax.scan(going, begun, jnp.stack(keys))[1]

    return run


@functools.cache
def played(task, limit):
    """What `uniform_play` returns, [STEPS, ENVS, ...], on the host."""
    tables = rejoining().process.tables
    params = TabularParams(jnp.int32(limit), jnp.int32(task), tables)
    return jax.device_get(uniform_play()(params, jax.random.key(1)))


def test_episodes_end_by_themselves_and_begin_anew():
    _, _, (_, state, _, terminated, truncated, info) = played(ANY, 100)
    assert not truncated.any()
    np.testing.assert_array_equal(terminated[3::4], True)  # depth 4
    assert terminated.sum() == ENVS * (STEPS // 4)
    assert (state.time[terminated] == 0).all()
    assert (info["final_observation"][terminated] == 0).all()
    assert (info["state"][terminated] == END).all()


def test_the_step_limit_truncates():
    _, _, (shown, state, _, terminated, truncated, info) = played(ANY, 3)
    assert not terminated.any()
    np.testing.assert_array_equal(truncated[2::3], True)
    assert truncated.sum() == ENVS * (STEPS // 3)
    assert (info["final_observation"][truncated].sum(-1) == 1).all()
    assert (shown[truncated].argmax(-1) == 0).all()  # the start, which tasks share
    assert (info["state"][truncated] != state.state[truncated]).all()


def test_the_task_is_that_of_the_parameters_or_any():
    starts = np.asarray(rejoining().process.tables.starts).argmax(1)
    for task in (0, 1):
        first, state, (_, after, _, ended, _, info) = played(task, 100)
        assert (state.task == task).all() and (after.task == task).all()
        assert (state.state == starts[task]).all()
        assert (after.state[ended] == starts[task]).all()
    _, state, (_, after, _, _, _, _) = played(ANY, 100)
    assert abs(state.task.mean() - 0.5) < 4 * 0.5 / np.sqrt(ENVS)
    assert 0 < np.abs(np.diff(after.task, axis=0)).mean() < 0.5
    np.testing.assert_array_equal(starts[state.task], state.state)


def test_spaces_and_name_are_those_of_the_process():
    env = rejoining()
    first, _, _ = played(0, 100)
    space = env.observation_space()
    assert uniform_play()._cache_size() == 1  # another task or limit compiles nothing
    assert env.name == "rejoining" and env.action_space().n == 3
    assert space.shape == first.shape[1:] and space.contains(jnp.asarray(first))
    assert env.default_params.max_steps_in_episode == env.process.horizon == 4
