"""SPO-chain and VinePPO: credit from values estimated along one response.

Position j of a response is the state after j tokens: 0 is the prompt. A boundary is a
position at which the value is estimated, by rollouts from there.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rl_credit.ops import masked


def cutpoints(
    probs: Float[Array, "batch time"],
    where: Bool[Array, "batch time"],
    *,
    threshold: float = 0.9,
    interval: int = 5,
) -> Bool[Array, "batch positions"]:
    """Boundaries before the 1st, (1 + interval)-th, ... token with `p < threshold`.

    SPO's adaptive partition (arXiv 2505.23564, section 4); `positions = time + 1`.
    """
    cuts = uncertain(probs, where, threshold=threshold)
    return _positions(cuts & (_ordinal(cuts) % interval == 0))


def equal_cutpoints(
    probs: Float[Array, "batch time"],
    where: Bool[Array, "batch time"],
    *,
    threshold: float = 0.9,
    count: int = 4,
) -> Bool[Array, "batch positions"]:
    """`count` segments with as equal numbers of cutpoints as can be, from the prompt.

    The optimum of the paper's objective for a fixed number of segments (section 4).
    """
    cuts = uncertain(probs, where, threshold=threshold)
    starts = _equal_starts(jnp.sum(cuts, axis=1, dtype=jnp.int32), count)
    chosen = jnp.any(_ordinal(cuts)[:, :, None] == starts[:, None, 1:], axis=2)
    return _positions(cuts & chosen).at[:, 0].set(jnp.any(where, axis=1))


def equal_lengths(
    where: Bool[Array, "batch time"], *, count: int = 4
) -> Bool[Array, "batch positions"]:
    """`count` segments of near-equal length, longer ones first, from the prompt on."""
    starts = _equal_starts(jnp.sum(where, axis=1, dtype=jnp.int32), count)
    chosen = jnp.any(_ordinal(where)[:, :, None] == starts[:, None, :], axis=2)
    return _positions(where & chosen)


def every(
    where: Bool[Array, "batch time"], *, interval: int
) -> Bool[Array, "batch positions"]:
    """A boundary at the prompt and after every `interval` tokens."""
    return _positions(where & (_ordinal(where) % interval == 0))


def uncertain(
    probs: Float[Array, "batch time"],
    where: Bool[Array, "batch time"],
    *,
    threshold: float = 0.9,
) -> Bool[Array, "batch time"]:
    """SPO's probability mask: the tokens sampled with `p < threshold` (eq. 4)."""
    return where & (masked.keep(probs, where) < threshold)


def segment_advantages(
    values: Float[Array, "batch positions"],
    boundaries: Bool[Array, "batch positions"],
    scores: Float[Array, " batch"],
    where: Bool[Array, "batch time"],
) -> Float[Array, "batch time"]:
    """`V(end of the segment) - V(its start)` for each token of a segment (eq. 2).

    The value of the last state is the trajectory's own score. Tokens before the first
    boundary have no estimate to start from and get 0. Values off the boundaries are
    never read.
    """
    time = where.shape[1]
    positions = jnp.arange(time, dtype=jnp.int32)[None]
    end = jnp.max(jnp.where(where, positions + 1, 0), axis=1, keepdims=True)
    inner = boundaries[:, :time] & (positions < end)
    starts = jax.lax.cummax(jnp.where(inner, positions, -1), axis=1)
    later = jnp.where(inner, positions, end)
    after = jnp.concatenate([later[:, 1:], end], axis=1)
    ends = jax.lax.cummin(after, axis=1, reverse=True)
    states = jnp.arange(time + 1, dtype=jnp.int32)[None]
    known = masked.keep(values, boundaries & (states < end))
    known = jnp.where(states == end, scores[:, None], known)
    gained = jnp.take_along_axis(known, ends, axis=1)
    had = jnp.take_along_axis(known, jnp.maximum(starts, 0), axis=1)
    return jnp.where(where & (starts >= 0), gained - had, 0.0)


@jax.jit
def vineppo(
    rewards: Float[Array, "batch spans"],
    values: Float[Array, "batch spans"],
    where: Bool[Array, "batch spans"],
    known: Bool[Array, "batch spans"] | None = None,
) -> Float[Array, "batch spans"]:
    """VinePPO: `r_t + V_(t+1) - V_t` with Monte Carlo values (arXiv 2410.01679, 4).

    The value of the terminal state is 0. A state whose value is not `known` is taken to
    be worth what came after it, so that its step gets 0.
    """
    known = where if known is None else known & where

    def step(ahead, now):
        reward, value, estimated, kept = now
        reached = reward + ahead
        here = jnp.where(estimated, value, reached)
        return jnp.where(kept, here, ahead), jnp.where(kept, reached - here, 0.0)

    columns = masked.keep(rewards, where), masked.keep(values, known), known, where
    start = jnp.zeros(rewards.shape[0], rewards.dtype)
    transposed = tuple(column.T for column in columns)
    return jax.lax.scan(step, start, transposed, reverse=True)[1].T


def _ordinal(marks: Bool[Array, "batch time"]) -> Int[Array, "batch time"]:
    """0 for the first mark of a row and all before it, 1 for the second, ..."""
    return jnp.cumsum(marks, axis=1, dtype=jnp.int32) - 1


def _equal_starts(
    totals: Int[Array, " batch"], count: int
) -> Int[Array, "batch parts"]:
    """Where each of `count` parts of `totals` items starts, larger parts first."""
    parts, totals = jnp.arange(count, dtype=jnp.int32)[None], totals[:, None]
    return parts * (totals // count) + jnp.minimum(parts, totals % count)


def _positions(starts: Bool[Array, "batch time"]) -> Bool[Array, "batch positions"]:
    """From tokens that open a segment to positions."""
    return jnp.pad(starts, ((0, 0), (0, 1)))
