"""Losses of process reward models that learn from outcomes."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rl_credit.ops import masked
from rl_credit.types import Weighted


def prime_cross_entropy(
    log_ratios: Float[Array, "batch time"],
    where: Bool[Array, "batch time"],
    success: Bool[Array, " batch"] | Float[Array, " batch"],
    *,
    beta: float = 0.05,
) -> Weighted:
    """PRIME's implicit reward model (arXiv 2502.01456).

    Cross-entropy of sigmoid(beta * sum of log-ratios model : reference) against the
    outcome, from 0 to 1. Weight: the sequences that have a token.
    """
    logits = beta * jnp.sum(masked.keep(log_ratios, where), axis=1)
    losses = jax.nn.softplus(logits) - success.astype(jnp.float32) * logits
    return masked.weigh(losses, jnp.any(where, axis=1))
