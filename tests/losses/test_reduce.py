import functools

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_credit.losses import reduce
from tests.references import losses as reference

PAIRS = {
    "token_mean": (reduce.token_mean, reference.token_mean),
    "sequence_mean": (reduce.sequence_mean, reference.sequence_mean),
    "sequence_sum": (reduce.sequence_sum, reference.sequence_sum),
    "constant_length": (
        functools.partial(reduce.constant_length, length=7),
        functools.partial(reference.constant_length, length=7),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (5, 2)])
def test_matches_the_definition(name, shape, compiled):
    kernel, loop = PAIRS[name]
    values, _, _, where = reference.draw(3, *shape)
    actual = compiled(kernel)(jnp.asarray(values, jnp.float32), jnp.asarray(where))
    np.testing.assert_allclose(actual.mean(), loop(values, where), rtol=1e-5)


@pytest.mark.parametrize(
    "name, mean",
    [
        ("token_mean", (1 + 2 + 3 + 10) / 4),
        ("sequence_mean", (2 + 10) / 2),
        ("sequence_sum", (6 + 10) / 2),
        ("constant_length", (6 + 10) / (2 * 7)),
    ],
)
def test_a_row_without_a_token_is_no_sequence(name, mean):
    values = jnp.asarray([[1.0, 2.0, 3.0], [10.0, jnp.nan, 5.0], [7.0, 7.0, 7.0]])
    where = jnp.asarray([[True, True, True], [True, False, False], [False] * 3])
    np.testing.assert_allclose(PAIRS[name][0](values, where).mean(), mean, rtol=1e-6)


@pytest.mark.parametrize("name", PAIRS)
def test_nothing_kept_is_zero(name, compiled):
    nothing = jnp.zeros((2, 3), bool)
    actual = compiled(PAIRS[name][0])(jnp.full((2, 3), jnp.nan), nothing)
    np.testing.assert_array_equal((actual.total, actual.weight), (0.0, 0.0))
    np.testing.assert_array_equal(actual.mean(), 0.0)


@pytest.mark.parametrize("name", PAIRS)
@given(seed=st.integers(0, 2**16), cut=st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_microbatches_add_up(name, seed, cut):
    kernel, _ = PAIRS[name]
    values, _, _, where = reference.draw(seed)
    values, where = jnp.asarray(values, jnp.float32), jnp.asarray(where)
    parts = kernel(values[:cut], where[:cut]) + kernel(values[cut:], where[cut:])
    whole = kernel(values, where)
    np.testing.assert_array_equal(parts.weight, whole.weight)
    np.testing.assert_allclose(parts.total, whole.total, rtol=1e-5, atol=1e-6)
