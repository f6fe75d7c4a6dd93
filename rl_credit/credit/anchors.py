"""Steps taken from the same state of the same task: GiGPO and HGPO.

Rows are steps, flat and in any order.
"""

from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt32

from rl_credit.credit import groups as grouped
from rl_credit.credit import spans
from rl_credit.ops import masked, scans, segments


def anchor_groups(
    groups: Int[Array, " rows"],
    states: UInt32[Array, "rows 2"],
    where: Bool[Array, " rows"] | None = None,
) -> Int[Array, " rows"]:
    """Ids of the steps that share task and state (arXiv 2505.10978, eq. 6).

    Equal states of different tasks never meet.
    """
    tasks = groups.astype(jnp.uint32)[:, None]
    return segments.dense_ids(jnp.concatenate([tasks, states], axis=1), where)


def gigpo(
    episode_scores: Float[Array, " rows"],
    step_scores: Float[Array, " rows"],
    groups: Int[Array, " rows"],
    trajectories: Int[Array, " rows"],
    states: UInt32[Array, "rows 2"],
    where: Bool[Array, " rows"] | None = None,
    *,
    step_weight: float = 1.0,
    scale: bool = True,
    pool: Literal["trajectories", "rows"] = "trajectories",
) -> Float[Array, " rows"]:
    """GiGPO: episode advantage + `step_weight` * step advantage (2505.10978, eq. 8).

    Args:
      episode_scores: the return of the row's trajectory (less a penalty of its own).
      step_scores: the discounted return from the row on, see `returns.discounted`.
      states: fingerprints of the anchor observations, see `ops.hashing`.
      scale: divide by the deviation (the paper's F_norm = std) at both levels, or not.
      pool: what makes up mean and deviation of a task: "trajectories", each once by
        its first row (the paper), or "rows", so that a trajectory weighs by its length
        (the released code, which gives a group of one its raw score; here it gets 0).
    """
    sample = None
    if pool == "trajectories":
        sample = _one_row_each(groups, trajectories, where)
    episode = grouped.group_relative(
        episode_scores, groups, where, scale=scale, sample=sample
    )
    if sample is not None:
        alone = segments.count(groups, sample)[groups] <= 1
        episode = jnp.where(alone, 0.0, episode)
    anchors = anchor_groups(groups, states, where)
    step = grouped.group_relative(step_scores, anchors, where, scale=scale)
    return episode + step_weight * step


def hgpo(
    step_scores: Float[Array, "batch spans"],
    groups: Int[Array, " batch"],
    states: UInt32[Array, "batch spans 2"],
    where: Bool[Array, "batch spans"],
    *,
    history: int = 2,
    alpha: float = 1.0,
    scale: bool = True,
    epsilon: float = 1e-6,
) -> Float[Array, "batch spans"]:
    """HGPO: steps compared within groups of equal recent history (arXiv 2602.22817).

    Level k = 1 .. history + 1 groups the steps of a task whose last k anchors agree;
    the advantages of the levels that say anything are averaged with weights
    `(k + 1)^alpha`. Deviations are of the population, as in the released code.
    """
    rows, scores = where.reshape(-1), step_scores.reshape(-1)
    total = weight = jnp.zeros_like(scores)
    levels = _histories(spans.repeat(groups, where), states, where, history)
    for level, (ids, kept) in enumerate(levels, start=1):
        centred, deviations = segments.statistics(scores, ids, kept, ddof=0)
        spread = deviations[ids]
        relative = segments.divide(centred, spread, epsilon) if scale else centred
        # A score that is the mean but for rounding says nothing, or the order of the
        # rows would decide whether its level has weight.
        size = spread + jnp.abs(segments.lowest(scores, ids, kept)[ids])
        said = jnp.abs(centred) > segments.FLAT * size
        share = jnp.where(said, (level + 1.0) ** alpha, 0.0)
        total, weight = total + share * relative, weight + share
    averaged = masked.keep(total / jnp.where(weight > 0, weight, 1.0), rows)
    return averaged.reshape(where.shape)


def _histories(
    tasks: Int[Array, " rows"],
    states: UInt32[Array, "batch spans 2"],
    where: Bool[Array, "batch spans"],
    history: int,
) -> list[tuple[Int[Array, " rows"], Bool[Array, " rows"]]]:
    """Per level, the ids of steps whose last anchors agree, and who has that many."""
    current = anchor_groups(tasks, states.reshape(-1, 2), where.reshape(-1))
    levels = [(current, where.reshape(-1))]
    for _ in range(history):
        ids, known = (column.reshape(where.shape) for column in levels[-1])
        before = _previous(jnp.where(known, ids, -1), where).reshape(-1)
        kept = where.reshape(-1) & (before >= 0)
        keys = jnp.stack([jnp.maximum(before, 0), current], axis=1).astype(jnp.uint32)
        levels.append((segments.dense_ids(keys, kept), kept))
    return levels


def _one_row_each(
    groups: Int[Array, " rows"],
    trajectories: Int[Array, " rows"],
    where: Bool[Array, " rows"] | None,
) -> Bool[Array, " rows"]:
    """The first row of each trajectory, also when each task numbers its own anew."""
    keys = jnp.stack([groups, trajectories], axis=1).astype(jnp.uint32)
    return segments.firsts(segments.dense_ids(keys, where), where)


def _previous(
    ids: Int[Array, "batch spans"], where: Bool[Array, "batch spans"]
) -> Int[Array, "batch spans"]:
    """The id at the span played before each span; -1 at the first."""
    missing = jnp.full(where.shape[0], -1, jnp.int32)
    return scans.following(ids[:, ::-1], where[:, ::-1], missing)[:, ::-1]
