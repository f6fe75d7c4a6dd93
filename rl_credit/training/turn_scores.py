"""A number for every turn from a model, and how the model learns from all of them.

With several hosts each has the rows, scores and slopes of its own turns; the loss is
that of the turns of all of them. All call these functions together.
"""

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from rl_credit.ops import buckets, masked
from rl_credit.runtime import hosts
from rl_credit.training import batching
from rl_credit.training.batching import Row
from rl_credit.training.placement import Placement
from rl_credit.types import TokenBatch, Weighted

# (params, batch) -> a score of all that was said, [batch picks]; hashable, for jit
Model = Callable[[Any, TokenBatch], Float[Array, "batch picks"]]


def scores(
    model: Model, params: Any, rows: Sequence[Row], tokens: int, placement: Placement
) -> Float[np.ndarray, " picks"]:
    """The scores of all that was said in all rows, one row after the other.

    Args:
        tokens: most of a host in a microbatch.
        placement: of the model.
    """
    found = [np.zeros(0, np.float32)] * len(rows)
    parts = batching.parts(rows, tokens)
    own = [batching.batch([rows[i] for i in part]) for part in parts]
    for part, batch in itertools.zip_longest(parts, placement.spread(own)):
        said = placement.returned(_forward(model, params, batch))
        for i, values in zip(part or (), said):
            found[i] = values[: len(rows[i].said)]
    return np.concatenate([np.zeros(0, np.float32), *found])


def by_turn(
    scores: Float[np.ndarray, " picks"],
    counts: Sequence[int],
    where: Bool[np.ndarray, "batch spans"],
) -> Float[np.ndarray, "batch spans"]:
    """Sums over the picks of each turn, of which the turns have `counts`, in order."""
    turns = np.repeat(np.arange(len(counts)), counts)
    summed = np.zeros(where.shape, np.float32)
    summed[where] = np.bincount(turns, weights=scores, minlength=len(counts))
    return summed


def slopes(
    loss: Callable[..., Weighted],
    scores: Float[np.ndarray, "batch spans"],
    *others: np.ndarray,
) -> tuple[Weighted, Float[np.ndarray, "batch spans"]]:
    """`loss(scores, *others)` of all hosts, and the derivative of its mean by each
    score of this one.

    Args:
        others: [batch spans] or [batch]; what is padded with 0 must not matter.
    """
    rows, turns = scores.shape
    arrays = [hosts.stacked(np.asarray(a)) for a in (scores, *others)]
    shape = tuple(map(buckets.bucket, arrays[0].shape))
    padded = [buckets.pad(a, shape[: a.ndim], 0) for a in arrays]
    weighed, found = _slopes(loss, *padded)
    first = hosts.before(rows)
    return weighed, np.asarray(found)[first : first + rows, :turns]


def gradient(
    model: Model, params: Any, rows: Sequence[Row], tokens: int, placement: Placement
) -> Any:
    """Of any loss of all scores together, from its slopes.

    The loss may join scores of several microbatches, as one of pairs does: its gradient
    is that of the sum over `said` of slope * score, which falls into microbatches.

    Args:
        rows: their `advantages` are the slopes.
        tokens: most of a host in a microbatch.
        placement: of the model.
    """
    total = jax.tree.map(jnp.zeros_like, params)
    for batch in placement.microbatches(batching.informative(rows), tokens):
        total = _added(model, params, batch, total)
    return total


@functools.partial(jax.jit, static_argnames="model")
def _forward(model: Model, params: Any, batch: TokenBatch):
    return model(params, batch)


@functools.partial(jax.jit, static_argnames="model", donate_argnames="total")
def _added(model: Model, params: Any, batch: TokenBatch, total: Any) -> Any:
    def linear(params):
        return masked.weigh(batch.advantages * model(params, batch), batch.trained)

    found = jax.grad(lambda params: linear(params).total)(params)
    return jax.tree.map(jnp.add, total, found)


@functools.partial(jax.jit, static_argnums=0)
def _slopes(loss: Callable[..., Weighted], scores: Array, *others: Array):
    def mean(scores):
        weighed = loss(scores, *others)
        return weighed.mean(), weighed

    found, weighed = jax.grad(mean, has_aux=True)(scores)
    return weighed, found
