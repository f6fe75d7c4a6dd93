"""From a loss per token to one number, as a sum and its weight.

The `Weighted` of microbatches add up to that of the whole batch. A row without a kept
token is padding, not a sequence: it enters no sum and no weight.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rl_credit.ops import masked
from rl_credit.types import Weighted

Reduction = Callable[[Float[Array, "batch time"], Bool[Array, "batch time"]], Weighted]


def token_mean(
    values: Float[Array, "batch time"], where: Bool[Array, "batch time"]
) -> Weighted:
    """Mean over all tokens; DAPO (arXiv 2503.14476, eq. 8)."""
    return masked.weigh(values, where)


def sequence_mean(
    values: Float[Array, "batch time"], where: Bool[Array, "batch time"]
) -> Weighted:
    """Mean over a sequence's tokens, then over sequences; GRPO (arXiv 2402.03300)."""
    lengths = jnp.sum(where, axis=1, dtype=jnp.float32)
    sums = jnp.sum(masked.keep(values, where), axis=1)
    return masked.weigh(sums / jnp.maximum(lengths, 1.0), lengths > 0)


def sequence_sum(
    values: Float[Array, "batch time"], where: Bool[Array, "batch time"]
) -> Weighted:
    """Sum over each sequence's tokens, mean over sequences: log-likelihoods add up."""
    sums = jnp.sum(masked.keep(values, where), axis=1)
    return masked.weigh(sums, jnp.any(where, axis=1))


def constant_length(
    values: Float[Array, "batch time"],
    where: Bool[Array, "batch time"],
    *,
    length: int,
) -> Weighted:
    """Sum over tokens / (sequences * length); Dr. GRPO (arXiv 2503.20783).

    `length` is the generation budget, the same in every batch. verl's
    `seq-mean-token-sum-norm` leaves out the number of sequences; TRL counts rows
    without a token as sequences too.
    """
    summed = sequence_sum(values, where)
    return Weighted(summed.total, summed.weight * length)
