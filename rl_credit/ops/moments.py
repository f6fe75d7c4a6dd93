"""Running mean and variance of a stream of batches, mergeable in any order.

Source: Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for
computing sample variances", 1979. Counts are exact up to 2^24 values an entry. Past
that they are rounded and the squares are scaled along: mean and variance stay right,
the oldest values only weigh less.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rl_credit.ops import masked
from rl_credit.types import record


@record
class Moments:
    """Entries [...] are independent of each other; start from `init`."""

    count: Float[Array, "..."]  # values seen
    mean: Float[Array, "..."]  # their mean
    squares: Float[Array, "..."]  # sum of their squared differences from it
    rest: Float[Array, "..."]  # what float32 rounds off the mean


def init(shape: tuple[int, ...] = ()) -> Moments:
    """No values yet."""
    zeros = jnp.zeros(shape, jnp.float32)
    return Moments(zeros, zeros, zeros, zeros)


def update(
    state: Moments,
    values: Float[Array, "batch ..."],
    where: Bool[Array, "batch ..."] | None = None,
) -> Moments:
    """Takes in a batch, [batch ...] to a state of [...].

    Args:
        where: one flag a value, or one for all of a row's: [batch].
    """
    return merge(state, _summary(values.astype(jnp.float32), where))


def merge(first: Moments, second: Moments) -> Moments:
    """The moments of both streams together."""
    count, lost = _two_sum(first.count, second.count)
    share = second.count / jnp.maximum(count, 1.0)
    apart, finer = second.mean - first.mean, second.rest - first.rest
    mean, rounded = _two_sum(first.mean, share * apart)
    mean, rest = _two_sum(mean, rounded + (first.rest + share * finer))
    apart += finer
    between = apart * (apart * (first.count * share))
    # `lost` is 0 up to 2^24; from there the squares must not outgrow the count.
    leak = (first.squares + second.squares) * (lost / jnp.maximum(count, 1.0))
    squares = first.squares + (second.squares + between - leak)
    return Moments(count, mean, squares, rest)


def merge_across(state: Moments, axis_name: str | tuple[str, ...]) -> Moments:
    """Merges the streams of all members of a named axis; each gets the result.

    Every member brings values of its own: merging a result again counts it again.
    """
    count = jax.lax.psum(state.count, axis_name)
    share = state.count / jnp.maximum(count, 1.0)
    means = jnp.where(state.count > 0, state.mean, -jnp.inf)
    pivot = jax.lax.pmax(jax.lax.stop_gradient(means), axis_name)
    pivot = jnp.where(count > 0, pivot, 0.0)
    apart = (state.mean - pivot) + state.rest
    shift = jax.lax.psum(share * apart, axis_name)
    between = state.count * jnp.square(apart - shift)
    squares = jax.lax.psum(state.squares + between, axis_name)
    mean, rest = _two_sum(pivot, shift)
    return Moments(count, mean, squares, rest)


def variance(state: Moments, *, ddof: int = 1) -> Float[Array, "..."]:
    """Of the values seen; 0 for fewer than `ddof + 1` of them."""
    freedom = state.count - ddof
    return jnp.where(freedom > 0, state.squares / jnp.maximum(freedom, 1.0), 0.0)


def deviation(state: Moments, *, ddof: int = 1) -> Float[Array, "..."]:
    """Square root of the variance; where that is 0, so is the gradient."""
    spread = variance(state, ddof=ddof)
    return jnp.where(spread > 0, jnp.sqrt(jnp.where(spread > 0, spread, 1.0)), 0.0)


def _summary(
    values: Float[Array, "batch ..."], where: Bool[Array, "batch ..."] | None
) -> Moments:
    """The moments of one batch, two-pass.

    Differences are taken from a value of the batch, which no compiler rounds twice.
    """
    kept = jnp.ones(values.shape, bool) if where is None else where
    kept = jnp.expand_dims(kept, tuple(range(kept.ndim, values.ndim)))
    kept = jnp.broadcast_to(kept, values.shape)
    count = jnp.sum(kept, axis=0, dtype=jnp.int32).astype(jnp.float32)
    values_or_inf = jnp.where(kept, jax.lax.stop_gradient(values), jnp.inf)
    pivot = jnp.min(values_or_inf, axis=0, initial=jnp.inf)
    pivot = jnp.where(count > 0, pivot, 0.0)
    apart = masked.keep(values - pivot[None], kept)
    shift = jnp.sum(apart, axis=0) / jnp.maximum(count, 1.0)
    squares = jnp.sum(jnp.square(masked.keep(apart - shift[None], kept)), axis=0)
    mean, rest = _two_sum(pivot, shift)
    return Moments(count, mean, squares, rest)


def _two_sum(first: Array, second: Array) -> tuple[Array, Array]:
    """The float32 sum and exactly what it lacks (Knuth, TAOCP 2, 4.2.2)."""
    total = first + second
    added = total - first
    return total, (first - (total - added)) + (second - added)
