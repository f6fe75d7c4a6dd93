"""Estimators of KL(policy | reference) from the sampled tokens' log-probabilities.

Elementwise, after Schulman, http://joschu.net/blog/kl-approx.html. With
x = ref_logps - logps, E[k1] = E[k3] = KL and k2 is biased, all under the policy. Mask
before calling: what is given here reaches an exponential.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

LIMIT = 20.0  # |x| that k3 exponentiates; beyond it k3 is constant, gradient 0


def k1(
    logps: Float[Array, "..."], ref_logps: Float[Array, "..."]
) -> Float[Array, "..."]:
    """-x: unbiased, of either sign; its own gradient is no gradient of the KL."""
    return logps - ref_logps


def k2(
    logps: Float[Array, "..."], ref_logps: Float[Array, "..."]
) -> Float[Array, "..."]:
    """x^2 / 2: biased, but its expected gradient on policy is that of the KL."""
    return 0.5 * jnp.square(logps - ref_logps)


def k3(
    logps: Float[Array, "..."],
    ref_logps: Float[Array, "..."],
    *,
    ceiling: float | None = None,
) -> Float[Array, "..."]:
    """exp(x) - 1 - x: unbiased and never negative; GRPO (arXiv 2402.03300, eq. 4).

    x is clamped to +-20, so the value stays below 5e8. `ceiling` also clamps the value,
    which silences tokens beyond it (verl: 10).
    """
    x = jnp.clip(ref_logps - logps, -LIMIT, LIMIT)
    value = jnp.expm1(x) - x
    return value if ceiling is None else jnp.minimum(value, ceiling)


def k3_with_k2_gradient(
    logps: Float[Array, "..."],
    ref_logps: Float[Array, "..."],
    *,
    ceiling: float | None = None,
) -> Float[Array, "..."]:
    """k3 to look at, k2 to descend: the gradient is never clamped (verl's `k3+`)."""
    value = jax.lax.stop_gradient(k3(logps, ref_logps, ceiling=ceiling))
    slope = k2(logps, ref_logps)
    return value + (slope - jax.lax.stop_gradient(slope))
