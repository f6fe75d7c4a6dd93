import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_credit.credit import chain
from tests import masks as shapes
from tests.references import chain as reference

SIZES = [(1, 1), (6, 13)]  # batch, time
PARTITIONS = {
    "cutpoints": dict(interval=2),
    "equal_cutpoints": dict(count=3),
    "equal_lengths": dict(count=4),
    "every": dict(interval=3),
}
CLOSE = dict(rtol=1e-5, atol=1e-5)
SEGMENT_ADVANTAGES = jax.jit(chain.segment_advantages)
VINEPPO = jax.jit(chain.vineppo)


def problem(batch, time, seed=0):
    """Values, boundaries, scores, probabilities."""
    rng = np.random.default_rng(seed)
    return (
        rng.normal(0.0, 1.0, (batch, time + 1)).astype(np.float32),
        rng.random((batch, time + 1)) < 0.4,
        rng.normal(0.0, 1.0, batch).astype(np.float32),
        rng.beta(2.0, 0.5, (batch, time)).astype(np.float32),
    )


def masks(batch, time, seed=0):
    return shapes.masks(np.random.default_rng(seed), batch, time).values()


def partition(module, name, probs, where):
    """The named partition; those of fixed length read no probabilities."""
    knobs = PARTITIONS[name]
    columns = (probs, where) if "cutpoints" in name else (where,)
    return getattr(module, name)(*columns, **knobs)


@pytest.mark.parametrize("batch, time", SIZES)
@pytest.mark.parametrize("name", PARTITIONS)
def test_partitions_match_the_loops(compiled, name, batch, time):
    kernel = compiled(lambda probs, where: partition(chain, name, probs, where))
    for seed, where in enumerate(masks(batch, time)):
        probs = problem(batch, time, seed)[3]
        junk = np.where(where, probs, np.nan)
        actual = kernel(jnp.asarray(junk), jnp.asarray(where))
        np.testing.assert_array_equal(actual, partition(reference, name, probs, where))


@pytest.mark.parametrize("name", PARTITIONS)
def test_partitions_do_not_see_the_padding(compiled, name):
    """Neither its content nor its length."""
    kernel = compiled(lambda probs, where: partition(chain, name, probs, where))
    probs, lengths = problem(6, 13)[3], np.array([13, 9, 5, 1, 0, 2])
    where = np.arange(13)[None] < lengths[:, None]
    short = kernel(jnp.asarray(probs), jnp.asarray(where))
    wide = np.pad(where, ((0, 0), (0, 3)))
    long = kernel(jnp.asarray(np.pad(probs, ((0, 0), (0, 3)))), jnp.asarray(wide))
    np.testing.assert_array_equal(long[:, :14], short)
    assert not np.any(long[:, 14:])


def test_the_threshold_itself_is_certain(compiled):
    probs = jnp.asarray([[0.9, 0.8999999, 0.9000001, jnp.nan]], jnp.float32)
    where = jnp.asarray([[True, True, True, False]])
    marks = compiled(chain.uncertain)(probs, where)
    np.testing.assert_array_equal(marks, [[False, True, False, False]])


def test_no_uncertain_token_makes_no_boundary(compiled):
    probs, where = jnp.full((6, 13), 0.95), jnp.ones((6, 13), bool)
    assert not np.any(compiled(chain.cutpoints)(probs, where))
    actual = compiled(chain.equal_cutpoints)(probs, where)
    np.testing.assert_array_equal(actual, np.arange(14)[None].repeat(6, 0) == 0)


@pytest.mark.parametrize("count", [1, 4, 20])
def test_lengths_of_equal_parts_differ_by_one_at_most(compiled, count):
    kernel = compiled(chain.equal_lengths, count=count)
    where = np.arange(16)[None] < np.arange(17)[:, None]
    for length, boundaries in enumerate(np.asarray(kernel(jnp.asarray(where)))):
        parts = reference.segments(boundaries, where[length])
        sizes = [end - start for start, end in parts]
        assert sum(sizes) == length and len(sizes) == min(count, length)
        assert sizes == sorted(sizes, reverse=True)
        assert not sizes or sizes[0] - sizes[-1] <= 1


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_equal_cutpoints_minimise_the_objective_of_the_paper(compiled, count):
    """Against all ways to cut; sum of squared numbers of cutpoints (section 4)."""
    kernel = compiled(chain.equal_cutpoints, count=count)
    for seed in range(12):
        marks = np.random.default_rng(seed).random(8) < 0.6

        def cost(starts):
            parts = zip(starts, [*starts[1:], 8])
            return sum(int(marks[a:b].sum()) ** 2 for a, b in parts)

        probs = jnp.asarray([np.where(marks, 0.5, 0.99)], jnp.float32)
        boundaries = np.asarray(kernel(probs, jnp.ones((1, 8), bool))[0])
        starts = np.flatnonzero(boundaries).tolist()
        assert starts[0] == 0 and len(starts) <= count and not boundaries[8]
        ways = itertools.combinations(range(1, 8), count - 1)
        assert cost(starts) == min(cost([0, *way]) for way in ways)


