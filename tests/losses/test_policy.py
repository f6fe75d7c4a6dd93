import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_credit.losses import policy, reduce
from tests.references import losses as reference

LOOPS = {name: getattr(reference, name) for name in policy.POLICY}
KNOBS = {
    "ppo_clip": {"clip_low": 0.1, "clip_high": 0.3, "dual_clip": 1.5},
    "gspo": {"clip_low": 0.1, "clip_high": 0.2},
    "cispo": {"clip_low": 0.2, "clip_high": 0.3},
    "sapo": {"temperature": 0.8, "temperature_negative": 1.3},
    "gmpo": {"clip_low": 0.2, "clip_high": 0.3},
}
every_loss = pytest.mark.parametrize("name", policy.POLICY)
laws = settings(max_examples=25, deadline=None)
seeds = st.integers(0, 2**16)


def on_device(*arrays):
    """The float64 and bool arrays of the loops, as kernels take them."""
    dtypes = {"f": jnp.float32, "b": jnp.bool_}
    return tuple(jnp.asarray(x, dtypes[x.dtype.kind]) for x in arrays)


@functools.cache
def total(name):
    """Compiled total, weight and gradient of the total."""
    loss = policy.POLICY[name]

    def value(logps, *rest):
        weighted = loss(logps, *rest, **KNOBS.get(name, {}))
        return weighted.total, weighted.weight

    return jax.jit(jax.value_and_grad(value, has_aux=True))


