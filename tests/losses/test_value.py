import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.losses import value
from tests.references import losses as reference


@pytest.mark.parametrize("clip", [0.1, 0.5, 100.0])
def test_matches_the_loop(clip, compiled):
    values, old_values, returns, where = reference.draw(1, 3, 4)
    loss = compiled(value.clipped_regression, clip=clip)
    arrays = [jnp.asarray(x, jnp.float32) for x in (values, old_values, returns)]
    rest = (*arrays[1:], jnp.asarray(where))
    mean = jax.value_and_grad(lambda new: loss(new, *rest).mean())
    actual, gradient = mean(arrays[0])

    def loop(new):
        rest = (old_values, returns, where)
        return reference.clipped_regression(new, *rest, clip_at=clip)

    np.testing.assert_allclose(actual, loop(values), rtol=1e-5)
    slope = reference.slope(loop, values)
    np.testing.assert_allclose(gradient, slope, rtol=1e-4, atol=1e-5)


def test_a_step_beyond_the_clip_gains_nothing():
    old_values, returns = jnp.asarray([[0.0]]), jnp.asarray([[1.0]])
    where = jnp.asarray([[True]])

    def loss(step):
        values = jnp.full((1, 1), step)
        return value.clipped_regression(values, old_values, returns, where).mean()

    np.testing.assert_allclose(loss(0.9), 0.5 * 0.8**2, rtol=1e-6)
    np.testing.assert_array_equal(jax.grad(loss)(0.9), 0.0)


def test_what_is_masked_reaches_neither_value_nor_gradient():
    where = jnp.asarray([[True, False]])
    junk = jnp.asarray([[1.0, jnp.nan]])

    def loss(values):
        zeros = jnp.where(where, 0.0, jnp.inf)
        return value.clipped_regression(values, zeros, junk, where, clip=5.0).mean()

    np.testing.assert_allclose(loss(junk * 3.0), 2.0)
    np.testing.assert_allclose(jax.grad(loss)(junk * 3.0), [[2.0, 0.0]])
