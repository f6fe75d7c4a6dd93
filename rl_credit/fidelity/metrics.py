"""How near credit is to the exact advantages, on one batch.

Where a batch cannot say (no pair to rank, no advantage but 0), a metric is NaN, and is
left out of averages. Credit that is the same everywhere says nothing, and scores 0 in
correlation and 1/2 in what is guessed.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rl_credit.fidelity.play import Played

Spans = Float[Array, "rows spans"]
Mask = Bool[Array, "rows spans"]
NEIGHBOURS = 64  # rows whose steps are compared with a row's
CLOSE = 1e-5  # of the largest credit: closer credit is the same, but for rounding


def settled(credit: Spans, where: Mask) -> Spans:
    """Credit in multiples of its rounding error, so that ties are ties."""
    most = jnp.max(jnp.where(where, jnp.abs(credit), 0.0))
    grain = jnp.where(most > 0, CLOSE * most, 1.0)
    return jnp.where(where, grain * jnp.round(credit / grain), 0.0)


def spearman(credit: Spans, truth: Spans, where: Mask) -> Float[Array, ""]:
    """Correlation of the ranks of all steps of the batch; ties share a rank."""
    weights = where.reshape(-1).astype(jnp.float32)
    return _correlation(_ranks(credit, where), _ranks(truth, where), weights)


def sign_agreement(credit: Spans, truth: Spans, where: Mask) -> Float[Array, ""]:
    """Share of the steps that matter whose credit has the sign of their advantage.

    A step without credit counts half.
    """
    matters = where & (truth != 0)
    right = 0.5 + 0.5 * jnp.sign(credit) * jnp.sign(truth)
    return _mean(right, matters)


def ranking(
    credit: Spans, truth: Spans, played: Played, where: Mask
) -> Float[Array, ""]:
    """Share of pairs of different actions in one state that are in the right order.

    Pairs are of one state at one time, of actions whose advantages differ, in rows that
    are less than `NEIGHBOURS` apart; a tie counts half.
    """
    columns = credit, truth, played.states, played.times, where

    def apart(carry: tuple[Array, Array], offset: Array) -> tuple[tuple, None]:
        credit, truth, state, time, kept = columns
        others = tuple(jnp.roll(column, -offset, axis=0) for column in columns)
        gap = truth - others[1]
        pairs = kept & others[4] & (gap != 0) & (state == others[2])
        pairs &= time == others[3]
        right = 0.5 + 0.5 * jnp.sign(credit - others[0]) * jnp.sign(gap)
        total = jnp.sum(jnp.where(pairs, right, 0.0))
        return (carry[0] + total, carry[1] + jnp.sum(pairs)), None

    nothing = jnp.float32(0), jnp.int32(0)
    offsets = jnp.arange(1, min(NEIGHBOURS, credit.shape[0]))
    (right, pairs), _ = jax.lax.scan(apart, nothing, offsets)
    return right / jnp.where(pairs > 0, pairs, jnp.nan)


def policy_gradient(
    credit: Spans,
    logits: Float[Array, "observations actions"],
    seen: Int[Array, "rows spans"],
    actions: Int[Array, "rows spans"],
    where: Mask,
) -> Float[Array, "observations actions"]:
    """The mean over rows of the sum over steps of credit * d log pi(a | o) / d logits.

    REINFORCE (Williams, 1992).
    """
    weighted = jnp.where(where, credit, 0.0)
    rows = jnp.maximum(jnp.sum(jnp.any(where, axis=1)), 1)
    taken = jnp.zeros_like(logits).at[seen, actions].add(weighted)
    visited = jnp.zeros_like(logits[:, 0]).at[seen].add(weighted)
    return (taken - visited[:, None] * jax.nn.softmax(logits)) / rows


def cosine(one: Float[Array, "..."], other: Float[Array, "..."]) -> Float[Array, ""]:
    """Of the angle between two gradients; 0 if one of them is 0."""
    lengths = jnp.sqrt(jnp.sum(jnp.square(one)) * jnp.sum(jnp.square(other)))
    return jnp.sum(one * other) / jnp.where(lengths > 0, lengths, 1.0)


def _ranks(values: Spans, where: Mask) -> Float[Array, " steps"]:
    flat = jnp.where(where, values, jnp.inf).reshape(-1)
    ordered = jnp.sort(flat)
    below = jnp.searchsorted(ordered, flat, side="left")
    upto = jnp.searchsorted(ordered, flat, side="right")
    return 0.5 * (below + upto + 1).astype(jnp.float32)


def _correlation(one: Array, other: Array, weights: Array) -> Float[Array, ""]:
    count = jnp.maximum(jnp.sum(weights), 1.0)
    one, other = (x - jnp.sum(weights * x) / count for x in (one, other))
    products = jnp.sum(weights * one * other)
    spread, known = (jnp.sum(weights * x * x) for x in (one, other))
    both = jnp.sqrt(jnp.where(spread > 0, spread, 1.0) * known)
    return jnp.where(known > 0, products / both, jnp.nan)


def _mean(values: Array, where: Array) -> Float[Array, ""]:
    count = jnp.sum(where)
    return jnp.sum(jnp.where(where, values, 0.0)) / jnp.where(count > 0, count, jnp.nan)
