"""Returns and advantages along one trajectory. Padding and holes are passed over.

A hole (`where` False between played spans, such as the tokens of a tool's answer) takes
no time: nothing is discounted over it.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rl_credit.credit import spans
from rl_credit.ops import masked, scans


def discounted(
    rewards: Float[Array, "batch spans"],
    where: Bool[Array, "batch spans"],
    *,
    discount: float | Float[Array, ""],
) -> Float[Array, "batch spans"]:
    """`G_t = r_t + discount * G_(t+1)` (GiGPO, arXiv 2505.10978, eq. 5)."""
    return scans.decayed_sums(rewards, where, decay=discount)


def next_values(
    values: Float[Array, "batch spans"],
    where: Bool[Array, "batch spans"],
    final_values: Float[Array, " batch"] | None = None,
) -> Float[Array, "batch spans"]:
    """The value of the state each played span led to.

    After the last span it is `final_values`, the critic's value of the state in which a
    trajectory was cut off; 0 when not given.
    """
    final = jnp.zeros(values.shape[0]) if final_values is None else final_values
    return scans.following(values, where, final)


def temporal_differences(
    rewards: Float[Array, "batch spans"],
    values: Float[Array, "batch spans"],
    next_values: Float[Array, "batch spans"],
    terminated: Bool[Array, "batch spans"] | Bool[Array, " batch"],
    where: Bool[Array, "batch spans"],
    *,
    discount: float | Float[Array, ""],
) -> Float[Array, "batch spans"]:
    """`r + discount * V' - V`, where V' is 0 after termination."""
    ended = _per_span(terminated, where)
    ahead = jnp.where(ended, 0.0, discount * next_values)
    return masked.keep(rewards + ahead - values, where)


def gae(
    rewards: Float[Array, "batch spans"],
    values: Float[Array, "batch spans"],
    next_values: Float[Array, "batch spans"],
    terminated: Bool[Array, "batch spans"] | Bool[Array, " batch"],
    where: Bool[Array, "batch spans"],
    *,
    discount: float | Float[Array, ""],
    trace: float | Float[Array, ""],
    truncated: Bool[Array, "batch spans"] | None = None,
) -> Float[Array, "batch spans"]:
    """Generalised advantage estimation (arXiv 1506.02438, eq. 16).

    Args:
      next_values: value of the state a span led to, also where the trajectory was cut
        off; see `next_values`. It is ignored where `terminated`.
      terminated: per span, or per trajectory and then about its last played span.
      trace: lambda; 0 is the temporal difference, 1 the Monte Carlo return less V.
      truncated: spans after which a new episode starts within the row (auto-reset):
        they bootstrap, but nothing flows back over them.
    """
    ended = _per_span(terminated, where)
    deltas = temporal_differences(
        rewards, values, next_values, ended, where, discount=discount
    )
    stops = ended if truncated is None else ended | truncated
    return scans.decayed_sums(deltas, where, decay=discount * trace, stops=stops)


def lambda_returns(
    rewards: Float[Array, "batch spans"],
    next_values: Float[Array, "batch spans"],
    terminated: Bool[Array, "batch spans"] | Bool[Array, " batch"],
    where: Bool[Array, "batch spans"],
    *,
    discount: float | Float[Array, ""],
    trace: float | Float[Array, ""],
) -> Float[Array, "batch spans"]:
    """`G_t = r_t + discount * ((1 - trace) V' + trace G_(t+1))` (Sutton & Barto, 12.3).

    The last span of a trajectory that was cut off bootstraps from its whole `V'`.
    """
    ended = _per_span(terminated, where)
    share = jnp.where(spans.last(where), 1.0, 1.0 - trace)
    ahead = jnp.where(ended, 0.0, discount * share * next_values)
    ahead = masked.keep(rewards + ahead, where)
    return scans.decayed_sums(ahead, where, decay=discount * trace, stops=ended)


def _per_span(
    terminated: Bool[Array, "batch spans"] | Bool[Array, " batch"],
    where: Bool[Array, "batch spans"],
) -> Bool[Array, "batch spans"]:
    if terminated.ndim == 2:
        return terminated
    return spans.last(where) & terminated[:, None]
