import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_credit.credit import implicit
from tests.masks import masks
from tests.references import implicit as reference

SIZES = [(12, 7), (64, 3)]  # batch, spans
CLOSE = dict(rtol=1e-4, atol=1e-4)
ADVANTAGES, PRIME = jax.jit(implicit.advantages), jax.jit(implicit.prime)


def problem(batch, spans, mask="holes", seed=0):
    """Rewards of steps, outcomes, groups in any order with gaps, and a mask."""
    rng = np.random.default_rng(seed)
    groups = rng.permutation(batch)[rng.integers(0, max(batch // 4, 1), batch)]
    where = masks(rng, batch, spans)[mask]
    rewards = rng.normal(0.0, 1.0, (batch, spans)).astype(np.float32)
    outcomes = rng.integers(0, 2, batch).astype(np.float32)
    return rewards, outcomes, groups.astype(np.int32), where


def arrays(*parts):
    return [jnp.asarray(part) for part in parts]


def test_step_rewards_are_scaled_log_ratios(compiled):
    first, second = arrays(*np.random.default_rng(0).normal(size=(2, 3, 4)))
    first, second = first.astype(jnp.float32), second.astype(jnp.float32)
    actual = compiled(implicit.step_rewards)(first, second)
    np.testing.assert_allclose(actual, 0.05 * (first - second), rtol=1e-6)
    actual = compiled(implicit.step_rewards, beta=0.5)(first, second)
    np.testing.assert_allclose(actual, 0.5 * (first - second), rtol=1e-6)


@pytest.mark.parametrize("batch, spans", SIZES)
def test_advantages_match_the_loop(compiled, batch, spans):
    kernel = compiled(implicit.advantages)
    for seed, mask in enumerate(("all", "holes", "left", "none")):
        rewards, _, groups, where = problem(batch, spans, mask, seed)
        junk = np.where(where, rewards, np.nan)
        expected = reference.advantages(rewards.astype(np.float64), where, groups)
        actual = kernel(*arrays(junk, where, groups))
        np.testing.assert_allclose(actual, expected, **CLOSE)


@pytest.mark.parametrize("batch, spans", SIZES)
def test_prime_matches_the_loop(compiled, batch, spans):
    knobs = dict(beta=0.3, process_weight=2.0, outcome_weight=3.0)
    kernel = compiled(implicit.prime, **knobs)
    for seed, mask in enumerate(("all", "holes", "left", "none")):
        ratios, outcomes, groups, where = problem(batch, spans, mask, seed)
        exact = ratios.astype(np.float64), outcomes, groups, where
        expected = reference.prime(*exact, **knobs)
        junk = np.where(where, ratios, np.nan)
        paid = np.where(where.any(axis=1), outcomes, np.nan)
        actual = kernel(*arrays(junk, paid, groups, where))
        np.testing.assert_allclose(actual, expected, **CLOSE)


def test_the_defaults_of_prime(compiled):
    inputs = problem(12, 7)
    exact = inputs[0].astype(np.float64), *inputs[1:]
    actual = compiled(implicit.prime)(*arrays(*inputs))
    np.testing.assert_allclose(actual, reference.prime(*exact), **CLOSE)


def test_equal_rewards_are_exactly_zero(compiled):
    """Whitening would blow up what rounding leaves, and the more the longer."""
    advantages, prime = compiled(implicit.advantages), compiled(implicit.prime)
    groups = jnp.zeros(8, jnp.int32)
    for value in (0.3, -120.1):
        for count in (1, 5):
            where = np.arange(40)[None] < 40 - 3 * np.arange(8)[:, None]
            where = jnp.asarray(where & (np.arange(8) < count)[:, None])
            equal = jnp.full((8, 40), value, jnp.float32)
            assert not np.any(advantages(equal, where, groups))
            assert not np.any(prime(equal, jnp.ones(8), groups, where))


def test_a_constant_in_all_log_ratios_and_outcomes_changes_nothing(compiled):
    ratios, outcomes, groups, where = problem(12, 7)
    ratios = np.round(ratios * 64) / 64  # so that adding 512 rounds nothing
    kernel = compiled(implicit.prime, beta=1.0)
    moved = kernel(*arrays(ratios + np.float32(512), outcomes + 8, groups, where))
    actual = kernel(*arrays(ratios, outcomes, groups, where))
    np.testing.assert_allclose(moved, actual, **CLOSE)


def test_a_response_alone_in_its_task_has_no_reward_of_its_own(compiled):
    """Before whitening, which moves all zeros alike."""
    ratios, outcomes, _, where = problem(12, 7, "all")
    groups = np.array([0] * 5 + [1] * 5 + [7, 9], np.int32)
    kernel = compiled(implicit.prime)
    actual = np.asarray(kernel(*arrays(ratios, outcomes, groups, where)))
    assert np.ptp(actual[10:]) == 0
    ratios[10:], outcomes[10:] = 50.0, -3.0
    np.testing.assert_array_equal(
        actual, kernel(*arrays(ratios, outcomes, groups, where))
    )
    everyone_alone = jnp.arange(12)
    inputs = (*arrays(ratios, outcomes), everyone_alone, jnp.asarray(where))
    assert not np.any(kernel(*inputs))


def test_padding_reaches_neither_value_nor_gradient(compiled):
    def totals(rewards, outcomes, groups, where):
        weights = jnp.arange(84.0).reshape(12, 7)
        step = implicit.advantages(rewards, where, groups)
        prime = implicit.prime(rewards, outcomes, groups, where)
        return jnp.sum(weights * (step + prime))

    evaluate = compiled(jax.value_and_grad(totals, argnums=(0, 1)))
    rewards, outcomes, groups, where = problem(12, 7, "left")
    assert not where.all(axis=1).all() and not where.any(axis=1).all()
    junk = np.where(where, rewards, np.nan)
    paid = np.where(where.any(axis=1), outcomes, np.nan)
    clean = evaluate(*arrays(rewards, outcomes, groups, where))
    actual, slopes = evaluate(*arrays(junk, paid, groups, where))
    np.testing.assert_array_equal(actual, clean[0])
    for slope, expected in zip(slopes, clean[1]):
        assert np.isfinite(slope).all()
        np.testing.assert_array_equal(slope, expected)
    assert not np.any(np.asarray(slopes[0])[~where])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_all_steps_of_a_task_average_to_zero(seed):
    rewards, _, groups, where = problem(12, 7, "holes", seed)
    actual = np.asarray(ADVANTAGES(*arrays(rewards, where, groups)))
    for group in set(groups.tolist()):
        mine = where & (groups == group)[:, None]
        if mine.sum() > 1:
            np.testing.assert_allclose(actual[mine].mean(), 0.0, atol=1e-5)
            np.testing.assert_allclose(actual[mine].std(ddof=1), 1.0, atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_trajectories_and_steps_does_not_matter(seed):
    """Steps are a set to OPRL; to PRIME only trajectories are."""
    rewards, outcomes, groups, where = problem(12, 7, "holes", seed)
    rng = np.random.default_rng(seed)
    rows, steps = rng.permutation(12), rng.permutation(7)
    mixed = np.ix_(rows, steps)
    names = rng.permutation(12).astype(np.int32)
    actual = ADVANTAGES(*arrays(rewards[mixed], where[mixed], names[groups][rows]))
    expected = np.asarray(ADVANTAGES(*arrays(rewards, where, groups)))
    np.testing.assert_allclose(actual, expected[mixed], **CLOSE)
    shuffled = rewards[rows], outcomes[rows], names[groups][rows], where[rows]
    expected = np.asarray(PRIME(*arrays(rewards, outcomes, groups, where)))
    np.testing.assert_allclose(PRIME(*arrays(*shuffled)), expected[rows], **CLOSE)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_prime_is_white(seed):
    rewards, outcomes, groups, where = problem(12, 7, "holes", seed)
    actual = np.asarray(PRIME(*arrays(rewards, outcomes, groups, where)))
    np.testing.assert_array_equal(actual[~where], np.zeros((~where).sum()))
    np.testing.assert_allclose(actual[where].mean(), 0.0, atol=1e-5)
    np.testing.assert_allclose(actual[where].std(ddof=1), 1.0, atol=1e-4)
