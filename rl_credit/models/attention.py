"""Rotary positions and causal attention with grouped queries."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from rl_credit.models.config import DecoderConfig, RopeScaling
from rl_credit.ops.logprobs import LOWEST

Rotation = tuple[Float[Array, "batch time half"], Float[Array, "batch time half"]]


def rotation(config: DecoderConfig, positions: Int[Array, "batch time"]) -> Rotation:
    """Cosines and sines of each position's angles, float32; RoPE (arXiv 2104.09864)."""
    angles = positions[..., None].astype(jnp.float32) * frequencies(config)[None, None]
    scale = attention_factor(config.rope_scaling)
    return jnp.cos(angles) * scale, jnp.sin(angles) * scale


def rotate(
    heads: Float[Array, "batch time heads dim"], turned: Rotation
) -> Float[Array, "batch time heads dim"]:
    """Turns dimension i with dimension i + dim/2, in float32, as Llama's files expect.

    (Not neighbours, as in the paper: the files store rows in this order.)
    """
    cosines, sines = turned[0][:, :, None], turned[1][:, :, None]
    first, second = jnp.split(heads.astype(jnp.float32), 2, axis=-1)
    parts = first * cosines - second * sines, second * cosines + first * sines
    return jnp.concatenate(parts, axis=-1).astype(heads.dtype)


def frequencies(config: DecoderConfig) -> np.ndarray:
    """Radians a position, float32 [head_dim / 2], scaled as the config says."""
    exponents = np.arange(0, config.head_dim, 2) / config.head_dim
    plain = config.rope_theta**-exponents
    scaling = config.rope_scaling
    if scaling is None:
        scaled = plain
    elif scaling.kind == "linear":
        scaled = plain / scaling.factor
    elif scaling.kind == "llama3":
        scaled = _llama3(plain, scaling)
    else:
        scaled = _yarn(plain, scaling, config)
    return scaled.astype(np.float32)


def attention_factor(scaling: RopeScaling | None) -> float:
    """What multiplies queries and keys: 1 but for YaRN (arXiv 2309.00071, eq. 22)."""
    if scaling is None or scaling.kind != "yarn":
        return 1.0
    if scaling.attention is not None:
        return scaling.attention
    return 0.1 * math.log(max(scaling.factor, 1.0)) + 1.0


def _llama3(plain: np.ndarray, scaling: RopeScaling) -> np.ndarray:
    """Llama 3.1: divides what turns less than `low` times in the first context."""
    assert scaling.positions and scaling.low and scaling.high
    turns = scaling.positions * plain / (2 * math.pi)
    kept = np.clip((turns - scaling.low) / (scaling.high - scaling.low), 0.0, 1.0)
    return kept * plain + (1 - kept) * plain / scaling.factor


def _yarn(
    plain: np.ndarray, scaling: RopeScaling, config: DecoderConfig
) -> np.ndarray:
    """YaRN (arXiv 2309.00071, 3.2), its ramp linear in the dimension as released."""
    assert scaling.positions

    def dimension(turns):  # which turns this often in the first context
        ratio = math.log(scaling.positions / (turns * 2 * math.pi))
        return config.head_dim * ratio / (2 * math.log(config.rope_theta))

    low, high = dimension(scaling.fast), dimension(scaling.slow)
    if scaling.truncate:
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, config.head_dim - 1)
    ramp = (np.arange(plain.size) - low) / max(high - low, 1e-3)
    stretched = np.clip(ramp, 0.0, 1.0)
    return stretched * plain / scaling.factor + (1 - stretched) * plain


def visible(
    where: Bool[Array, "batch slots"], time: int, start: int | Int[Array, ""] = 0
) -> Bool[Array, "batch 1 time slots"]:
    """Which slots each of the `time` queries, in slots from `start` on, may see.

    The real ones up to its own, and its own: padding then sees itself alone, so that
    no softmax is empty and nothing real sees padding.
    """
    slots = jnp.arange(where.shape[1])[None]
    queries = (start + jnp.arange(time))[:, None]
    past, own = slots < queries, slots == queries
    return ((past[None] & where[:, None]) | own[None])[:, None]


def attend(
    queries: Float[Array, "batch time heads dim"],
    keys: Float[Array, "batch slots kv_heads dim"],
    values: Float[Array, "batch slots kv_heads dim"],
    mask: Bool[Array, "batch 1 time slots"],
    implementation: str,
) -> Float[Array, "batch time heads dim"]:
    """Softmax attention, the softmax in float32; single queries never use cuDNN."""
    if implementation == "cudnn" and queries.shape[1] > 1:
        return jax.nn.dot_product_attention(
            queries, keys, values, mask=mask, implementation="cudnn"
        )
    return _plain(queries, keys, values, mask)


@functools.partial(jax.checkpoint, prevent_cse=False)
def _plain(queries, keys, values, mask) -> Float[Array, "batch time heads dim"]:
    """As `jax.nn.dot_product_attention`, which on a CPU takes several times as long.

    Query heads that share a key head are rows of one product, and the weighted sum is
    divided by its weights last, when it is small. The gradient computes the weights
    again: what is kept grows with the length, not with its square.
    """
    batch, time, heads, dim = queries.shape
    groups = keys.shape[2]
    wide = dict(preferred_element_type=jnp.float32)
    queries = jnp.moveaxis(queries.reshape(batch, time, groups, -1, dim), 1, 3)
    queries = queries.reshape(batch, groups, -1, dim)  # [.. groups (shared time) dim]
    keys, values = jnp.moveaxis(keys, 1, 3), jnp.moveaxis(values, 1, 2)
    scores = jnp.matmul(queries, keys, **wide) * dim**-0.5
    scores = scores.reshape(batch, groups, -1, time, keys.shape[-1])
    scores = scores + jnp.where(mask, 0.0, LOWEST)[:, :, None]
    highest = jax.lax.stop_gradient(jnp.max(scores, axis=-1, keepdims=True))
    weights = jnp.exp(scores - highest).reshape(batch, groups, -1, keys.shape[-1])
    total = jnp.sum(weights, axis=-1, keepdims=True)
    read = jnp.matmul(weights.astype(values.dtype), values, **wide) / total
    read = read.reshape(batch, groups, -1, time, dim).astype(queries.dtype)
    return jnp.moveaxis(read, 3, 1).reshape(batch, time, heads, dim)
