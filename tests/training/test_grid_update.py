"""One update: what bootstraps, which columns are learned from, what is earned."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.rollout import scan
from rl_credit.training import grid_bonus, grid_update
from rl_credit.training.grid_state import Agent
from tests.training import tiny_grid

DISCOUNT, TRACE = 0.9, 0.8
both = pytest.mark.parametrize("memory", [0, 3], ids=["forward", "recurrent"])


@functools.cache
def agent(memory):
    """One that walks, and whose first values are far from 0."""
    made = Agent.made(
        tiny_grid.small(
            model__memory=memory,
            credit=dict(discount=DISCOUNT, trace=TRACE),
            play=dict(num_envs=4, horizon=12),
        )
    )
    return made


@functools.cache
def played(memory):
    """Parameters, steps, where they stand, and what is learned from them."""
    made = agent(memory)

    def play(key):
        learner = made.init(key)
        params = jax.tree.map(lambda leaf: 2.0 * leaf, learner.policy.params)
        act = made.act(params)
        playing, _ = scan.play(
            made.world, act, learner.playing, jax.random.key(1), horizon=5
        )
        playing, steps = scan.play(
            made.world, act, playing, jax.random.key(2), horizon=12
        )
        judged = grid_update.looked_at(made, params, steps)
        rewards = steps.rewards + 0.25
        batch = grid_update.assessed(made, params, judged, steps, playing, rewards)
        return params, steps, playing, batch

    return jax.device_get(jax.jit(play)(jax.random.key(7)))


def numbers(memory):
    """The four numbers of each step, [12 envs 4], however they stand in the batch."""
    return played(memory)[3].numbers.reshape(12, 4, 4)


@functools.cache
def judge(memory):
    """The network, compiled once."""
    return jax.jit(agent(memory).judge)


def say(memory, params, remembered, seen, start):
    """What the network says of one step of one environment."""
    before = None if remembered is None else jnp.asarray(remembered)[None]
    seen, start = jnp.asarray(seen)[None, None], jnp.asarray([[bool(start)]])
    judged = judge(memory)(params, before, seen, start)
    after = None if remembered is None else judged.memory[0]
    return after, float(judged.values[0, 0]), np.asarray(judged.logits[0, 0])


@both
def test_advantages_are_those_of_a_loop_that_knows_why_an_episode_ended(memory):
    params, steps, _, _ = played(memory)
    assert steps.terminated.any() and (steps.truncated & ~steps.terminated).any()
    env = int(np.argmax((steps.truncated & ~steps.terminated)[:-1].any(axis=0)))
    later, expected = 0.0, np.zeros((12, 2))
    for t in reversed(range(12)):
        remembered = None if memory == 0 else steps.memories[t, env]
        seen, start = steps.observations[t, env], steps.starts[t, env]
        after, value, _ = say(memory, params, remembered, seen, start)
        reached = steps.next_observations[t, env]
        ahead = say(memory, params, after, reached, False)[1]
        going = 0.0 if steps.terminated[t, env] else 1.0
        delta = steps.rewards[t, env] + 0.25 + DISCOUNT * going * ahead - value
        ends = steps.terminated[t, env] or steps.truncated[t, env]
        chained = 0.0 if ends else DISCOUNT * TRACE * later
        later = delta + chained
        expected[t] = value, later
    actual = numbers(memory)[:, env]
    np.testing.assert_allclose(actual[:, 1:3], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(actual[:, 3], expected.sum(axis=1), rtol=1e-4, atol=1e-5)


@both
def test_a_policy_that_did_not_change_has_ratios_of_one(memory):
    params, steps, _, batch = played(memory)
    loss = jax.jit(functools.partial(grid_update.loss, agent(memory)))
    _, scalars = loss(params, jax.tree.map(jnp.asarray, batch))
    assert abs(scalars["kl"]) < 1e-6 and scalars["clipped"] == 0.0
    logps = numbers(memory)[..., 0]
    for t in (0, 5, 11):
        remembered = None if memory == 0 else steps.memories[t, 1]
        logits = say(
            memory, params, remembered, steps.observations[t, 1], steps.starts[t, 1]
        )[2]
        expected = logits - np.log(np.sum(np.exp(logits)))
        np.testing.assert_allclose(
            logps[t, 1], expected[steps.actions[t, 1]], rtol=1e-4, atol=1e-5
        )


def test_columns_are_steps_or_with_a_memory_environments():
    forward, recurrent = played(0)[3], played(3)[3]
    assert forward.actions.shape == (1, 48) and forward.memories is None
    assert recurrent.actions.shape == (12, 4) and recurrent.memories.shape == (4, 3)
    np.testing.assert_array_equal(recurrent.memories, played(3)[1].memories[0])
    chosen = jnp.asarray([2, 0])
    taken = recurrent.columns(chosen)
    np.testing.assert_array_equal(taken.memories, recurrent.memories[[2, 0]])
    np.testing.assert_array_equal(taken.starts, recurrent.starts[:, [2, 0]])


@both
def test_every_epoch_takes_every_column_once(memory):
    order = grid_update.minibatches(agent(memory), jax.random.key(0))
    columns = 4 if memory else 48
    assert order.shape == (4, columns // 2)
    first, second = order[:2].reshape(-1), order[2:].reshape(-1)
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(columns))
    if not memory:
        assert first.tolist() != second.tolist()


def test_sums_of_episodes_are_those_of_their_last_steps():
    _, steps, _, _ = played(0)
    sums = grid_update.ended(agent(0), jax.tree.map(jnp.asarray, steps))
    last = steps.terminated | steps.truncated
    assert sums["sum/episodes"] == last.sum()
    assert sums["sum/return"] == pytest.approx(steps.returns[last].sum())
    assert sums["sum/length"] == steps.lengths[last].sum()
    won = steps.terminated[last] & (steps.rewards[last] > 0)
    assert 0 < sums["sum/success"] == won.sum() < last.sum()


def test_success_may_be_a_return():
    how = agent(0).settings
    evaluate = dataclasses.replace(how.evaluate, threshold=2.0)
    settings = dataclasses.replace(how, evaluate=evaluate)
    made = dataclasses.replace(agent(0), settings=settings)
    won = made.won(jnp.asarray([1.5, 2.0]), jnp.zeros(2, bool), jnp.zeros(2))
    assert won.tolist() == [False, True]


def test_a_bonus_is_weighed_after_its_deviation():
    _, steps, playing, _ = played(0)
    made = agent(0).curiosity
    playing, steps = jax.tree.map(jnp.asarray, (playing, steps))
    known = made.init(
        jax.random.key(0), grid_bonus.first(playing, playing.observations)
    )
    seen = grid_bonus.seen(steps, steps.observations)

    def both(known, seen):
        _, paid = made.bonus.pay(known.state, seen)
        return paid, *made.pay(known, seen, jax.random.key(1))[1:]

    paid, earned, scalars = jax.device_get(jax.jit(both)(known, seen))
    assert 0 < np.mean(paid > 0) < 1  # of two messages, most are no first ones
    np.testing.assert_allclose(earned, 0.5 * paid / np.std(paid), rtol=1e-5)
    assert scalars["bonus/mean"] == pytest.approx(float(paid.mean()))
