import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_credit.losses import preference
from tests.references import losses as reference

laws = settings(max_examples=25, deadline=None)
seeds = st.integers(0, 2**16)


def draw(seed, batch=6, spans=3, tasks=2):
    rng = np.random.default_rng(seed)
    where = rng.random((batch, spans)) < 0.7
    success, groups = rng.random(batch) < 0.5, rng.integers(0, tasks, batch)
    return rng.normal(0.0, 2.0, (batch, spans)), where, success, groups


def on_device(step_rewards, where, success, groups):
    rewards = jnp.asarray(step_rewards, jnp.float32)
    return rewards, jnp.asarray(where), jnp.asarray(success), jnp.asarray(groups)


@pytest.mark.parametrize("seed, batch, tasks", [(0, 1, 1), (1, 4, 1), (2, 9, 3)])
def test_trajectory_dpo_matches_the_loop(seed, batch, tasks, compiled):
    arrays = draw(seed, batch, tasks=tasks)
    loss = compiled(preference.trajectory_dpo)
    actual = loss(*on_device(*arrays))
    total, pairs = reference.trajectory_dpo(*arrays)
    assert actual.weight == pairs
    np.testing.assert_allclose(actual.total, total, rtol=1e-5)
    rewards, *rest = on_device(*arrays)
    gradient = jax.grad(lambda rewards: loss(rewards, *rest).total)(rewards)
    slope = reference.slope(
        lambda rewards: reference.trajectory_dpo(rewards, *arrays[1:])[0], arrays[0]
    )
    np.testing.assert_allclose(gradient, slope, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "success, groups",
    [
        ([True, True], [0, 0]),
        ([False, False], [0, 0]),
        ([True, False], [0, 1]),
    ],
)
def test_no_pair_is_exactly_zero(success, groups, compiled):
    rewards = jnp.asarray([[1e30, jnp.nan], [-3.0, 1.0]])
    where = jnp.asarray([[True, False], [True, True]])
    rest = (where, jnp.asarray(success), jnp.asarray(groups))
    loss = compiled(preference.trajectory_dpo)
    actual = loss(rewards, *rest)
    np.testing.assert_array_equal((actual.total, actual.weight), (0.0, 0.0))
    gradient = jax.grad(lambda rewards: loss(rewards, *rest).mean())(rewards)
    np.testing.assert_array_equal(gradient, np.zeros((2, 2)))


@pytest.mark.parametrize("gap", [300.0, -300.0])
def test_a_large_margin_does_not_overflow(gap):
    where, success = jnp.ones((2, 1), bool), jnp.asarray([True, False])
    rewards, groups = jnp.asarray([[gap], [0.0]]), jnp.zeros(2, jnp.int32)

    def loss(rewards):
        return preference.trajectory_dpo(rewards, where, success, groups).mean()

    np.testing.assert_allclose(loss(rewards), max(-gap, 0.0), atol=1e-6)
    slope = -1.0 if gap < 0 else 0.0
    np.testing.assert_allclose(jax.grad(loss)(rewards), [[slope], [-slope]], atol=1e-6)


@given(seed=seeds)
@laws
def test_padding_and_order_change_nothing(seed):
    rewards, where, success, groups = draw(seed)
    order = np.random.default_rng(seed).permutation(len(rewards))
    expected = preference.trajectory_dpo(*on_device(rewards, where, success, groups))
    padded = on_device(
        np.pad(rewards[order], ((0, 2), (0, 1)), constant_values=np.nan),
        np.pad(where[order], ((0, 2), (0, 1))),
        np.append(success[order], [True, False]),
        np.append(groups[order], [0, 0]),
    )
    actual = preference.trajectory_dpo(*padded)
    np.testing.assert_array_equal(actual.weight, expected.weight)
    np.testing.assert_allclose(actual.total, expected.total, rtol=1e-5)


@given(seed=seeds)
@laws
def test_a_prompt_constant_changes_nothing(seed):
    rewards, where, success, groups = draw(seed)
    where[:, 0] = True
    shifted = rewards.copy()
    shifted[:, 0] += 5.0 * groups
    first = preference.trajectory_dpo(*on_device(rewards, where, success, groups))
    second = preference.trajectory_dpo(*on_device(shifted, where, success, groups))
    np.testing.assert_allclose(first.total, second.total, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_dpo_matches_the_loop(smoothing, compiled):
    sides = -np.random.default_rng(4).gamma(5.0, 4.0, (4, 6))
    knobs = {"beta": 0.3, "label_smoothing": smoothing}
    actual = compiled(preference.dpo, **knobs)(*jnp.asarray(sides, jnp.float32))
    expected = reference.dpo(*sides, **knobs)
    np.testing.assert_allclose(actual.mean(), expected, rtol=1e-5)
    assert actual.weight == 6


@given(seed=seeds)
@laws
def test_dpo_with_sides_swapped_is_dpo_with_the_other_label(seed):
    sides = np.random.default_rng(seed).normal(0.0, 3.0, (4, 5))
    chosen, rejected, chosen_ref, rejected_ref = jnp.asarray(sides, jnp.float32)
    straight = preference.dpo(
        chosen, rejected, chosen_ref, rejected_ref, beta=0.5, label_smoothing=1.0
    )
    swapped = preference.dpo(rejected, chosen, rejected_ref, chosen_ref, beta=0.5)
    np.testing.assert_allclose(straight.total, swapped.total, rtol=1e-5, atol=1e-5)
