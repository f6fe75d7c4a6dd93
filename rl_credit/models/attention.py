"""Rotary positions and causal attention with grouped queries."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from rl_credit.models.config import DecoderConfig, RopeScaling

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
    chosen = implementation if queries.shape[1] > 1 else "xla"
    return jax.nn.dot_product_attention(
        queries, keys, values, mask=mask, implementation=chosen  # type: ignore
    )
