import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_credit.credit import semi_online
from tests.masks import masks
from tests.references import semi_online as reference

SIZES = [(6, 9), (64, 4)]  # batch, spans
HORIZONS = ("paper", "released", "full")
CLOSE = dict(rtol=1e-5, atol=1e-5)
KNOBS = ("discount", "horizon")
PATCHED = jax.jit(semi_online.patched_returns, static_argnames=KNOBS)
STEP_LEVEL = jax.jit(semi_online.step_level)
FLAGS = st.lists(st.booleans(), min_size=54, max_size=54)


def problem(batch, spans, mask="holes", seed=0):
    """Rewards, matches, groups of any name, and a mask."""
    rng = np.random.default_rng(seed)
    where = masks(rng, batch, spans)[mask]
    rewards = rng.choice([0.0, 0.19, 0.55, 1.0], (batch, spans)).astype(np.float32)
    groups = rng.permutation(batch)[rng.integers(0, max(batch // 4, 1), batch)]
    return rewards, rng.random((batch, spans)) < 0.7, groups.astype(np.int32), where


def arrays(*parts):
    return [jnp.asarray(part) for part in parts]


@pytest.mark.parametrize("batch, spans", SIZES)
@pytest.mark.parametrize("horizon", HORIZONS)
def test_returns_match_the_loop(compiled, horizon, batch, spans):
    kernel = compiled(semi_online.patched_returns, horizon=horizon)
    for seed, mask in enumerate(("all", "prefix", "left", "holes", "none")):
        rewards, matches, _, where = problem(batch, spans, mask, seed)
        expected = reference.patched_returns(rewards, matches, where, horizon=horizon)
        for flags in (matches, matches | ~where):  # those of padding say nothing
            junk = np.where(where, rewards, np.nan)
            actual = kernel(*arrays(junk, flags, where))
            np.testing.assert_allclose(actual, expected, **CLOSE)


def test_what_each_horizon_sees(compiled):
    """Steps right, right, wrong, right, of 1, 2, 4 and 8, undiscounted."""
    rewards = jnp.asarray([[1.0, 2.0, 4.0, 8.0]])
    matches = jnp.asarray([[True, True, False, True]])
    expected = {
        "paper": [7.0, 6.0, 4.0, 8.0],
        "released": [3.0, 2.0, 4.0, 8.0],
        "full": [15.0, 14.0, 4.0, 8.0],
    }
    for horizon in HORIZONS:
        knobs = dict(discount=1.0, horizon=horizon)
        kernel = compiled(semi_online.patched_returns, **knobs)
        actual = kernel(rewards, matches, jnp.ones((1, 4), bool))
        np.testing.assert_array_equal(actual, [expected[horizon]])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_rollout_without_a_mismatch_has_plain_discounted_returns(seed):
    rewards, _, _, where = problem(6, 9, "holes", seed)
    matches = np.ones((6, 9), bool)
    expected = np.zeros((6, 9))
    for i in range(6):
        ahead = 0.0
        for t in reversed(np.flatnonzero(where[i])):
            ahead = expected[i, t] = rewards[i, t] + 0.5 * ahead
    for horizon in HORIZONS:
        actual = PATCHED(*arrays(rewards, matches, where), horizon=horizon)
        np.testing.assert_allclose(actual, expected, **CLOSE)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_without_looking_ahead_returns_are_rewards(seed):
    rewards, matches, _, where = problem(6, 9, "holes", seed)
    for horizon in HORIZONS:
        knobs = dict(discount=0.0, horizon=horizon)
        actual = PATCHED(*arrays(rewards, matches, where), **knobs)
        np.testing.assert_array_equal(actual, np.where(where, rewards, 0))


@settings(max_examples=25, deadline=None)
@given(FLAGS, FLAGS)
def test_horizons_agree_where_no_later_step_mismatches_and_only_there(right, kept):
    matches, where = (np.array(flags).reshape(6, 9) for flags in (right, kept))
    inputs = arrays(np.ones((6, 9), np.float32), matches, where)
    paper, released, full = (np.asarray(PATCHED(*inputs, horizon=h)) for h in HORIZONS)
    for i, t in np.argwhere(where):
        later = matches[i, t:] | ~where[i, t:]
        agree = later.all() or not matches[i, t]
        assert (paper[i, t] == released[i, t]) == agree
        wrong = np.flatnonzero(~later)
        nothing_after = agree or not where[i, t + wrong[0] + 1 :].any()
        assert (paper[i, t] == full[i, t]) == nothing_after


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_hole_takes_no_time(seed):
    """Pushing the played steps together moves the returns along."""
    rewards, matches, _, where = problem(6, 9, "holes", seed)
    order = np.argsort(~where, axis=1, kind="stable")
    packed = [np.take_along_axis(x, order, 1) for x in (rewards, matches, where)]
    for horizon in HORIZONS:
        actual = PATCHED(*arrays(*packed), horizon=horizon)
        expected = PATCHED(*arrays(rewards, matches, where), horizon=horizon)
        expected = np.take_along_axis(np.asarray(expected), order, 1)
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("batch, spans", SIZES)
@pytest.mark.parametrize("scale", [True, False])
def test_step_level_matches_the_loop(compiled, scale, batch, spans):
    kernel = compiled(semi_online.step_level, scale=scale)
    for seed, mask in enumerate(("all", "prefix", "left", "holes", "none")):
        returns, _, groups, where = problem(batch, spans, mask, seed)
        junk = np.where(where, returns, np.nan)
        exact = returns.astype(np.float64), groups, where
        expected = reference.step_level(*exact, scale=scale)
        actual = kernel(*arrays(junk, groups, where))
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_each_step_of_a_task_averages_to_zero_in_any_order(seed):
    """The n-th step a rollout played is compared with the n-th of the others."""
    returns, _, groups, where = problem(6, 9, "holes", seed)
    actual = np.asarray(STEP_LEVEL(*arrays(returns, groups, where)))
    number = np.cumsum(where, axis=1) - 1
    for group, step in itertools.product(set(groups.tolist()), range(9)):
        mine = where & (number == step) & (groups == group)[:, None]
        np.testing.assert_allclose(actual[mine].sum(), 0.0, atol=1e-5)
    rows = np.random.default_rng(seed).permutation(6)
    inputs = returns[rows], rows.astype(np.int32)[groups[rows]], where[rows]
    np.testing.assert_allclose(STEP_LEVEL(*arrays(*inputs)), actual[rows], **CLOSE)


def test_where_the_padding_lies_does_not_matter(compiled):
    """In front, behind or between: the same steps are compared."""
    returns, _, groups, where = problem(6, 9, "holes")
    order = np.argsort(~where, axis=1, kind="stable")
    packed = [np.take_along_axis(x, order, 1) for x in (returns, where)]
    kernel = compiled(semi_online.step_level)
    actual = kernel(*arrays(packed[0], groups, packed[1]))
    expected = np.asarray(kernel(*arrays(returns, groups, where)))
    assert np.any(expected)
    expected = np.take_along_axis(expected, order, 1)
    np.testing.assert_allclose(actual, expected, **CLOSE)


def test_equal_returns_and_a_rollout_alone_are_exactly_zero(compiled):
    kernel = compiled(semi_online.step_level)
    groups = jnp.asarray([0] * 5 + [3], jnp.int32)
    for value in (0.19, 1 / 3, 1e4 + 0.1):
        returns = jnp.full((6, 9), value, jnp.float32)
        returns = returns.at[5].set(jnp.arange(9.0))
        assert not np.any(kernel(returns, groups, jnp.ones((6, 9), bool)))


def test_padding_reaches_neither_value_nor_gradient(compiled):
    def total(rewards, matches, groups, where):
        returns = [
            semi_online.patched_returns(rewards, matches, where, horizon=horizon)
            for horizon in HORIZONS
        ]
        step = semi_online.step_level(sum(returns), groups, where)
        return jnp.sum(jnp.arange(54.0).reshape(6, 9) * (step + sum(returns)))

    evaluate = compiled(jax.value_and_grad(total))
    rewards, matches, groups, where = problem(6, 9, "holes")
    where[3] = False
    junk = np.where(where, rewards, np.nan)
    expected, slope = evaluate(*arrays(rewards, matches, groups, where))
    actual, gradient = evaluate(*arrays(junk, matches, groups, where))
    np.testing.assert_array_equal(actual, expected)
    np.testing.assert_array_equal(gradient, slope)
    assert np.isfinite(gradient).all() and not np.any(gradient[~where])
