"""Credit by turn: MT-GRPO."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rl_credit.credit import groups as grouped
from rl_credit.credit import spans


def mt_grpo(
    turn_scores: Float[Array, " batch"],
    outcome_scores: Float[Array, " batch"],
    groups: Int[Array, " batch"],
    earlier: Bool[Array, "batch spans"],
    where: Bool[Array, "batch spans"],
    *,
    turn_weight: float = 1.0,
    epsilon: float = 1e-4,
) -> Float[Array, "batch spans"]:
    """MT-GRPO: `A_outcome + turn_weight * A_turn` on the turns that earned the turn
    reward, `A_outcome` after them (arXiv 2505.11821).

    Args:
      turn_scores: what the intermediate turns earned, such as for calling the tool.
      outcome_scores: what the final answer earned.
      earlier: the spans up to the turn reward. A trajectory without any never reached
        one; all its spans get the advantage of the two scores together.
    """
    played = jnp.any(where, axis=1)

    def relative(scores):
        return grouped.group_relative(scores, groups, played, epsilon=epsilon)

    outcome = relative(outcome_scores)
    combined = relative(outcome_scores + turn_weight * turn_scores)
    reached = jnp.any(earlier & where, axis=1)
    later = jnp.where(reached, outcome, combined)
    first = outcome + turn_weight * relative(turn_scores)
    return jnp.where(earlier & where, first[:, None], spans.over(later, where))
