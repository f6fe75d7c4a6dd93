"""Statistics of the entries a mask keeps; what it drops never matters."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rl_credit.types import Weighted


def keep(
    values: Float[Array, "..."], where: Bool[Array, "..."] | None
) -> Float[Array, "..."]:
    """Replaces what `where` drops by 0, so that a NaN there reaches no gradient."""
    return values if where is None else jnp.where(where, values, 0.0)


def weigh(values: Float[Array, "..."], where: Bool[Array, "..."]) -> Weighted:
    """The sum of the kept values and how many there are."""
    weight = jnp.sum(where, dtype=jnp.float32)
    return Weighted(jnp.sum(keep(values.astype(jnp.float32), where)), weight)


def mean(values: Float[Array, "..."], where: Bool[Array, "..."]) -> Float[Array, ""]:
    """Mean of the kept values; 0 when none is kept."""
    return weigh(values, where).mean()


def centre(
    values: Float[Array, "..."], where: Bool[Array, "..."]
) -> Float[Array, "..."]:
    """Subtracts the mean; a second pass removes the rounding of the first."""
    values = keep(values - mean(values, where), where)
    return keep(values - mean(values, where), where)


def variance(
    values: Float[Array, "..."], where: Bool[Array, "..."], *, ddof: int = 1
) -> Float[Array, ""]:
    """Two-pass variance of the kept values; 0 for fewer than `ddof + 1` of them."""
    squares = jnp.sum(jnp.square(centre(values, where)))
    freedom = jnp.sum(where, dtype=jnp.float32) - ddof
    return jnp.where(freedom > 0, squares / jnp.maximum(freedom, 1.0), 0.0)


def whiten(
    values: Float[Array, "..."],
    where: Bool[Array, "..."],
    *,
    epsilon: float = 1e-8,
) -> Float[Array, "..."]:
    """Zero mean and unit sample variance; exactly 0 without spread."""
    spread = variance(values, where)
    deviation = jnp.sqrt(jnp.where(spread > 0, spread, 1.0) + epsilon)
    return jnp.where(spread > 0, centre(values, where) / deviation, 0.0)
