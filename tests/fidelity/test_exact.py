"""Exact values agree with loops, with play, with derivatives and with each other."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.fidelity import exact, mdps
from tests.fidelity import loops

ALL = pytest.mark.parametrize("name", mdps.PROCESSES)
SMALL = pytest.mark.parametrize("name", ["key_to_door", "aliased", "multiroom"])


@ALL
def test_the_return_of_every_task_is_what_play_earns(name):
    process, truth = loops.process(name), loops.solved(name)
    played = loops.played(name)
    for task in range(process.num_tasks):
        # The starts are drawn, by `reset_env`.
        for rows, expected in (
            (played.returns[task], truth.returns[task]),
            (played.lengths[task], truth.lengths[task]),
        ):
            error = rows.std(ddof=1) / np.sqrt(loops.EPISODES)
            assert abs(rows.mean() - expected) <= 4 * error + 1e-5


@ALL
def test_action_values_are_what_play_earns_from_there(name):
    truth = loops.solved(name)
    played = loops.played(name).returns[loops.process(name).num_tasks :]
    for (time, state, action), rows in zip(loops.picks(name), played, strict=True):
        expected = truth.action_values[time, state, action]
        error = rows.std(ddof=1) / np.sqrt(loops.EPISODES)
        assert abs(rows.mean() - expected) <= 4 * error + 1e-5


@ALL
def test_values_agree_with_loops(name):
    process, truth = loops.process(name), loops.solved(name)
    policy = loops.softmax(np.asarray(loops.halfway(name)))
    policy = policy[np.asarray(process.tables.sees)]
    expected = loops.backward(process.tables, process.horizon, policy)
    np.testing.assert_allclose(truth.action_values, expected, atol=2e-5)
    values = (policy * expected).sum(2)
    np.testing.assert_allclose(truth.values[:-1], values, atol=2e-5)
    np.testing.assert_array_equal(truth.values[-1], 0.0)
    advantages = expected - values[:, :, None]
    np.testing.assert_allclose(truth.advantages, advantages, atol=2e-5)


@ALL
def test_the_best_policy_agrees_with_loops_and_is_beaten_by_none(name):
    process, truth = loops.process(name), loops.solved(name)
    best = np.asarray(exact.optimal(process.tables, process.horizon))
    expected = loops.backward(process.tables, process.horizon)
    np.testing.assert_allclose(best, expected, atol=2e-5)
    assert (best >= truth.action_values - 2e-5).all()


@ALL
def test_occupancy_is_a_chance_that_never_grows(name):
    process, truth = loops.process(name), loops.solved(name)
    there = truth.occupancy.sum(2)
    np.testing.assert_array_equal(truth.occupancy[:, 0], process.tables.starts)
    assert truth.occupancy.min() >= 0
    assert there.max() <= 1 + 1e-5 and (np.diff(there, axis=1) <= 1e-5).all()
    np.testing.assert_allclose(there.sum(1), truth.lengths, rtol=1e-5)


@SMALL
def test_steps_to_go_add_up_to_the_length(name):
    process, truth = loops.process(name), loops.solved(name)
    steps = exact.remaining(process.tables, loops.halfway(name), process.horizon)
    expected = np.asarray(process.tables.starts) @ np.asarray(steps[0])
    np.testing.assert_allclose(expected, truth.lengths, rtol=1e-5)
    np.testing.assert_allclose(steps[-1], 1.0, rtol=1e-6)
    assert steps.shape == (process.horizon, process.num_states)


@functools.cache
def precise(name):
    """A process in float64, logits in it, its solution and others', on the host."""
    process = exact.double(loops.process(name))
    with jax.enable_x64(True):
        shape = process.num_observations, process.num_actions
        one, other = jax.random.normal(jax.random.key(0), (2, *shape), jnp.float64)
        both = [
            exact.solve(process.tables, logits, process.horizon)
            for logits in (one, other)
        ]
        slope = exact.gradient(process.tables, one, process.horizon)
        found = process.tables, (one, other), both, slope
        return process, jax.device_get(found)


@SMALL
def test_in_double_precision_everything_is(name):
    process, (_, _, (truth, _), slope) = precise(name)
    assert {leaf.dtype for leaf in jax.tree.leaves((truth, slope))} == {
        np.dtype(np.float64)
    }
    single = exact.solve(
        loops.process(name).tables, loops.halfway(name), process.horizon
    )
    assert {leaf.dtype for leaf in jax.tree.leaves(single)} == {np.dtype(np.float32)}


@SMALL
def test_a_policy_has_no_advantage_over_itself(name):
    _, (tables, (logits, _), (truth, _), _) = precise(name)
    policy = loops.softmax(logits)[tables.sees]
    assert np.abs(truth.advantages).max() > 0.1
    own = (policy * truth.advantages).sum(2)
    np.testing.assert_allclose(own, 0.0, atol=1e-13)


@SMALL
def test_performance_differs_by_the_advantages_met(name):
    """Kakade & Langford (ICML 2002), lemma 6.1, at every start."""
    _, (tables, (_, logits), (truth, other), _) = precise(name)
    policy = loops.softmax(logits)[tables.sees]
    gained = (policy * truth.advantages).sum(2)
    expected = (other.occupancy * gained).sum((1, 2))
    np.testing.assert_allclose(other.returns - truth.returns, expected, atol=1e-12)
    assert np.abs(expected).max() > 1e-3


@SMALL
def test_the_gradient_is_that_of_the_return(name):
    process, (_, (logits, direction), _, slope) = precise(name)

    def returned(logits):
        return jnp.mean(exact.solve(process.tables, logits, process.horizon).returns)

    with jax.enable_x64(True):
        expected = jax.grad(returned)(jnp.asarray(logits))
        step = 1e-5 * direction
        ahead, behind = (float(returned(logits + sign * step)) for sign in (1, -1))
    np.testing.assert_allclose(slope, expected, atol=1e-13)
    along = (slope * direction).sum()
    assert abs(along) > 1e-4
    assert (ahead - behind) / 2e-5 == pytest.approx(along, rel=1e-6)
