import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.ops import scans

SHAPES = [(1, 1), (6, 9), (2, 70)]


def problem(batch, time, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(batch, time)).astype(np.float32)
    where, stops = rng.random((2, batch, time)) < np.array([0.7, 0.3])[:, None, None]
    return values, where, stops


def loop(values, where, stops, decay):
    sums = np.zeros(values.shape)
    for row in range(len(values)):
        later = 0.0
        for time in reversed(np.flatnonzero(where[row])):
            later = values[row, time] + (0 if stops[row, time] else decay * later)
            sums[row, time] = later
    return sums


@pytest.mark.parametrize("batch, time", SHAPES)
def test_decayed_sums_pass_over_holes_and_end_at_stops(compiled, batch, time):
    kernel = compiled(scans.decayed_sums)
    values, where, stops = problem(batch, time)
    inputs = jnp.asarray(values), jnp.asarray(where)
    for decay in (1.0, 0.9, 0.0):
        for stop in (stops, ~where, np.ones_like(where)):
            actual = kernel(*inputs, decay=decay, stops=jnp.asarray(stop))
            expected = loop(values, where, stop, decay)
            np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)
        actual = kernel(*inputs, decay=jnp.float32(decay))
        expected = loop(values, where, np.zeros_like(where), decay)
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("batch, time", SHAPES)
def test_following_is_the_next_kept_entry(compiled, batch, time):
    kernel = compiled(scans.following)
    floats, where, _ = problem(batch, time)
    for values in (floats, (100 * floats).astype(np.int32)):
        last = np.arange(batch).astype(values.dtype) + 7
        actual = kernel(jnp.asarray(values), jnp.asarray(where), jnp.asarray(last))
        assert actual.dtype == values.dtype
        expected = np.zeros_like(values)
        for row in range(batch):
            kept = np.flatnonzero(where[row])
            expected[row, kept] = [*values[row, kept[1:]], last[row]][: len(kept)]
        np.testing.assert_array_equal(actual, expected)


def test_dropped_entries_reach_neither_value_nor_gradient():
    def total(values, where, stops):
        sums = scans.decayed_sums(values, where, decay=0.9, stops=stops)
        nexts = scans.following(values, where, jnp.ones(6))
        return jnp.sum(jnp.sin(sums) + jnp.sin(nexts))

    values, where, stops = map(jnp.asarray, problem(6, 9))
    evaluate = jax.jit(jax.value_and_grad(total))
    poisoned = jnp.where(where, values, jnp.nan)
    actual, gradient = evaluate(poisoned, where, stops)
    assert actual == evaluate(values, where, stops)[0]
    assert np.isfinite(gradient).all() and np.any(gradient)
    assert not np.any(gradient[~where])


def test_gradients_are_the_decays_between_entries():
    where = jnp.asarray([[True, False, True, True, True]])
    stops = jnp.asarray([[False, True, False, True, False]])

    def first(values):
        return scans.decayed_sums(values, where, decay=0.5, stops=stops)[0, 0]

    gradient = jax.grad(first)(jnp.ones((1, 5)))
    np.testing.assert_array_equal(gradient, [[1.0, 0.0, 0.5, 0.25, 0.0]])
