"""Losses on pairs: one is to score higher than the other."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rl_credit.ops import masked
from rl_credit.types import Weighted


def trajectory_dpo(
    step_rewards: Float[Array, "batch spans"],
    where: Bool[Array, "batch spans"],
    success: Bool[Array, " batch"],
    groups: Int[Array, " batch"],
) -> Weighted:
    """iStar's reward model loss (arXiv 2509.19199, eq. 2).

    Every success is paired with every failure of its group. A trajectory scores the sum
    of its steps' rewards, which hold beta; the released code takes their mean. Weight:
    the number of pairs. A row without a step is in no pair.
    """
    scores = jnp.sum(masked.keep(step_rewards, where), axis=1)
    played = jnp.any(where, axis=1)
    pairs = (success & played)[:, None] & (~success & played)[None, :]
    pairs &= groups[:, None] == groups[None, :]
    margins = masked.keep(scores[:, None] - scores[None, :], pairs)
    return masked.weigh(jax.nn.softplus(-margins), pairs)


def dpo(
    chosen_logps: Float[Array, " pairs"],
    rejected_logps: Float[Array, " pairs"],
    chosen_ref: Float[Array, " pairs"],
    rejected_ref: Float[Array, " pairs"],
    *,
    beta: float,
    label_smoothing: float = 0.0,
) -> Weighted:
    """DPO (arXiv 2305.18290, eq. 7) on the log-probabilities of whole responses.

    `label_smoothing` is the chance that a label is the wrong way round (conservative
    DPO, https://ericmitchell.ai/cdpo.pdf).
    """
    margins = beta * ((chosen_logps - chosen_ref) - (rejected_logps - rejected_ref))
    losses = jax.nn.softplus(-margins) + label_smoothing * margins
    return masked.weigh(losses, jnp.ones(losses.shape, bool))
