"""Policy losses, minimised: new and behaviour log-probabilities and advantages in.

All take [batch time] float32 arrays. What `where` drops is dropped before any
exponential and any product, so it reaches neither value nor gradient. A log-ratio is
clamped to +-20 before it is exponentiated, as verl and tunix do; beyond that its
gradient is 0. Clips are distances from 1: ratios stay in [1 - clip_low, 1 + clip_high].
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rl_credit.losses import reduce
from rl_credit.losses.reduce import Reduction
from rl_credit.ops import masked
from rl_credit.types import Weighted

LIMIT = 20.0

Tokens = Float[Array, "batch time"]
Mask = Bool[Array, "batch time"]


def reinforce(
    logps: Tokens,
    old_logps: Tokens,
    advantages: Tokens,
    where: Mask,
    *,
    reduce: Reduction = reduce.sequence_sum,
) -> Weighted:
    """Williams (1992): -logp * A. There is no ratio: `old_logps` is not read."""
    return reduce(-masked.keep(logps, where) * masked.keep(advantages, where), where)


def gpg(
    logps: Tokens,
    old_logps: Tokens,
    advantages: Tokens,
    where: Mask,
    *,
    reduce: Reduction = reduce.token_mean,
) -> Weighted:
    """GPG (arXiv 2504.02546): `reinforce` per token; its scale is the advantages'."""
    return reinforce(logps, old_logps, advantages, where, reduce=reduce)


def ppo_clip(
    logps: Tokens,
    old_logps: Tokens,
    advantages: Tokens,
    where: Mask,
    *,
    clip_low: float = 0.2,
    clip_high: float = 0.2,
    dual_clip: float | None = None,
    reduce: Reduction = reduce.token_mean,
) -> Weighted:
    """PPO (arXiv 1707.06347, eq. 7); clip_high 0.28 is DAPO's (arXiv 2503.14476).

    Args:
        dual_clip: the largest ratio a negative advantage is multiplied by; must exceed
            1 + clip_high. Dual clip (arXiv 1912.09729; verl: always 3) and the
            two-sided clip of INTELLECT-2 (arXiv 2505.07291, its delta) are this same
            function.
    """
    ratios = _exp(masked.keep(logps - old_logps, where))
    advantages = masked.keep(advantages, where)
    objective = _pessimistic(ratios, advantages, clip_low, clip_high)
    if dual_clip is not None:
        floor = dual_clip * jnp.minimum(advantages, 0.0)
        objective = jnp.where(advantages < 0, jnp.maximum(objective, floor), objective)
    return reduce(-objective, where)


def gspo(
    logps: Tokens,
    old_logps: Tokens,
    advantages: Tokens,
    where: Mask,
    *,
    clip_low: float = 3e-4,
    clip_high: float = 4e-4,
    reduce: Reduction = reduce.sequence_mean,
) -> Weighted:
    """GSPO-token (arXiv 2507.18071, 4.3): every token bears its sequence's ratio.

    The ratio is the geometric mean over the sequence. Where a sequence has one
    advantage, value and gradient are those of GSPO (eq. 5).
    """
    kept = masked.keep(logps - old_logps, where)
    sequence = jax.lax.stop_gradient(_sequence_mean(kept, where))
    ratios = _exp(sequence + (kept - jax.lax.stop_gradient(kept)))
    advantages = masked.keep(advantages, where)
    return reduce(-_pessimistic(ratios, advantages, clip_low, clip_high), where)


def cispo(
    logps: Tokens,
    old_logps: Tokens,
    advantages: Tokens,
    where: Mask,
    *,
    clip_low: float = 1.0,
    clip_high: float = 4.0,
    reduce: Reduction = reduce.token_mean,
) -> Weighted:
    """CISPO (arXiv 2506.13585, eq. 4): REINFORCE weighted by the clipped ratio.

    No token loses its gradient. clip_low 1 sets no lower bound, as in the paper, which
    leaves clip_high open; 4 is the cap of 5 on the ratio found in TRL.
    """
    ratios = _exp(masked.keep(logps - old_logps, where))
    weights = jax.lax.stop_gradient(jnp.clip(ratios, 1.0 - clip_low, 1.0 + clip_high))
    gains = weights * masked.keep(advantages, where) * masked.keep(logps, where)
    return reduce(-gains, where)


def sapo(
    logps: Tokens,
    old_logps: Tokens,
    advantages: Tokens,
    where: Mask,
    *,
    temperature: float = 1.0,
    temperature_negative: float = 1.05,
    reduce: Reduction = reduce.sequence_mean,
) -> Weighted:
    """SAPO (arXiv 2511.20347): the soft gate sigmoid(tau (ratio - 1)) 4 / tau.

    A sigmoid of slope 1 at ratio 1 instead of a clip; `temperature_negative` is tau for
    advantages below 0.
    """
    ratios = _exp(masked.keep(logps - old_logps, where))
    advantages = masked.keep(advantages, where)
    tau = jnp.where(advantages > 0, temperature, temperature_negative)
    gates = jax.nn.sigmoid(tau * (ratios - 1.0)) * 4.0 / tau
    return reduce(-gates * advantages, where)


def gmpo(
    logps: Tokens,
    old_logps: Tokens,
    advantages: Tokens,
    where: Mask,
    *,
    clip_low: float = 0.4,
    clip_high: float = 0.4,
    reduce: Reduction = reduce.sequence_mean,
) -> Weighted:
    """GMPO (arXiv 2507.20673): the geometric mean of a sequence's clipped ratios.

    Here the clips bound the log-ratio: [-clip_low, clip_high]. A sequence whose tokens
    have different advantages is multiplied by their mean, as in verl.
    """
    kept = masked.keep(logps - old_logps, where)
    advantages = masked.keep(advantages, where)
    signs = jnp.sign(advantages)
    clipped = jnp.clip(kept, -clip_low, clip_high)
    lowest = signs * jnp.minimum(signs * kept, signs * clipped)
    gains = _exp(_sequence_mean(lowest, where)) * _sequence_mean(advantages, where)
    return reduce(-jnp.broadcast_to(gains, where.shape), where)


def _exp(log_ratios: Float[Array, "..."]) -> Float[Array, "..."]:
    """Ratios that are finite in float32."""
    return jnp.exp(jnp.clip(log_ratios, -LIMIT, LIMIT))


def _pessimistic(
    ratios: Tokens, advantages: Tokens, clip_low: float, clip_high: float
) -> Tokens:
    """The lower of ratio * A with and without the clip."""
    clipped = jnp.clip(ratios, 1.0 - clip_low, 1.0 + clip_high)
    return jnp.minimum(ratios * advantages, clipped * advantages)


def _sequence_mean(values: Tokens, where: Mask) -> Float[Array, "batch 1"]:
    """Mean of each row, whose dropped entries are already 0; 0 for an empty row."""
    lengths = jnp.sum(where, axis=1, keepdims=True, dtype=jnp.float32)
    return jnp.sum(values, axis=1, keepdims=True) / jnp.maximum(lengths, 1.0)


POLICY = {
    "cispo": cispo,
    "gmpo": gmpo,
    "gpg": gpg,
    "gspo": gspo,
    "ppo_clip": ppo_clip,
    "reinforce": reinforce,
    "sapo": sapo,
}
