"""Keys and values of what a decoder has read, so that it reads nothing twice."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rl_credit.models.config import DecoderConfig
from rl_credit.types import record


@record
class Cache:
    """Rows advance together: a call with `time` tokens fills slots [used, used + time).

    Padding takes slots, too, and stays invisible; a row's positions count real tokens.
    Whoever calls keeps used + time <= slots: beyond, the last slots are overwritten.
    """

    keys: Float[Array, "layers batch slots kv_heads dim"]
    values: Float[Array, "layers batch slots kv_heads dim"]
    where: Bool[Array, "batch slots"]  # True: a real token is there
    used: Int[Array, ""]  # slots filled, the same in every row


def init(config: DecoderConfig, batch: int, length: int) -> Cache:
    """An empty cache of `length` slots a row, in the dtype the decoder computes in.

    Raises ValueError where `length` exceeds the positions the decoder was made for.
    """
    if batch < 1 or not 1 <= length <= config.positions:
        raise ValueError(
            f"no cache of {batch} rows and {length} slots: rows start at 1, slots are "
            f"1 to {config.positions}, the positions of this decoder"
        )
    shape = (config.layers, batch, length, config.kv_heads, config.head_dim)
    return Cache(
        keys=jnp.zeros(shape, config.dtype),
        values=jnp.zeros(shape, config.dtype),
        where=jnp.zeros((batch, length), bool),
        used=jnp.zeros((), jnp.int32),
    )


def positions(
    where: Bool[Array, "batch time"], cache: Cache | None = None
) -> Int[Array, "batch time"]:
    """Each real token's place in its row's text, after what `cache` holds.

    Padding before the first real token gets 0, later padding that of the last one.
    """
    counted = jnp.cumsum(where, axis=1, dtype=jnp.int32)
    if cache is not None:
        counted += jnp.sum(cache.where, axis=1, keepdims=True, dtype=jnp.int32)
    return jnp.maximum(counted - 1, 0)


def extend(cache: Cache, where: Bool[Array, "batch time"]) -> Cache:
    """The cache with its next slots marked as taken; their keys come layer by layer."""
    marked = jax.lax.dynamic_update_slice(cache.where, where, (0, cache.used))
    return dataclasses.replace(
        cache, where=marked, used=cache.used + jnp.int32(where.shape[1])
    )


@functools.partial(jax.jit, static_argnames="length")
def widen(cache: Cache, length: int) -> Cache:
    """The same cache with `length` slots a row, no fewer than it has."""
    more = length - cache.where.shape[1]
    slots = ((0, 0), (0, 0), (0, more), (0, 0), (0, 0))
    return dataclasses.replace(
        cache,
        keys=jnp.pad(cache.keys, slots),
        values=jnp.pad(cache.values, slots),
        where=jnp.pad(cache.where, ((0, 0), (0, more))),
    )


def write(
    stacked: Float[Array, "layers batch slots kv_heads dim"],
    fresh: Float[Array, "batch time kv_heads dim"],
    layer: Int[Array, ""],
    start: Int[Array, ""],
) -> Float[Array, "layers batch slots kv_heads dim"]:
    """Puts one layer's new keys, or values, into slots from `start` on."""
    block = fresh.astype(stacked.dtype)[None]
    return jax.lax.dynamic_update_slice(stacked, block, (layer, 0, start, 0, 0))
