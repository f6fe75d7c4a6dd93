"""Regression of a value function on returns."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rl_credit.losses import reduce
from rl_credit.losses.reduce import Reduction
from rl_credit.ops import masked
from rl_credit.types import Weighted


def clipped_regression(
    values: Float[Array, "batch time"],
    old_values: Float[Array, "batch time"],
    returns: Float[Array, "batch time"],
    where: Bool[Array, "batch time"],
    *,
    clip: float = 0.2,
    reduce: Reduction = reduce.token_mean,
) -> Weighted:
    """Half the squared error, no better than that of a step of at most `clip`.

    PPO's value clipping as its authors released it (openai/baselines, ppo2); the 0.5 is
    inside, as in verl.
    """
    steps = masked.keep(values - old_values, where)
    targets = masked.keep(returns - old_values, where)
    free = jnp.square(steps - targets)
    held = jnp.square(jnp.clip(steps, -clip, clip) - targets)
    return reduce(0.5 * jnp.maximum(free, held), where)