@pytest.mark.parametrize("batch, time", SIZES)
def test_segment_advantages_match_the_loop(compiled, batch, time):
    kernel = compiled(chain.segment_advantages)
    for seed, where in itertools.product(range(2), masks(batch, time)):
        values, boundaries, scores, _ = problem(batch, time, seed)
        known = np.where(boundaries, values, np.nan)
        paid = np.where(where.any(axis=1), scores, np.nan)
        inputs = known, boundaries, paid, where
        actual = kernel(*map(jnp.asarray, inputs))
        expected = reference.segment_advantages(values, boundaries, scores, where)
        np.testing.assert_allclose(actual, expected, **CLOSE)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_segment_advantages_telescope(seed):
    """Summed over segments: the score less the value at the first boundary."""
    values, boundaries, scores, _ = problem(6, 13, seed)
    for where in masks(6, 13, seed):
        inputs = map(jnp.asarray, (values, boundaries, scores, where))
        advantages = np.asarray(SEGMENT_ADVANTAGES(*inputs))
        for i in range(6):
            parts = reference.segments(boundaries[i], where[i])
            tokens = [np.flatnonzero(where[i, a:b]) + a for a, b in parts]
            if parts and all(map(len, tokens)):  # no segment is all hole
                total = sum(float(advantages[i, kept[0]]) for kept in tokens)
                start = values[i, parts[0][0]]
                np.testing.assert_allclose(total, scores[i] - start, **CLOSE)


def test_what_is_not_estimated_reaches_neither_value_nor_gradient(compiled):
    """NaN off the boundaries, at the end of the response and behind it."""

    def total(values, scores, boundaries, where):
        gained = chain.segment_advantages(values, boundaries, scores, where)
        return jnp.sum(gained * jnp.arange(1.0, 14.0)[None])

    evaluate = compiled(jax.value_and_grad(total, argnums=(0, 1)))
    for where in masks(6, 13):
        values, boundaries, scores, _ = problem(6, 13)
        used = boundaries.copy()
        for i, row in enumerate(where):
            used[i, np.flatnonzero(row)[-1] + 1 if row.any() else 0 :] = False
        inputs = boundaries, where
        clean = evaluate(*map(jnp.asarray, (values, scores, *inputs)))
        junk = np.where(used, values, np.nan)
        actual, slopes = evaluate(*map(jnp.asarray, (junk, scores, *inputs)))
        np.testing.assert_array_equal(actual, clean[0])
        for slope, expected in zip(slopes, clean[1]):
            np.testing.assert_array_equal(slope, expected)
        np.testing.assert_array_equal(slopes[0][~used], np.zeros((~used).sum()))


def test_gradients_of_segment_advantages_match_differences(compiled):
    values, boundaries, scores, _ = problem(6, 13)
    where = shapes.masks(np.random.default_rng(0), 6, 13)["holes"]
    weights = np.random.default_rng(1).normal(size=(6, 13)).astype(np.float32)

    def total(values, scores):
        inputs = values, jnp.asarray(boundaries), scores, jnp.asarray(where)
        return jnp.sum(jnp.asarray(weights) * chain.segment_advantages(*inputs))

    gradient = compiled(jax.grad(total, argnums=(0, 1)))
    slope = gradient(jnp.asarray(values), jnp.asarray(scores))

    def exact(values, scores):  # linear, so a unit step is the derivative
        expected = reference.segment_advantages(values, boundaries, scores, where)
        return np.sum(weights * expected)

    for index in np.ndindex(6, 14):
        moved = values.astype(np.float64)
        moved[index] += 1.0
        expected = exact(moved, scores) - exact(values, scores)
        np.testing.assert_allclose(slope[0][index], expected, **CLOSE)
    for row in range(6):
        expected = exact(values, scores + np.eye(6)[row]) - exact(values, scores)
        np.testing.assert_allclose(slope[1][row], expected, **CLOSE)


@pytest.mark.parametrize("batch, time", SIZES)
def test_vineppo_matches_the_loop(compiled, batch, time):
    kernel = compiled(chain.vineppo)
    for seed, where in enumerate(masks(batch, time)):
        values, known, _, rewards = problem(batch, time, seed)
        values, known = values[:, :time], known[:, :time]
        expected = reference.vineppo(rewards, values, where, known)
        inputs = np.where(where, rewards, np.nan), np.where(known, values, np.nan)
        actual = kernel(*map(jnp.asarray, (*inputs, where, known)))
        np.testing.assert_allclose(actual, expected, **CLOSE)
        actual = kernel(*map(jnp.asarray, (rewards, values, where)))
        expected = reference.vineppo(rewards, values, where)
        np.testing.assert_allclose(actual, expected, **CLOSE)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_vineppo_telescopes_to_the_return_less_the_first_value(seed):
    values, _, _, rewards = problem(6, 13, seed)
    for where in masks(6, 13, seed):
        inputs = map(jnp.asarray, (rewards, values[:, :13], where))
        totals = np.asarray(VINEPPO(*inputs)).sum(axis=1)
        for i in np.flatnonzero(where.any(axis=1)):
            start = values[i, np.flatnonzero(where[i])[0]]
            expected = rewards[i][where[i]].sum() - start
            np.testing.assert_allclose(totals[i], expected, **CLOSE)
