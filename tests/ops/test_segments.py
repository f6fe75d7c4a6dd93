import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_credit.ops import segments
from tests.references import ops as reference

CENTRE, DEVIATION = jax.jit(segments.centre), jax.jit(segments.deviation)
MASKS = ["all", "some", "none"]
SIZES = [(1, 1), (9, 3), (64, 1), (300, 40)]  # rows, groups
CONSTANTS = [(8, 0.1), (15, 10 * 0.95**3), (1, 0.3), (64, 1 / 3), (7, 1e4 + 0.1)]


def problem(rows, groups, mask, seed=0):
    """Values, ids in any order and with gaps, and a mask."""
    rng = np.random.default_rng(seed)
    values = rng.normal(1.0, 3.0, rows).astype(np.float32)
    ids = rng.permutation(rows)[rng.integers(0, groups, rows)].astype(np.int32)
    where = {
        "all": np.ones(rows, bool),
        "some": rng.random(rows) < 0.6,
        "none": np.zeros(rows, bool),
    }[mask]
    return values, ids, where


def arrays(*parts):
    return [jnp.asarray(part) for part in parts]


@pytest.mark.parametrize("rows, groups", SIZES)
def test_tables_match_the_loops(compiled, rows, groups):
    total, lowest = compiled(segments.total), compiled(segments.lowest)
    count = compiled(segments.count)
    for mask in MASKS:
        values, ids, where = problem(rows, groups, mask)
        exact = values.astype(np.float64), ids, where
        actual = total(*arrays(values, ids, where))
        expected = reference.table(sum, 0.0, *exact)
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)
        actual = lowest(*arrays(values, ids, where))
        np.testing.assert_array_equal(actual, reference.table(min, np.inf, *exact))
        actual = count(*arrays(ids, where))
        np.testing.assert_array_equal(actual, reference.table(len, 0, *exact))


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("rows, groups", SIZES)
def test_moments_match_the_loops(compiled, rows, groups, ddof):
    mean, centre = compiled(segments.mean), compiled(segments.centre)
    deviation = compiled(segments.deviation, ddof=ddof)
    close = dict(rtol=1e-5, atol=1e-5)
    for mask in MASKS:
        values, ids, where = problem(rows, groups, mask)
        exact = values.astype(np.float64), ids, where
        inputs = arrays(values, ids, where)
        expected = reference.segment_mean(*exact)
        np.testing.assert_allclose(mean(*inputs), expected, **close)
        expected = reference.segment_centre(*exact)
        np.testing.assert_allclose(centre(*inputs), expected, **close)
        expected = reference.segment_deviation(*exact, ddof)
        np.testing.assert_allclose(deviation(*inputs), expected, **close)


def test_no_mask_keeps_every_row(compiled):
    values, ids, where = arrays(*problem(40, 5, "all"))
    for name in ("total", "mean", "lowest", "centre", "deviation"):
        kernel = compiled(getattr(segments, name))
        np.testing.assert_array_equal(kernel(values, ids), kernel(values, ids, where))


def test_equal_rows_are_exactly_zero(compiled):
    """Scattered among the rows of a group with spread."""
    centre, deviation = compiled(segments.centre), compiled(segments.deviation)
    order = np.random.default_rng(0).permutation(80)
    for count, value in CONSTANTS:
        equal = np.arange(80) < count
        values = np.where(equal, value, np.arange(80))[order].astype(np.float32)
        ids = np.where(equal, 41, 3)[order].astype(np.int32)
        centred = centre(*arrays(values, ids))
        np.testing.assert_array_equal(centred[ids == 41], np.zeros(count))
        spread = deviation(*arrays(values, ids))
        assert spread[41] == 0 and spread[3] > 1


def test_a_spread_of_rounding_only_is_none(compiled):
    deviation = compiled(segments.deviation)
    for value in (0.1, 33.3, 1e4, -7.7, 1e-6):
        low = np.float32(value)
        values = np.array([low, np.nextafter(low, np.float32(np.inf))] * 4)
        assert deviation(*arrays(values, np.zeros(8, np.int32)))[0] == 0
        values[3] = low + 1e-4 * abs(low)  # a small spread that is real
        assert deviation(*arrays(values, np.zeros(8, np.int32)))[0] > 0


def test_a_large_offset_changes_nothing(compiled):
    rng = np.random.default_rng(3)
    values = jnp.asarray(rng.integers(-64, 64, 300) / 64, jnp.float32)
    ids = jnp.asarray(rng.integers(0, 40, 300) * 7)
    moved = values + 1e4
    np.testing.assert_array_equal(moved - 1e4, values)  # nothing was rounded
    for kernel in (segments.centre, segments.deviation):
        actual, expected = (compiled(kernel)(v, ids) for v in (moved, values))
        np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["total", "mean", "centre", "deviation"])
