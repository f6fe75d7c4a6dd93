"""Initial weights are orthogonal, whatever their shape, and differ from key to key."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.models.orthogonal import orthogonal

SHAPES = [(64, 64), (200, 32), (32, 200), (5, 1), (1, 1)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_the_shorter_side_is_orthonormal_up_to_the_scale(shape, scale):
    draw = jax.jit(lambda key: orthogonal(scale)(key, shape))
    weights = np.asarray(draw(jax.random.key(0)), np.float64)
    assert weights.shape == shape
    short = weights if shape[0] <= shape[1] else weights.T
    np.testing.assert_allclose(
        short @ short.T, scale**2 * np.eye(min(shape)), atol=2e-5 * scale**2
    )


def test_several_seeds_are_drawn_in_one_program():
    keys = jax.random.split(jax.random.key(1), 6)
    draw = jax.jit(jax.vmap(lambda key: orthogonal()(key, (48, 48))))
    drawn = np.asarray(draw(keys))
    for one in drawn:
        np.testing.assert_allclose(one @ one.T, np.eye(48), atol=2e-5)
    assert len({one.tobytes() for one in drawn}) == 6


def test_no_direction_is_preferred():
    keys = jax.random.split(jax.random.key(2), 400)
    drawn = jax.vmap(lambda key: orthogonal()(key, (4, 4)))(keys)
    spread = 0.25 / np.sqrt(400)  # squares of entries have mean 1/4
    np.testing.assert_allclose(jnp.mean(drawn, axis=0), 0.0, atol=5 * 2 * spread)
    np.testing.assert_allclose(jnp.mean(drawn**2, axis=0), 0.25, atol=5 * spread)
