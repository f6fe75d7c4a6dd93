"""Advantages of responses relative to the other responses of their task.

Rows are responses, flat and in any order; rows of one group answer one task. A group of
one, without spread or fully masked scores exactly 0. Deviations are the sample's (n-1).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rl_credit.ops import masked, segments


def group_relative(
    scores: Float[Array, " rows"],
    groups: Int[Array, " rows"],
    where: Bool[Array, " rows"] | None = None,
    *,
    scale: bool = True,
    epsilon: float = 1e-6,
    sample: Bool[Array, " rows"] | None = None,
) -> Float[Array, " rows"]:
    """GRPO: `(r - mean) / (std + epsilon)` (arXiv 2402.03300, 4.1.2).

    Without `scale` it is Dr. GRPO: `r - mean` (arXiv 2503.20783).

    Args:
      sample: the rows that make up mean and deviation; all kept rows if not given.
    """
    centred, deviations = segments.statistics(scores, groups, where, sample)
    if not scale:
        return centred
    return segments.divide(centred, deviations[groups], epsilon)


def leave_one_out(
    scores: Float[Array, " rows"],
    groups: Int[Array, " rows"],
    where: Bool[Array, " rows"] | None = None,
) -> Float[Array, " rows"]:
    """RLOO: the score less the mean of the others' (arXiv 2402.14740)."""
    members = segments.count(groups, where)[groups]
    centred = segments.centre(scores, groups, where)
    return centred * members / jnp.maximum(members - 1.0, 1.0)


def optimal_baseline(
    scores: Float[Array, " rows"],
    lengths: Float[Array, " rows"],
    groups: Int[Array, " rows"],
    where: Bool[Array, " rows"] | None = None,
) -> Float[Array, " rows"]:
    """OPO: the score less the length-weighted mean of its group (arXiv 2505.23585)."""
    centred = segments.centre(scores, groups, where)
    weights = segments.total(lengths, groups, where)
    means = segments.total(lengths * centred, groups, where) / jnp.maximum(weights, 1.0)
    return masked.keep(centred - means[groups], where)


def best_of_group(
    scores: Float[Array, " rows"],
    groups: Int[Array, " rows"],
    where: Bool[Array, " rows"] | None = None,
    *,
    scale: bool = True,
    epsilon: float = 1e-6,
) -> Float[Array, " rows"]:
    """Pass@k: the best of a group earns its lead over the second (arXiv 2503.19595).

    All others, and every member when the lead is shared, get 0.
    """
    kept = jax.lax.stop_gradient(scores)
    kept = kept if where is None else jnp.where(where, kept, -jnp.inf)
    rows = scores.shape[0]
    best = jax.ops.segment_max(kept, groups, rows)[groups]
    leads = kept == best
    runners_up = jnp.where(leads, -jnp.inf, kept)
    second = jax.ops.segment_max(runners_up, groups, rows)[groups]
    alone = segments.count(groups, leads)[groups] == 1
    wins = leads & alone & jnp.isfinite(second)
    lead = jnp.where(wins, scores - jnp.where(wins, second, 0.0), 0.0)
    if not scale:
        return lead
    deviations = segments.deviation(scores, groups, where)[groups]
    return segments.divide(lead, deviations, epsilon)


def policy_gradient(
    scores: Float[Array, " rows"],
    groups: Int[Array, " rows"],
    where: Bool[Array, " rows"] | None = None,
) -> Float[Array, " rows"]:
    """GPG: `r - mean`, raised by the share of rows whose group has none (2504.02546).

    The factor is rows / rows in groups with spread. (verl counts non-zero rewards.)
    """
    centred, deviations = segments.statistics(scores, groups, where)
    varied = deviations[groups] > 0
    useful = varied if where is None else varied & where
    kept = jnp.ones_like(useful) if where is None else where
    rows = jnp.sum(kept, dtype=jnp.float32)
    return centred * rows / jnp.maximum(jnp.sum(useful, dtype=jnp.float32), 1.0)


def negative_only(
    scores: Float[Array, " rows"],
    groups: Int[Array, " rows"],
    where: Bool[Array, " rows"] | None = None,
    *,
    epsilon: float = 1e-6,
) -> Float[Array, " rows"]:
    """GRPO-N: GRPO's advantage where it is negative, else 0 (arXiv 2510.04028)."""
    return jnp.minimum(group_relative(scores, groups, where, epsilon=epsilon), 0.0)


def sign_weighted(
    scores: Float[Array, " rows"],
    where: Bool[Array, " rows"] | None = None,
    *,
    positive: float = 0.1,
    negative: float = 1.0,
) -> Float[Array, " rows"]:
    """W-REINFORCE: `positive` for a reward of 1, `-negative` for one of 0 (2506.01347).

    `positive=1, negative=0` is PSR and `positive=0, negative=1` is NSR. There is no
    baseline: a group in which all fail still teaches.
    """
    return masked.keep(positive * scores - negative * (1.0 - scores), where)
