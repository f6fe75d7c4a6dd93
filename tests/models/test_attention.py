"""Frequencies against their definitions, rotations by their laws, masks by hand."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.models import attention
from rl_credit.models.config import DecoderConfig, RopeScaling

PLAIN = DecoderConfig(
    family="llama",
    vocab=8,
    width=8,
    layers=1,
    heads=2,
    kv_heads=1,
    head_dim=16,
    mlp_width=8,
    positions=64,
    rope_theta=100.0,
)


def scaled(kind, factor, **values):
    scaling = RopeScaling(kind=kind, factor=factor, **values)
    return attention.frequencies(dataclasses.replace(PLAIN, rope_scaling=scaling))


def test_plain_and_linear_frequencies_are_powers_of_theta():
    expected = [100.0 ** (-2 * i / 16) for i in range(8)]
    np.testing.assert_allclose(attention.frequencies(PLAIN), expected, rtol=1e-6)
    np.testing.assert_allclose(scaled("linear", 4.0), np.divide(expected, 4), rtol=1e-6)


def test_llama3_divides_long_wavelengths_and_blends_the_middle_ones():
    actual = scaled("llama3", 8.0, positions=64, low=1.0, high=4.0)
    plain = attention.frequencies(PLAIN).astype(np.float64)
    kinds = set()
    for frequency, result in zip(plain, actual):
        wavelength = 2 * np.pi / frequency
        if wavelength < 64 / 4:
            expected, kind = frequency, "kept"
        elif wavelength > 64 / 1:
            expected, kind = frequency / 8, "divided"
        else:
            kept = (64 / wavelength - 1) / (4 - 1)
            expected, kind = (1 - kept) * frequency / 8 + kept * frequency, "blended"
        kinds.add(kind)
        np.testing.assert_allclose(result, expected, rtol=1e-5)
    assert kinds == {"kept", "divided", "blended"}


def test_yarn_keeps_what_turns_often_and_stretches_what_seldom_does():
    actual = scaled("yarn", 4.0, positions=256, fast=16.0, slow=4.0)
    plain = attention.frequencies(PLAIN)
    turns = 256 * plain / (2 * np.pi)
    kept, stretched = turns > 16, turns < 2
    assert kept.any() and stretched.any()
    np.testing.assert_allclose(actual[kept], plain[kept], rtol=1e-6)
    np.testing.assert_allclose(actual[stretched], plain[stretched] / 4, rtol=1e-6)
    between = ~kept & ~stretched
    assert np.all(actual[between] <= plain[between] * (1 + 1e-6))
    assert np.all(actual[between] >= plain[between] / 4 * (1 - 1e-6))


@pytest.mark.parametrize(
    "values, expected",
    [({}, 0.1 * np.log(4.0) + 1), ({"attention": 1.5}, 1.5)],
)
def test_yarn_scales_queries_and_keys(values, expected):
    scaling = RopeScaling(kind="yarn", factor=4.0, positions=64, **values)
    config = dataclasses.replace(PLAIN, rope_scaling=scaling)
    cosines, sines = attention.rotation(config, jnp.arange(3)[None])
    np.testing.assert_allclose(cosines**2 + sines**2, expected**2, rtol=1e-5)


def test_products_of_rotated_heads_depend_on_distance_alone():
    key_queries, key_keys = jax.random.split(jax.random.key(0))
    queries = jax.random.normal(key_queries, (1, 1, 2, 16))
    keys = jax.random.normal(key_keys, (1, 1, 2, 16))

    def product(query, key):
        at = attention.rotation(PLAIN, jnp.asarray([[query]]))
        to = attention.rotation(PLAIN, jnp.asarray([[key]]))
        return jnp.sum(attention.rotate(queries, at) * attention.rotate(keys, to), -1)

    np.testing.assert_allclose(product(5, 3), product(45, 43), rtol=1e-4, atol=1e-5)
    assert np.abs(product(5, 3) - product(5, 4)).min() > 1e-3


def test_rotation_turns_dimension_i_with_its_half():
    head = jnp.zeros((1, 1, 1, 16)).at[..., 3].set(1.0)
    turned = attention.rotate(head, attention.rotation(PLAIN, jnp.asarray([[7]])))
    angle = 7 * 100.0 ** (-6 / 16)
    expected = np.zeros(16)
    expected[[3, 11]] = np.cos(angle), np.sin(angle)
    np.testing.assert_allclose(turned[0, 0, 0], expected, atol=1e-6)


def test_a_query_sees_real_slots_up_to_its_own():
    where = jnp.asarray([[False, True, False, True]])
    actual = attention.visible(where, 4)
    expected = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 1, 1, 0], [0, 1, 0, 1]]
    np.testing.assert_array_equal(actual[0, 0], np.asarray(expected, bool))
    later = attention.visible(where, 2, jnp.int32(2))
    np.testing.assert_array_equal(later[0, 0], np.asarray(expected[2:], bool))


def heads(shared, time=5, slots=9, dtype=jnp.float32):
    """Queries of 4 heads, keys and values of `shared`, and a mask with padding."""
    keys = jax.random.split(jax.random.key(1), 3)
    counts = (time, 4), (slots, shared), (slots, shared)
    arrays = [
        3 * jax.random.normal(key, (2, *count, 8), dtype)
        for key, count in zip(keys, counts)
    ]
    where = jnp.ones((2, slots), bool).at[0, :3].set(False).at[1, 6].set(False)
    return *arrays, attention.visible(where, time, jnp.int32(slots - time))


@jax.jit
def plain(queries, keys, values, mask):
    return attention.attend(queries, keys, values, mask, "xla")


@jax.jit
def reference(queries, keys, values, mask):
    return jax.nn.dot_product_attention(queries, keys, values, mask=mask)


@pytest.mark.parametrize("shared, time", [(1, 5), (2, 5), (4, 5), (2, 1), (4, 9)])
def test_attention_is_that_of_jax_also_with_shared_heads(shared, time):
    given = heads(shared, time)
    actual = plain(*given)
    assert actual.dtype == jnp.float32
    np.testing.assert_allclose(actual, reference(*given), atol=1e-5)


def test_attention_keeps_bfloat16_and_its_softmax_is_wider():
    given = heads(2, dtype=jnp.bfloat16)
    actual = plain(*given)
    wide = (array.astype(jnp.float32) for array in given[:3])
    expected = np.asarray(reference(*wide, given[3]))
    assert actual.dtype == jnp.bfloat16
    error = np.abs(np.asarray(actual, np.float32) - expected)
    assert error.max() < 0.01 * np.abs(expected).max()


def test_padding_is_not_attended_to():
    queries, keys, values, mask = heads(2)
    hidden = ~np.asarray(mask).any(axis=(1, 2))  # [batch slots] seen by no query
    assert hidden.any()
    spoilt = jnp.where(hidden[..., None, None], 1e6, values)
    moved = jnp.where(hidden[..., None, None], -1e3, keys)
    actual = plain(queries, moved, spoilt, mask)
    np.testing.assert_array_equal(actual, plain(queries, keys, values, mask))


@pytest.mark.parametrize("shared", [1, 2])
def test_attention_has_the_gradients_of_jax(shared):
    *given, mask = heads(shared, 9, 9)
    weights = jax.random.normal(jax.random.key(2), given[0].shape)

    def slopes(attend):
        def loss(*arrays):
            return jnp.sum(weights * attend(*arrays, mask))

        return jax.jit(jax.grad(loss, argnums=(0, 1, 2)))(*given)

    for actual, expected in zip(slopes(plain), slopes(reference)):
        assert np.isfinite(actual).all() and np.abs(actual).max() > 0.1
        np.testing.assert_allclose(actual, expected, atol=1e-4)


def test_gradients_stay_finite_whatever_the_scores():
    queries, keys, values, mask = heads(2)

    @jax.jit
    @jax.value_and_grad
    def loss(queries):
        return jnp.sum(plain(queries, keys, values, mask) ** 2)

    for size in (1e-3, 30.0, 1e4):
        value, slope = loss(size * queries)
        assert np.isfinite(value) and np.isfinite(slope).all()