def test_dropped_rows_reach_neither_value_nor_gradient(compiled, name):
    def total(values, ids, where):
        table = getattr(segments, name)(values, ids, where)
        return jnp.sum(jnp.sin(table * jnp.arange(1.0, 25.0)))

    evaluate = compiled(jax.value_and_grad(total))
    for mask in ("some", "none"):
        values, ids, where = arrays(*problem(24, 4, mask))
        actual, gradient = evaluate(jnp.where(where, values, jnp.nan), ids, where)
        np.testing.assert_array_equal(actual, evaluate(values, ids, where)[0])
        assert np.isfinite(gradient).all()
        assert np.any(gradient) == (mask == "some")
        np.testing.assert_array_equal(gradient[~where], np.zeros(np.sum(~where)))


def test_no_gradient_is_nan_without_spread(compiled):
    def total(values, ids):
        spread = segments.deviation(values, ids)[ids]
        return jnp.sum(segments.centre(values, ids) / (spread + 1e-6) + spread)

    gradient = compiled(jax.grad(total))
    for count, value in CONSTANTS:  # `count` equal rows, and as many single ones as fit
        ids = jnp.maximum(jnp.arange(64) - count + 1, 0)
        values = jnp.full((64,), value, jnp.float32)
        assert np.isfinite(gradient(values, ids)).all()


def test_gradients_match_the_definitions(compiled):
    """Of centre w.r.t. values: w less its group's mean; of deviation: centred / sd."""
    values, ids, _ = arrays(*problem(30, 4, "all"))
    weights = jnp.asarray(np.random.default_rng(1).normal(size=30), jnp.float32)
    actual = compiled(jax.grad(lambda v: jnp.sum(weights * segments.centre(v, ids))))
    expected = weights - segments.mean(weights, ids)[ids]
    np.testing.assert_allclose(actual(values), expected, rtol=1e-5, atol=1e-5)
    actual = compiled(jax.grad(lambda v: jnp.sum(segments.deviation(v, ids))))
    slope = 1 / (segments.deviation(values, ids) * (segments.count(ids) - 1))
    expected = segments.centre(values, ids) * slope[ids]
    np.testing.assert_allclose(actual(values), expected, rtol=1e-5, atol=1e-5)


def test_batches_are_mapped_one_by_one(compiled):
    stacked = [problem(20, 3, "some", seed) for seed in range(5)]
    values, ids, where = (jnp.asarray(np.stack(x)) for x in zip(*stacked))
    for kernel in (segments.mean, segments.centre, segments.deviation):
        actual = compiled(jax.vmap(kernel))(values, ids, where)
        expected = [kernel(*rows) for rows in zip(values, ids, where)]
        np.testing.assert_allclose(actual, jnp.stack(expected), rtol=1e-6, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-50, 50), min_size=12, max_size=12), st.randoms())
def test_order_names_and_offset_do_not_matter(entries, random):
    values = jnp.asarray(entries, jnp.float32)
    ids = jnp.asarray([random.randrange(4) for _ in range(12)])
    where = jnp.asarray([random.random() < 0.8 for _ in range(12)])
    order, names = (np.asarray(random.sample(range(12), 12)) for _ in range(2))
    moved = jnp.asarray(names)[ids][order]
    inputs = (values + 100.0)[order], moved, where[order]
    centred = CENTRE(values, ids, where)
    actual = CENTRE(*inputs)
    np.testing.assert_allclose(actual, centred[order], rtol=1e-5, atol=1e-5)
    sums = np.bincount(np.asarray(ids), np.asarray(centred))
    np.testing.assert_allclose(sums, np.zeros_like(sums), atol=1e-4)
    spread = DEVIATION(values, ids, where)
    actual = DEVIATION(*inputs)[names[:4]]
    np.testing.assert_allclose(actual, spread[:4], rtol=1e-5, atol=1e-5)


def test_centre_takes_the_mean_of_a_sample(compiled):
    values = jnp.asarray([1.0, 2.0, 9.0, 5.0, 7.0], jnp.float32)
    ids = jnp.asarray([4, 4, 4, 0, 0])
    where = jnp.asarray([True, True, True, True, False])
    sample = jnp.asarray([True, False, True, True, False])
    actual = compiled(segments.centre)(values, ids, where, sample)
    np.testing.assert_allclose(actual, [-4.0, -3.0, 4.0, 0.0, 0.0], rtol=1e-6)


def test_divide_is_zero_without_deviation(compiled):
    divide = compiled(segments.divide, epsilon=0.5)
    centred, deviations = jnp.asarray([3.0, 3.0, -1.0]), jnp.asarray([1.0, 0.0, 1.5])
    actual = divide(centred, deviations)
    np.testing.assert_allclose(actual, [2.0, 0.0, -0.5], rtol=1e-6)
    gradient = jax.grad(lambda d: jnp.sum(segments.divide(centred, d, 0.0)))
    assert np.isfinite(compiled(gradient)(deviations)).all()


def test_firsts_mark_one_kept_row_an_id(compiled):
    ids = jnp.asarray([5, 2, 5, 2, 0, 5])
    where = jnp.asarray([False, True, True, True, False, True])
    assert compiled(segments.firsts)(ids).tolist() == [1, 1, 0, 0, 1, 0]
    assert compiled(segments.firsts)(ids, where).tolist() == [0, 1, 1, 0, 0, 0]
