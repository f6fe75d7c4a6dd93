import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.losses import process
from tests.references import losses as reference


@pytest.mark.parametrize("beta", [0.05, 1.0])
@pytest.mark.parametrize("dtype", [jnp.bool_, jnp.float32])
def test_matches_the_loop(beta, dtype, compiled):
    log_ratios, _, _, where = reference.draw(9, 5, 4)
    success = np.asarray([1, 0, 0, 1, 1])
    actual = compiled(process.prime_cross_entropy, beta=beta)(
        jnp.asarray(log_ratios, jnp.float32),
        jnp.asarray(where),
        jnp.asarray(success, dtype),
    )
    expected = reference.prime_cross_entropy(log_ratios, where, success, beta=beta)
    np.testing.assert_allclose(actual.mean(), expected, rtol=1e-5)
    np.testing.assert_array_equal(actual.weight, where.any(axis=1).sum())


def test_a_confident_mistake_costs_its_logit_and_masked_tokens_nothing():
    log_ratios = jnp.asarray([[400.0, jnp.nan], [-400.0, jnp.inf], [jnp.nan, 1.0]])
    where = jnp.asarray([[True, False], [True, False], [False, False]])
    success = jnp.asarray([False, True, True])

    def loss(log_ratios):
        kernel = process.prime_cross_entropy
        return kernel(log_ratios, where, success, beta=1.0).mean()

    np.testing.assert_allclose(loss(log_ratios), 400.0)
    expected = [[0.5, 0.0], [-0.5, 0.0], [0.0, 0.0]]
    np.testing.assert_allclose(jax.grad(loss)(log_ratios), expected)
