import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.ops import kl

GAPS = np.asarray([-3.0, -0.1, 0.0, 1e-3, 0.7, 4.0])  # ref_logps - logps
VALUES = {
    "k1": -GAPS,
    "k2": GAPS**2 / 2,
    "k3": np.expm1(GAPS) - GAPS,
    "k3_with_k2_gradient": np.expm1(GAPS) - GAPS,
}
SLOPES = {  # in logps
    "k1": np.ones(len(GAPS)),
    "k2": -GAPS,
    "k3": -np.expm1(GAPS),
    "k3_with_k2_gradient": -GAPS,
}


@pytest.mark.parametrize("name", VALUES)
def test_value_and_gradient(name, compiled):
    estimator = compiled(getattr(kl, name))
    logps = jnp.zeros(len(GAPS))
    ref_logps = jnp.asarray(GAPS, jnp.float32)
    gradient = jax.grad(lambda logps: jnp.sum(estimator(logps, ref_logps)))(logps)
    actual = estimator(logps, ref_logps)
    np.testing.assert_allclose(actual, VALUES[name], rtol=1e-3, atol=1e-9)
    np.testing.assert_allclose(gradient, SLOPES[name], rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("gap", [-1e4, -25.0, 25.0, 1e4])
def test_k3_stays_finite_and_a_ceiling_silences_it(gap):
    logps, ref_logps = jnp.zeros(1), jnp.full(1, gap)
    held = np.clip(gap, -20.0, 20.0)
    actual = kl.k3(logps, ref_logps)
    np.testing.assert_allclose(actual, [np.expm1(held) - held], rtol=1e-6)

    def summed(estimator):
        return jax.grad(lambda logps: jnp.sum(estimator(logps, ref_logps)))(logps)

    capped = functools.partial(kl.k3, ceiling=10.0)
    straight = functools.partial(kl.k3_with_k2_gradient, ceiling=10.0)
    np.testing.assert_array_equal(capped(logps, ref_logps), [10.0])
    np.testing.assert_array_equal(summed(kl.k3), [0.0])
    np.testing.assert_array_equal(summed(capped), [0.0])
    np.testing.assert_allclose(straight(logps, ref_logps), [10.0], rtol=1e-6)
    np.testing.assert_allclose(summed(straight), [-gap])


def test_expectations_under_the_policy():
    rng = np.random.default_rng(0)
    policy, other = rng.dirichlet(np.ones(6)), rng.dirichlet(np.ones(6))
    logps = jnp.asarray(np.log(policy), jnp.float32)
    ref_logps = jnp.asarray(np.log(other), jnp.float32)
    exact = np.sum(policy * np.log(policy / other))
    for estimator in (kl.k1, kl.k3):
        mean = np.sum(policy * np.asarray(estimator(logps, ref_logps)))
        np.testing.assert_allclose(mean, exact, rtol=1e-5)
