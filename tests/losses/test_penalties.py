import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.losses import penalties, reduce
from rl_credit.ops import kl
from tests.references import losses as reference


@pytest.mark.parametrize("name", ["k1", "k2", "k3"])
def test_kl_is_the_mean_over_sequences_of_the_estimator(name, compiled):
    logps, ref_logps, _, where = reference.draw(2)
    x = ref_logps - logps
    values = {"k1": -x, "k2": x**2 / 2, "k3": np.exp(x) - 1 - x}[name]
    actual = compiled(penalties.kl, estimator=getattr(kl, name))(
        jnp.asarray(logps, jnp.float32),
        jnp.asarray(ref_logps, jnp.float32),
        jnp.asarray(where),
    )
    expected = reference.sequence_mean(values, where)
    np.testing.assert_allclose(actual.mean(), expected, rtol=1e-5)


@pytest.mark.parametrize("junk", [np.nan, np.inf, -np.inf])
def test_what_is_masked_reaches_neither_value_nor_gradient(junk):
    where = jnp.asarray([[True, False], [False, False]])
    logps = jnp.where(where, -1.0, junk)

    def value(logps, ref_logps):
        return penalties.kl(logps, ref_logps, where).mean()

    loss, gradient = jax.value_and_grad(value)(logps, jnp.where(where, -2.0, junk))
    np.testing.assert_allclose(loss, np.exp(-1.0) - 1 + 1, rtol=1e-6)
    expected = [[1 - np.exp(-1.0), 0.0], [0.0, 0.0]]
    np.testing.assert_allclose(gradient, expected, rtol=1e-6)


def test_entropy_is_rewarded(compiled):
    entropies = jnp.asarray([[1.0, 3.0], [5.0, jnp.nan]])
    where = jnp.asarray([[True, True], [True, False]])
    actual = compiled(penalties.entropy)(entropies, where)
    np.testing.assert_allclose(actual.mean(), -3.0)
    other = compiled(penalties.entropy, reduce=reduce.sequence_mean)(entropies, where)
    np.testing.assert_allclose(other.mean(), -3.5)
