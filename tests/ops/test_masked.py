import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_credit.ops import masked
from tests.references import ops as reference

WHITEN = jax.jit(masked.whiten)
MASKS = ["all", "some", "one", "none"]
CONSTANTS = [(8, 0.1), (15, 10 * 0.95**3), (1, 0.3), (1000, 1 / 3), (7, 1e4 + 0.1)]


def problem(rows, mask, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.normal(2.0, 3.0, rows).astype(np.float32)
    where = {
        "all": np.ones(rows, bool),
        "some": rng.random(rows) < 0.6,
        "one": np.arange(rows) == rows // 2,
        "none": np.zeros(rows, bool),
    }[mask]
    return values, where


def arrays(*parts):
    return [jnp.asarray(part) for part in parts]


@pytest.mark.parametrize("ddof", [0, 1, 3])
@pytest.mark.parametrize("rows", [1, 9, 300])
def test_moments_match_the_loops(compiled, rows, ddof):
    mean, centre = compiled(masked.mean), compiled(masked.centre)
    variance = compiled(masked.variance, ddof=ddof)
    close = dict(rtol=1e-5, atol=2e-6)
    for mask in MASKS:
        values, where = problem(rows, mask)
        inputs, exact = arrays(values, where), values.astype(np.float64)
        expected = reference.mean(exact, where)
        np.testing.assert_allclose(mean(*inputs), expected, **close)
        expected = reference.centre(exact, where)
        np.testing.assert_allclose(centre(*inputs), expected, **close)
        expected = reference.variance(exact, where, ddof)
        np.testing.assert_allclose(variance(*inputs), expected, **close)


@pytest.mark.parametrize("rows", [1, 2, 9, 300])
def test_whitening_matches_the_loop(compiled, rows):
    whiten = compiled(masked.whiten, epsilon=1e-3)
    for mask in MASKS:
        values, where = problem(rows, mask)
        expected = reference.whiten(values.astype(np.float64), where, 1e-3)
        actual = whiten(*arrays(values, where))
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=2e-6)


def test_weigh_sums_and_counts_in_float32(compiled):
    values = jnp.asarray([[1.0, 2.0], [4.0, jnp.nan]], jnp.bfloat16)
    where = jnp.asarray([[True, True], [True, False]])
    actual = compiled(masked.weigh)(values, where)
    assert (actual.total, actual.weight) == (7.0, 3.0)
    assert (actual.total.dtype, actual.weight.dtype) == (jnp.float32, jnp.float32)


def test_keep_without_a_mask_is_the_identity(compiled):
    values = jnp.asarray([1.0, -2.0])
    actual = compiled(lambda values: masked.keep(values, None))(values)
    np.testing.assert_array_equal(actual, values)


def test_equal_values_are_exactly_zero(compiled):
    for kernel in (masked.centre, masked.whiten, masked.variance):
        bound = compiled(kernel)
        for rows, value in CONSTANTS:
            where = jnp.arange(1000) < rows
            actual = bound(jnp.where(where, jnp.float32(value), 9.0), where)
            np.testing.assert_array_equal(actual, jnp.zeros_like(actual))


def test_a_large_offset_changes_nothing(compiled):
    rng = np.random.default_rng(1)
    values = jnp.asarray(rng.integers(-64, 64, 200) / 64, jnp.float32)
    where = jnp.asarray(rng.random(200) < 0.7)
    moved = values + 1e4
    np.testing.assert_array_equal(moved - 1e4, values)  # nothing was rounded
    for kernel in (masked.centre, masked.whiten, masked.variance):
        actual, expected = (compiled(kernel)(v, where) for v in (moved, values))
        np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("kernel", [masked.centre, masked.whiten, masked.variance])
def test_what_the_mask_drops_reaches_neither_value_nor_gradient(compiled, kernel):
    values, where = (jnp.asarray(x) for x in problem(12, "some"))
    spoiled = jnp.where(where, values, jnp.nan)

    def total(values):
        weights = jnp.arange(1.0, 13.0)
        return jnp.sum(jnp.sin(weights * kernel(values, where)))

    np.testing.assert_array_equal(compiled(total)(spoiled), compiled(total)(values))
    actual = compiled(jax.grad(total))(spoiled)
    assert np.isfinite(actual).all() and np.any(actual)
    np.testing.assert_array_equal(actual[~where], np.zeros(np.sum(~where)))


@pytest.mark.parametrize("kernel", [masked.whiten, masked.variance])
def test_no_gradient_is_nan_without_spread(compiled, kernel):
    gradient = compiled(jax.grad(lambda *inputs: jnp.sum(kernel(*inputs))))
    for rows, value in CONSTANTS:
        where = jnp.arange(1000) < rows
        assert np.isfinite(gradient(jnp.full((1000,), value, jnp.float32), where)).all()


def test_batches_are_mapped_one_by_one(compiled):
    stacked = [problem(20, "some", seed) for seed in range(5)]
    values, where = (jnp.asarray(np.stack(x)) for x in zip(*stacked))
    actual = compiled(jax.vmap(masked.whiten))(values, where)
    expected = [masked.whiten(v, w) for v, w in zip(values, where)]
    np.testing.assert_allclose(actual, jnp.stack(expected), rtol=1e-6, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-1000, 1000), min_size=10, max_size=10), st.randoms())
def test_whitening_ignores_scale_order_and_padding(entries, random):
    values = jnp.asarray(entries, jnp.float32)
    where = jnp.asarray([True] * 8 + [False] * 2)
    actual = WHITEN(values, where)
    if np.ptp(entries[:8]) > 0:
        np.testing.assert_allclose(jnp.std(actual[:8], ddof=1), 1.0, rtol=1e-4)
    order = np.asarray(random.sample(range(10), 10))
    moved = WHITEN(4 * values[order], where[order])
    np.testing.assert_allclose(moved, actual[order], rtol=1e-4, atol=1e-5)
    padded = WHITEN(values.at[8:].set(7.0), where)
    np.testing.assert_array_equal(padded, actual)
