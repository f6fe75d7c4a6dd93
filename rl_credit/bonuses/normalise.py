"""Bonuses divided by their running deviation, before a coefficient weighs them.

Nothing is subtracted, so that a bonus stays positive, and nothing is clipped: an
agent's reward is `extrinsic + coefficient * normalised`.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from rl_credit.ops import moments, names

FORMULAS = ("none", "released", "running")


def init() -> moments.Moments:
    """No bonus seen yet."""
    return moments.init()


def update(
    state: moments.Moments,
    bonus: Float[Array, "time envs"],
    *,
    formula: str = "running",
) -> tuple[moments.Moments, Float[Array, "time envs"]]:
    """Takes in a rollout, then divides it by the deviation of all so far.

    As long as all bonuses were the same, they stay as they are.

    Args:
        formula: "running": the deviation of every entry seen. "released": as
            facebookresearch/e3b has it, which sums over steps and environments but
            divides by the number of steps; after the first of rollouts with B
            environments `sqrt(B * (variance + (B - 1)^2 * mean^2))`, some 20 times as
            much for 8 of them. "none": bonuses stay as they are.

    Raises:
        ValueError: for a formula nobody knows.
    """
    if formula not in FORMULAS:
        raise ValueError(names.unknown("formula", formula, FORMULAS))
    if formula == "none":
        return state, bonus
    state = (_running if formula == "running" else _released)(state, bonus)
    deviation = moments.deviation(state, ddof=0)
    return state, bonus / jnp.where(deviation > 0, deviation, 1.0)


def _running(
    state: moments.Moments, bonus: Float[Array, "time envs"]
) -> moments.Moments:
    return moments.update(state, bonus.reshape(-1))


def _released(
    state: moments.Moments, bonus: Float[Array, "time envs"]
) -> moments.Moments:
    """The moments of a batch that claims to have as many entries as steps."""
    steps = jnp.float32(bonus.shape[0])
    mean = jnp.sum(bonus) / steps
    squares = jnp.sum(jnp.square(bonus - mean))
    batch = moments.Moments(steps, mean, squares, jnp.zeros_like(mean))
    return moments.merge(state, batch)
