"""Implicit process rewards: OPRL / iStar and PRIME."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rl_credit.credit import groups as grouped
from rl_credit.credit import returns, spans
from rl_credit.ops import masked, segments


def step_rewards(
    prm_logps: Float[Array, "batch spans"],
    policy_logps: Float[Array, "batch spans"],
    *,
    beta: float = 0.05,
) -> Float[Array, "batch spans"]:
    """`beta * log(pi_phi / pi_old)` of each step (OPRL, arXiv 2509.19199v1, eq. 1).

    Log-probs are summed over the tokens of the step.
    """
    return beta * jnp.subtract(prm_logps, policy_logps)


def advantages(
    step_rewards: Float[Array, "batch spans"],
    where: Bool[Array, "batch spans"],
    groups: Int[Array, " batch"],
) -> Float[Array, "batch spans"]:
    """Each step reward relative to all steps of all trajectories of its task (eq. 4).

    Step rewards are used as they are, without a return. (The released code keeps one
    arbitrary step a trajectory in its statistics.)
    """
    rows = grouped.group_relative(
        step_rewards.reshape(-1), spans.repeat(groups, where), where.reshape(-1)
    )
    return rows.reshape(where.shape)


def prime(
    log_ratios: Float[Array, "batch spans"],
    outcomes: Float[Array, " batch"],
    groups: Int[Array, " batch"],
    where: Bool[Array, "batch spans"],
    *,
    beta: float = 0.05,
    process_weight: float = 5.0,
    outcome_weight: float = 5.0,
) -> Float[Array, "batch spans"]:
    """PRIME: process and outcome rewards, each less the other samples' mean, summed to
    a reward-to-go and whitened over the batch (arXiv 2502.01456, eq. 5 and 6).

    Args:
      log_ratios: log of implicit reward model over reference, per token.
    """
    ids = spans.repeat(groups, where)
    low = segments.lowest(log_ratios.reshape(-1), ids, where.reshape(-1))[groups]
    # What all rewards of a task share goes first: equal ones are then exactly 0.
    process = beta * masked.keep(log_ratios - low[:, None], where)
    played = jnp.any(where, axis=1)
    members = segments.count(groups, played)[groups]
    others = jnp.maximum(members - 1.0, 1.0)
    counts = jnp.maximum(jnp.sum(where, axis=1, dtype=jnp.float32), 1.0)
    means = spans.scores(process, where) / counts
    pooled = segments.total(means, groups, played)[groups]
    centred = (members[:, None] * process - pooled[:, None]) / others[:, None]
    centred = masked.keep(centred, where & (members > 1)[:, None])
    outcome = grouped.leave_one_out(outcomes, groups, played)
    rewards = process_weight * centred + jnp.where(
        spans.last(where), outcome_weight * outcome[:, None], 0.0
    )
    return masked.whiten(returns.discounted(rewards, where, discount=1.0), where)
