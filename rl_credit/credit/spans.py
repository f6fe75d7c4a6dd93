"""Between trajectories, spans, rows and tokens."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Shaped

from rl_credit.ops import masked


def scores(
    rewards: Float[Array, "batch spans"], where: Bool[Array, "batch spans"]
) -> Float[Array, " batch"]:
    """Undiscounted return of each trajectory."""
    return jnp.sum(masked.keep(rewards, where), axis=1)


def last(where: Bool[Array, "batch spans"]) -> Bool[Array, "batch spans"]:
    """True at the last played span of each trajectory."""
    numbers = jnp.arange(1, where.shape[1] + 1, dtype=jnp.int32)
    played = jnp.where(where, numbers, 0)
    return where & (played == jnp.max(played, axis=1, keepdims=True))


def over(
    values: Float[Array, " batch"], where: Bool[Array, "batch spans"]
) -> Float[Array, "batch spans"]:
    """Gives every played span the value of its trajectory, all others 0."""
    return jnp.where(where, values[:, None], 0.0)


def repeat(
    values: Shaped[Array, " batch"], where: Bool[Array, "batch spans"]
) -> Shaped[Array, " rows"]:
    """The value of a trajectory at each of its rows, the flattened spans."""
    return jnp.broadcast_to(values[:, None], where.shape).reshape(-1)


def spread(
    advantages: Float[Array, "batch spans"], span_ids: Int[Array, "batch time"]
) -> Float[Array, "batch time"]:
    """Gives every token the advantage of its span; tokens of span -1 receive 0."""
    picked = jnp.take_along_axis(advantages, jnp.maximum(span_ids, 0), axis=1)
    return jnp.where(span_ids < 0, 0.0, picked)