@every_loss
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (5, 4)])
@pytest.mark.parametrize("knobs", ["defaults", "others"])
def test_matches_the_loop(name, shape, knobs, compiled):
    knobs = KNOBS.get(name, {}) if knobs == "others" else {}
    arrays = reference.draw(11, *shape)
    actual = compiled(policy.POLICY[name], **knobs)(*on_device(*arrays))
    expected = LOOPS[name](*arrays, **knobs)
    np.testing.assert_allclose(actual.mean(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["reinforce", "gpg", "ppo_clip", "sapo", "gmpo"])
def test_gradient_is_the_slope_of_the_loop(name, compiled):
    logps, *rest = reference.draw(5)
    knobs = KNOBS.get(name, {})
    loss = compiled(policy.POLICY[name], **knobs)
    actual = jax.grad(lambda *arrays: loss(*arrays).mean())(*on_device(logps, *rest))
    slope = reference.slope(lambda new: LOOPS[name](new, *rest, **knobs), logps)
    np.testing.assert_allclose(actual, slope, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("clip", [0.05, 0.5])
def test_gspo_with_one_advantage_a_sequence_has_the_slope_of_the_loop(clip, compiled):
    logps, old_logps, advantages, where = reference.draw(6)
    advantages = np.repeat(advantages[:, :1], advantages.shape[1], axis=1)
    rest, knobs = (old_logps, advantages, where), {"clip_low": clip, "clip_high": clip}
    loss = compiled(policy.gspo, **knobs)
    actual = jax.grad(lambda *arrays: loss(*arrays).mean())(*on_device(logps, *rest))
    slope = reference.slope(lambda new: reference.gspo(new, *rest, **knobs), logps)
    np.testing.assert_allclose(actual, slope, rtol=1e-3, atol=1e-5)


def test_gspo_credits_each_token_with_its_own_advantage():
    logps, old_logps, advantages, where = on_device(*reference.draw(7))
    wide = functools.partial(policy.gspo, clip_low=0.99, clip_high=99.0)
    actual = jax.grad(lambda new: wide(new, old_logps, advantages, where).mean())(logps)
    lengths = jnp.maximum(jnp.sum(where, axis=1, keepdims=True, dtype=jnp.float32), 1.0)
    differences = jnp.where(where, logps - old_logps, 0.0)
    ratios = jnp.exp(jnp.sum(differences, axis=1, keepdims=True) / lengths)
    sequences = jnp.sum(where.any(axis=1), dtype=jnp.float32)
    expected = jnp.where(where, -ratios * advantages / lengths / sequences, 0.0)
    np.testing.assert_allclose(actual, expected, rtol=1e-5)


def test_cispo_gradient_is_the_clipped_ratio_times_the_advantage(compiled):
    logps, old_logps, advantages, where = reference.draw(8)
    knobs = {"clip_low": 0.2, "clip_high": 0.1}
    loss = compiled(policy.cispo, **knobs)
    arrays = on_device(logps, old_logps, advantages, where)
    actual = jax.grad(lambda *given: loss(*given).mean())(*arrays)
    weights = np.clip(np.exp(logps - old_logps), 0.8, 1.1)
    expected = np.where(where, -weights * advantages / where.sum(), 0.0)
    np.testing.assert_allclose(actual, expected, rtol=1e-5)


@given(seed=seeds, delta=st.floats(1.3, 4.0))
@laws
def test_dual_clip_is_the_two_sided_clip(seed, delta):
    arrays = reference.draw(seed)
    actual = policy.ppo_clip(*on_device(*arrays), dual_clip=delta)
    expected = reference.two_sided(*arrays, delta=delta)
    np.testing.assert_allclose(actual.mean(), expected, rtol=1e-4, atol=1e-6)


@given(seed=seeds)
@laws
def test_ppo_clip_at_ratio_one_has_the_gradient_of_reinforce(seed):
    logps, _, advantages, where = on_device(*reference.draw(seed))

    def gradient(loss):
        def value(new):
            return loss(new, logps, advantages, where, reduce=reduce.token_mean).mean()

        return jax.grad(value)(logps)

    np.testing.assert_allclose(
        gradient(policy.ppo_clip), gradient(policy.reinforce), rtol=1e-6
    )


@every_loss
@given(seed=seeds, cut=st.sampled_from([1, 2, 3]))
@laws
def test_splitting_into_microbatches_changes_nothing(name, seed, cut):
    arrays = on_device(*reference.draw(seed))
    (whole, weight), gradient = total(name)(*arrays)
    (first, before), upper = total(name)(*(x[:cut] for x in arrays))
    (second, after), lower = total(name)(*(x[cut:] for x in arrays))
    np.testing.assert_array_equal(before + after, weight)
    np.testing.assert_allclose(first + second, whole, rtol=1e-4, atol=1e-5)
    parts = jnp.concatenate([upper, lower])
    np.testing.assert_allclose(parts, gradient, rtol=1e-4, atol=1e-6)


@every_loss
@given(seed=seeds)
@laws
def test_padding_changes_nothing(name, seed):
    arrays = on_device(*reference.draw(seed))
    padded = tuple(jnp.pad(x, ((0, 2), (0, 3))) for x in arrays)
    (value, weight), gradient = total(name)(*arrays)
    (other, same), longer = total(name)(*padded)
    np.testing.assert_array_equal(same, weight)
    np.testing.assert_allclose(other, value, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(longer[:-2, :-3], gradient, rtol=1e-5, atol=1e-6)
    assert jnp.sum(longer != 0) == jnp.sum(gradient != 0)


@every_loss
@given(seed=seeds, junk=st.sampled_from([np.nan, np.inf, -np.inf, 1e30]))
@laws
def test_what_is_masked_reaches_neither_value_nor_gradient(name, seed, junk):
    *clean, where = on_device(*reference.draw(seed))
    dirty = [jnp.where(where, x, jnp.float32(junk)) for x in clean]
    (value, _), gradient = total(name)(*clean, where)
    (other, _), same = total(name)(*dirty, where)
    np.testing.assert_array_equal(other, value)
    np.testing.assert_array_equal(same, gradient)
    assert jnp.all(jnp.where(where, True, same == 0))


@every_loss
@pytest.mark.parametrize("gap", [-200.0, -25.0, 25.0, 200.0])
@pytest.mark.parametrize("advantage", [-1.0, 1.0])
def test_huge_log_ratios_stay_finite(name, gap, advantage):
    logps = jnp.asarray([[-1.0, -1.0 + gap]])
    old_logps, where = jnp.full((1, 2), -1.0), jnp.ones((1, 2), bool)
    advantages = jnp.full((1, 2), advantage)
    (value, _), gradient = total(name)(logps, old_logps, advantages, where)
    assert jnp.isfinite(value) and jnp.all(jnp.isfinite(gradient))
