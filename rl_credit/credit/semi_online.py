"""UI-S1: credit when an expert patches the steps a policy got wrong."""

from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rl_credit.credit import groups as grouped
from rl_credit.ops import scans


def patched_returns(
    rewards: Float[Array, "batch spans"],
    matches: Bool[Array, "batch spans"],
    where: Bool[Array, "batch spans"],
    *,
    discount: float = 0.5,
    horizon: Literal["paper", "released", "full"] = "paper",
) -> Float[Array, "batch spans"]:
    """Discounted return up to where the expert stepped in (arXiv 2509.11543, eq. 9).

    Args:
      matches: the step equals the expert's, so the state after it is the policy's own.
      horizon: how far a matching step looks ahead: "paper", through the first
        mismatch; "released", before it (the code since 93afb003); "full", to the end
        (the paper's ablation, and the first release). A mismatching step always keeps
        its own reward.
    """
    wrong = where & ~matches
    if horizon == "full":
        sums = scans.decayed_sums(rewards, where, decay=discount)
        return jnp.where(wrong, rewards, sums)
    if horizon == "paper":
        return scans.decayed_sums(rewards, where, decay=discount, stops=wrong)
    nothing = jnp.zeros(where.shape[0], bool)
    ends = wrong | scans.following(wrong, where, nothing)
    return scans.decayed_sums(rewards, where, decay=discount, stops=ends)


def step_level(
    returns: Float[Array, "batch spans"],
    groups: Int[Array, " batch"],
    where: Bool[Array, "batch spans"],
    *,
    scale: bool = True,
) -> Float[Array, "batch spans"]:
    """A^S: each return relative to the same step of the task's rollouts (eq. 10)."""
    steps = jnp.cumsum(where, axis=1, dtype=jnp.int32) - 1
    tasks = groups.astype(jnp.int32)[:, None]
    ids = tasks * where.shape[1] + jnp.maximum(steps, 0)
    rows = grouped.group_relative(
        returns.reshape(-1), ids.reshape(-1), where.reshape(-1), scale=scale
    )
    return rows.reshape(where.shape)
