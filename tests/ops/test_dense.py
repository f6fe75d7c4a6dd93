"""A product whose gradient needs no transposed cotangent, against jnp.matmul."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.ops import dense

SHAPES = [((5,), 3), ((4, 5), 3), ((2, 4, 5), 3), ((2, 0, 5), 3), ((2, 4, 1), 1)]


def arrays(shape, size, dtype="float32"):
    rng = np.random.default_rng(0)
    drawn = rng.normal(size=shape), rng.normal(size=(shape[-1], size))
    return tuple(jnp.asarray(array, dtype) for array in drawn)


@pytest.mark.parametrize("shape, size", SHAPES)
def test_values_and_gradients_are_those_of_matmul(shape, size, compiled):
    given = arrays(shape, size)

    def both(product):
        def total(inputs, matrix):
            return jnp.sum(jnp.sin(product(inputs, matrix)))

        return compiled(jax.value_and_grad(total, argnums=(0, 1)))(*given)

    actual, expected = both(dense.product), both(jnp.matmul)
    for left, right in zip(jax.tree.leaves(actual), jax.tree.leaves(expected)):
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-5)


def test_low_precision_is_added_up_in_the_dtype_asked_for(compiled):
    inputs, matrix = arrays((4, 300), 3, "bfloat16")

    def total(inputs, matrix):
        return jnp.sum(dense.product(inputs, matrix, jnp.float32))

    wide = compiled(lambda *given: dense.product(*given, jnp.float32))(inputs, matrix)
    assert wide.dtype == jnp.float32
    exact = np.asarray(inputs, np.float64) @ np.asarray(matrix, np.float64)
    np.testing.assert_allclose(wide, exact, rtol=1e-5, atol=1e-4)
    slopes = compiled(jax.grad(total, argnums=(0, 1)))(inputs, matrix)
    assert [slope.dtype for slope in slopes] == [jnp.bfloat16, jnp.bfloat16]
    columns = np.asarray(inputs, np.float64).sum(axis=0)[:, None]
    expected = np.broadcast_to(columns, matrix.shape)
    np.testing.assert_allclose(np.asarray(slopes[1], np.float64), expected, rtol=1e-2)


def test_the_gradient_transposes_no_cotangent():
    inputs, matrix = arrays((2, 4, 5), 3)
    grad = jax.grad(lambda matrix: jnp.sum(dense.product(inputs, matrix) ** 2))
    assert "transpose" not in str(jax.make_jaxpr(grad)(matrix))
