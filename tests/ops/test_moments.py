import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.sharding import Mesh, PartitionSpec

from rl_credit.ops import moments
from tests.references import ops as reference

UPDATE, MERGE = jax.jit(moments.update), jax.jit(moments.merge)


def stream(batches, rows, columns=2, seed=0, offset=0.0, scale=1.0):
    rng = np.random.default_rng(seed)
    values = offset + scale * rng.normal(size=(batches, rows, columns))
    return values.astype(np.float32), rng.random((batches, rows)) < 0.6


def states(count, seed=0):
    """Moments of batches of 8 rows and 2 columns, some rows dropped."""
    values, where = stream(count, 8, seed=seed)
    start = moments.init((2,))
    return [UPDATE(start, *map(jnp.asarray, batch)) for batch in zip(values, where)]


def assert_close(actual, expected):
    close = dict(rtol=1e-5, atol=1e-6)
    jax.tree.map(
        functools.partial(np.testing.assert_allclose, **close), actual, expected
    )


def test_updates_match_the_loop(compiled):
    update = compiled(moments.update)
    values, where = stream(5, 40)
    where[2] = False
    state = moments.init((2,))
    for batch, kept in zip(values, where):
        state = update(state, jnp.asarray(batch), jnp.asarray(kept))
    count, mean, squares = reference.moments(values.reshape(-1, 2), where.reshape(-1))
    np.testing.assert_array_equal(state.count, count)
    np.testing.assert_allclose(state.mean, mean, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(state.squares, squares, rtol=1e-6)
    for ddof in (0, 1):
        expected = squares / (count - ddof)
        actual = compiled(moments.variance, ddof=ddof)(state)
        np.testing.assert_allclose(actual, expected, rtol=1e-6)
        actual = compiled(moments.deviation, ddof=ddof)(state)
        np.testing.assert_allclose(actual, np.sqrt(expected), rtol=1e-6)


def test_scalars_and_a_mask_of_the_values_shape(compiled):
    update = compiled(moments.update)
    state = update(moments.init(), jnp.asarray([1.0, 2.0, 6.0]))
    assert (state.count, state.mean, state.squares) == (3.0, 3.0, 14.0)
    values = jnp.asarray([[1.0, jnp.nan], [3.0, 5.0]])
    where = jnp.asarray([[True, False], [True, True]])
    state = update(moments.init((2,)), values, where)
    assert state.count.tolist() == [2, 1] and state.mean.tolist() == [2, 5]
    assert state.squares.tolist() == [2, 0]


def test_a_large_offset_costs_no_precision(compiled):
    for rows, scale in ((1, 0.1), (32, 0.1), (1000, 0.01)):
        values, _ = stream(2000 // rows, rows, offset=1e4, scale=scale)

        def advance(state, batch):
            return moments.update(state, batch), None

        run = compiled(lambda values: jax.lax.scan(advance, moments.init((2,)), values))
        state, _ = run(jnp.asarray(values))
        exact = values.reshape(-1, 2).astype(np.float64)
        variance = moments.variance(state)
        np.testing.assert_allclose(variance, exact.var(axis=0, ddof=1), rtol=1e-4)
        np.testing.assert_allclose(state.mean, exact.mean(axis=0), rtol=1e-7)


def test_equal_values_have_no_variance(compiled):
    update = compiled(moments.update)
    state = moments.init()
    for value in [np.float32(10 * 0.95**3)] * 3:
        state = update(state, jnp.full((15,), value))
        assert state.mean == value and state.squares == 0


def test_a_dropped_batch_changes_nothing(compiled):
    values = jnp.full((8, 2), jnp.nan, jnp.float32)
    for state in (moments.init((2,)), states(1)[0]):
        actual = compiled(moments.update)(state, values, jnp.zeros(8, bool))
        jax.tree.map(np.testing.assert_array_equal, actual, state)
        for pair in ((state, moments.init((2,))), (moments.init((2,)), state)):
            merged = compiled(moments.merge)(*pair)
            jax.tree.map(np.testing.assert_array_equal, merged, state)


def test_what_the_mask_drops_reaches_neither_value_nor_gradient(compiled):
    values, where = (jnp.asarray(part[0]) for part in stream(1, 8))

    def total(values):
        state = moments.update(moments.init((2,)), values, where)
        return jnp.sum(moments.deviation(state) + state.mean)

    spoiled = jnp.where(where[:, None], values, jnp.nan)
    evaluate = compiled(jax.value_and_grad(total))
    actual, gradient = evaluate(spoiled)
    np.testing.assert_array_equal(actual, evaluate(values)[0])
    assert np.isfinite(gradient).all() and np.any(gradient)
    assert not np.any(gradient[~where])
    assert np.isfinite(evaluate(jnp.ones_like(values))[1]).all()  # no spread


def test_variance_needs_more_than_ddof_values(compiled):
    state = moments.update(moments.init(), jnp.asarray([4.0]))
    assert compiled(moments.variance)(state) == 0
    assert compiled(moments.deviation)(moments.init()) == 0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_merging_is_associative_and_commutative(seed):
    first, second, third = states(3, seed)
    assert_close(MERGE(first, second), MERGE(second, first))
    left = MERGE(MERGE(first, second), third)
    assert_close(left, MERGE(first, MERGE(second, third)))


def test_merge_across_a_named_axis_is_merging_all(compiled):
    parts = states(4) + [moments.init((2,))]
    merged = functools.partial(moments.merge_across, axis_name="devices")
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *parts)
    actual = compiled(jax.vmap(merged, axis_name="devices"))(stacked)
    expected = functools.reduce(moments.merge, parts)
    for row in range(5):
        assert_close(jax.tree.map(lambda leaf: leaf[row], actual), expected)


def test_merge_across_shards(compiled):
    mesh = Mesh(np.array(jax.devices()), ("devices",))
    sharded = PartitionSpec("devices")
    merged = functools.partial(moments.merge_across, axis_name="devices")
    shape = dict(mesh=mesh, in_specs=sharded, out_specs=PartitionSpec())
    parts = states(len(jax.devices()))
    stacked = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *parts)
    actual = compiled(jax.shard_map(merged, **shape))(stacked)
    assert_close(actual, functools.reduce(moments.merge, parts))


def test_variance_stays_right_past_the_limit_of_counting(compiled):
    """A count of 2^24 no longer grows by 1, so neither may the squares."""
    state = moments.init()
    limit = jnp.asarray(2.0**24)
    state = dataclasses.replace(state, count=limit, squares=1.5 * limit)
    values = jnp.sqrt(jnp.asarray([1.5] * 40000))[:, None]
    values = values.at[::2].multiply(-1.0)

    def advance(state, batch):
        return moments.update(state, batch), None

    state, _ = compiled(lambda values: jax.lax.scan(advance, state, values))(values)
    np.testing.assert_allclose(moments.variance(state, ddof=0), 1.5, rtol=1e-5)
    assert state.count == limit
