"""The tables of an environment are what its steps do."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.envs.grid.sokoban import Sokoban
from rl_credit.fidelity.enumeration import enumerated
from rl_credit.fidelity.process import END
from tests.fidelity import loops
from tests.rollout.walk import State, Walk

LEVELS = (720, 909)  # those of the process


class Slippery(Walk):
    """A walk that may stay where it is."""

    def step_env(self, key, state, action, params):
        goes = jax.random.bernoulli(key, 0.8).astype(jnp.int32)
        return super().step_env(key, state, action * goes, params)


def begun(*places):
    """Walks that begin at these places, one a task."""
    return State(place=jnp.array(places), time=jnp.zeros(len(places), jnp.int32))


def test_a_walk_in_full():
    env = Walk(length=3)
    tables = enumerated(env, env.default_params, begun(0, 1))
    np.testing.assert_array_equal(
        tables.ahead[..., 0], [[0, 1], [1, 2], [2, END]]  # stay, go right
    )
    np.testing.assert_array_equal(tables.paid[..., 0], [[0.0, 1.0]] * 3)
    np.testing.assert_array_equal(tables.starts, [[1, 0, 0], [0, 1, 0]])
    np.testing.assert_array_equal(tables.sees, [0, 1, 2])
    np.testing.assert_array_equal(tables.chance, np.ones((3, 2, 1)))
    assert tables.starts.dtype == tables.paid.dtype == jnp.float32


def test_with_its_clock_a_walk_never_ends():
    env = Walk(length=3)
    with pytest.raises(ValueError, match="over the limit of 20; raise `limit`"):
        enumerated(env, env.default_params, begun(0), forget=(), limit=20)


def test_more_states_than_the_limit_are_counted():
    env = Walk(length=9)
    with pytest.raises(ValueError, match="there are 6 states and more"):
        enumerated(env, env.default_params, begun(0), limit=5)
    assert len(enumerated(env, env.default_params, begun(0), limit=9).sees) == 9


def test_a_random_environment_is_refused():
    env = Slippery(length=9)
    with pytest.raises(ValueError, match="the environment is random"):
        enumerated(env, env.default_params, begun(0))


def test_random_play_of_sokoban_is_in_the_tables():
    tables = jax.device_get(loops.process("sokoban").tables)
    env = Sokoban("6x6/1", actions="push")
    params = env.default_params
    walks, steps = 64, 60
    level = jnp.repeat(jnp.array(LEVELS), walks)

    @jax.jit
    def run(key):
        def step(state, key):
            actions = jax.random.randint(key, level.shape, 0, env.num_actions)
            keys = jax.random.split(key, len(level))
            stepping = jax.vmap(env.step_env, (0, 0, 0, None))
            _, after, paid, ended, _ = stepping(keys, state, actions, params)
            again = jax.vmap(env.begin)(level)
            pick = jax.vmap(lambda end, new, old: jnp.where(end, new, old))
            state = jax.tree.map(functools.partial(pick, ended), again, after)
            return state, (actions, paid, ended)

        keys = jax.random.split(key, steps)
        return jax.lax.scan(step, jax.vmap(env.begin)(level), keys)[1]

    start = tables.starts.argmax(1)[np.repeat([0, 1], walks)]
    state, visited = start, set(start.tolist())
    for actions, paid, ended in zip(*jax.device_get(run(jax.random.key(0)))):
        np.testing.assert_allclose(tables.paid[state, actions, 0], paid, rtol=1e-6)
        ahead = tables.ahead[state, actions, 0]
        np.testing.assert_array_equal(ahead == END, ended)
        state = np.where(ended, start, ahead)
        visited |= set(state.tolist())
    assert len(visited) > 0.6 * len(tables.sees)
