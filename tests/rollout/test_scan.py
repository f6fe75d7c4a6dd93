"""Compiled rollouts against the environment itself, played one step at a time."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.rollout import scan
from tests.rollout.walk import Walk

ENVS, HORIZON = 5, 12
WORLD = scan.World(Walk(), Walk().default_params, "position")


def act(memory, observations, starts):
    """Goes right two times in three; its memory counts the steps of an episode."""
    memory = jnp.where(starts[:, None], 0.0, memory) + 1.0
    right = jnp.full(starts.shape, jnp.log(2.0))
    return memory, jnp.stack([jnp.zeros_like(right), right], axis=-1)


@functools.cache
def program():
    """A rollout, compiled once."""

    def play(playing, key):
        return scan.play(WORLD, act, playing, key, horizon=HORIZON)

    return jax.jit(play)


def began():
    """The environments before their first step."""
    return scan.begin(WORLD, jax.random.key(3), envs=ENVS, memory=1)


@functools.cache
def played():
    """Two rollouts that follow each other, joined, and where they stand."""
    playing, first = program()(began(), jax.random.key(0))
    playing, second = program()(playing, jax.random.key(1))
    joined = jax.tree.map(lambda a, b: np.concatenate([a, b]), first, second)
    return playing, joined


def replayed(env):
    """What one environment does, from its first observation and the actions."""
    _, steps = played()
    place, time = steps.observations[0, env].astype(int)
    for t in range(2 * HORIZON):
        before = place, time
        place, time = place + steps.actions[t, env], time + 1
        ends = place >= 4, time >= 3
        yield t, before, (place, time), ends
        if any(ends) and t + 1 < 2 * HORIZON:
            place, time = steps.observations[t + 1, env].astype(int)
            assert time == 0


@pytest.mark.parametrize("env", range(ENVS))
def test_every_step_is_the_environments_own(env):
    _, steps = played()
    paid = length = remembered = 0
    start = True
    for t, before, after, (terminated, truncated) in replayed(env):
        np.testing.assert_array_equal(steps.observations[t, env], before)
        np.testing.assert_array_equal(steps.next_observations[t, env], after)
        paid, length = paid + steps.actions[t, env], length + 1
        assert steps.rewards[t, env] == steps.actions[t, env]
        assert (steps.returns[t, env], steps.lengths[t, env]) == (paid, length)
        assert steps.starts[t, env] == start
        assert steps.terminated[t, env] == terminated
        assert steps.truncated[t, env] == truncated
        start = terminated or truncated
        assert steps.start_keys[t, env] == before[0]
        assert steps.keys[t, env] == min(after[0], 4)
        assert steps.memories[t, env, 0] == remembered
        remembered = length
        paid, length = (0, 0) if start else (paid, length)


def test_episodes_end_both_ways_and_actions_vary():
    _, steps = played()
    assert steps.terminated.any() and (steps.truncated & ~steps.terminated).any()
    assert 0.5 < steps.actions.mean() < 0.85


def test_what_is_carried_goes_on_from_the_last_step():
    playing, steps = played()
    ends = steps.terminated[-1] | steps.truncated[-1]
    np.testing.assert_array_equal(playing.starts, ends)
    np.testing.assert_array_equal(
        playing.returns, np.where(ends, 0.0, steps.returns[-1])
    )
    going = ~ends
    np.testing.assert_array_equal(
        playing.observations[going], steps.next_observations[-1][going]
    )


def test_the_carry_keeps_its_types():
    before, after = jax.eval_shape(began), played()[0]
    told = [(leaf.dtype, leaf.weak_type) for leaf in jax.tree.leaves(before)]
    assert told == [(leaf.dtype, leaf.weak_type) for leaf in jax.tree.leaves(after)]
    assert not any(weak for _, weak in told)


def test_without_count_keys_all_are_zero():
    world = scan.World(WORLD.env, WORLD.params)
    play = functools.partial(scan.play, world, act, horizon=2)
    _, steps = jax.jit(play)(began(), jax.random.key(0))
    assert not steps.keys.any() and not steps.start_keys.any()


@functools.cache
def judged(greedy):
    """First episodes of a few environments."""
    play = functools.partial(
        scan.episodes, WORLD, act, envs=64, memory=1, greedy=greedy
    )
    return jax.device_get(jax.jit(play)(jax.random.key(5)))


def test_a_greedy_agent_takes_the_likeliest_action():
    found = judged(True)
    np.testing.assert_array_equal(found.returns, np.full(64, 3.0))
    np.testing.assert_array_equal(found.lengths, np.full(64, 3))
    assert 10 < found.terminated.sum() < 54  # those that began a step ahead
    np.testing.assert_array_equal(found.last_rewards, np.ones(64))


def test_the_first_episode_counts_and_no_other():
    found = judged(False)
    assert found.lengths.max() == 3 and found.lengths.min() >= 3
    assert 1.5 < found.returns.mean() < 2.5
    assert set(np.unique(found.last_rewards)) == {0.0, 1.0}
