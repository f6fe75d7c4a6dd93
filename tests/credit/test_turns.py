import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.credit import spans, turns
from tests.references import groups as reference


def problem(batch, length, seed):
    rng = np.random.default_rng(seed)
    turn, outcome = rng.integers(0, 3, (2, batch)) / 2
    groups = rng.permutation(batch)[rng.integers(0, max(batch // 4, 1), batch)]
    where = rng.random((batch, length)) < 0.7
    where[0] = False
    earlier = np.arange(length) < rng.integers(0, length, batch)[:, None]
    return turn, outcome, groups, earlier, where


def arrays(turn, outcome, groups, earlier, where):
    scores = jnp.asarray(turn, jnp.float32), jnp.asarray(outcome, jnp.float32)
    masks = jnp.asarray(earlier), jnp.asarray(where)
    return *scores, jnp.asarray(groups, jnp.int32), *masks


@pytest.mark.parametrize("batch, length", [(1, 1), (16, 5)])
@pytest.mark.parametrize("turn_weight, epsilon", [(1.0, 1e-4), (0.3, 1e-6)])
def test_mt_grpo_matches_its_definition(compiled, batch, length, turn_weight, epsilon):
    knobs = dict(turn_weight=turn_weight, epsilon=epsilon)
    kernel = compiled(turns.mt_grpo, **knobs)
    for seed in range(4):
        inputs = problem(batch, length, seed)
        expected = reference.mt_grpo(*inputs, **knobs)
        actual = kernel(*arrays(*inputs))
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)


def test_turn_rewards_of_a_trajectory_reach_no_later_span(compiled):
    """With turn rewards that do not differ, MT-GRPO is GRPO on the outcome."""
    turn, outcome, groups, earlier, where = problem(16, 5, seed=1)
    earlier[:, 0] = where[:, 0] = True  # all reached the turn reward
    kernel = compiled(turns.mt_grpo)
    varied = kernel(*arrays(turn, outcome, groups, earlier, where))
    flat = kernel(*arrays(0 * turn, outcome, groups, earlier, where))
    np.testing.assert_array_equal(varied[~earlier], flat[~earlier])
    assert not np.allclose(varied[earlier], flat[earlier])
    played = np.ones(16, bool)
    expected = reference.by_group(
        lambda rewards: reference.grpo(rewards, 1e-4), outcome, groups, played
    )
    expected = np.where(where, expected[:, None], 0.0)
    np.testing.assert_allclose(flat, expected, rtol=1e-5, atol=1e-5)


def test_scores_that_are_masked_do_not_count(compiled):
    def total(turn, outcome, *rest):
        return jnp.sum(jnp.sin(turns.mt_grpo(turn, outcome, *rest)))

    turn, outcome, *rest = arrays(*problem(16, 5, seed=2))
    evaluate = compiled(jax.value_and_grad(total, argnums=(0, 1)))
    expected, _ = evaluate(turn, outcome, *rest)
    poisoned = turn.at[0].set(jnp.nan), outcome.at[0].set(jnp.nan)
    actual, gradients = evaluate(*poisoned, *rest)
    assert actual == expected
    for gradient in gradients:
        assert np.isfinite(gradient).all() and np.any(gradient) and gradient[0] == 0


def test_spans_by_hand(compiled):
    where = jnp.asarray([[1, 1, 0, 1], [0, 1, 0, 0], [0, 0, 0, 0]], bool)
    rewards = jnp.asarray([[1.0, 2, np.nan, 4], [np.inf, 5, 6, 7], [8, 9, 10, 11]])
    values = jnp.asarray([3.0, np.nan, 5.0])
    actual = compiled(spans.scores)(rewards, where)
    np.testing.assert_array_equal(actual, [7.0, 5.0, 0.0])
    expected = [[0, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_array_equal(compiled(spans.last)(where), expected)
    expected = [[3, 3, 0, 3], [0, np.nan, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_array_equal(compiled(spans.over)(values, where), expected)
    actual = compiled(spans.repeat)(jnp.asarray([4, 1, 9]), where)
    np.testing.assert_array_equal(actual, [4, 4, 4, 4, 1, 1, 1, 1, 9, 9, 9, 9])


def test_tokens_get_the_advantage_of_their_span(compiled):
    advantages = jnp.asarray([[1.0, 2.0, np.nan], [4.0, 5.0, 6.0]])
    span_ids = jnp.asarray([[-1, 0, 0, 1, -1], [2, -1, 1, 0, 2]])
    actual = compiled(spans.spread)(advantages, span_ids)
    expected = [[0.0, 1.0, 1.0, 2.0, 0.0], [6.0, 0.0, 5.0, 4.0, 6.0]]
    np.testing.assert_array_equal(actual, expected)
