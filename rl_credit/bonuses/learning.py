"""Gradient steps on a rollout, for the bonuses that have a network.

Adam (arXiv 1412.6980) is written out: optax would bring absl's flags into the kernels.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rl_credit.types import record

Batch = dict[str, Array]  # [rows ...] each
Loss = Callable[[Any, Batch], tuple[Array, dict[str, Array]]]  # of params and rows
MAX_NORM = 40.0  # of a gradient; facebookresearch/e3b clips there
DECAYS = (0.9, 0.999)  # of the moments
EPSILON = 1e-8


@record
class Learner:
    """A network that is being trained by Adam."""

    params: Any  # of the network
    means: Any  # of the gradients, a running one for each parameter
    squares: Any  # the same of their squares
    steps: Float[Array, ""]  # taken so far


def init(params: Any) -> Learner:
    """No step taken yet."""
    zeros = jax.tree.map(jnp.zeros_like, params)
    return Learner(params, zeros, zeros, jnp.zeros((), jnp.float32))


def descend(
    loss: Loss,
    learner: Learner,
    batch: Batch,
    key: Array,
    *,
    learning_rate: float,
    minibatches: int,
) -> tuple[Learner, dict[str, Array]]:
    """One pass over the rows in random order; scalars are means over its steps.

    Rows that are left over when `minibatches` does not divide them are left out.
    """
    count = jax.tree.leaves(batch)[0].shape[0]
    size = max(count // minibatches, 1)
    order = jax.random.permutation(key, count)
    order = order[: count // size * size].reshape(-1, size)

    def step(learner, chosen):
        picked = jax.tree.map(lambda rows: rows[chosen], batch)
        gradients, scalars = jax.grad(loss, has_aux=True)(learner.params, picked)
        return adam(learner, gradients, learning_rate), scalars

    learner, scalars = jax.lax.scan(step, learner, order)
    return learner, jax.tree.map(jnp.mean, scalars)


def adam(learner: Learner, gradients: Any, learning_rate: float) -> Learner:
    """One step; gradients longer than `MAX_NORM` are shortened to it."""
    squared = sum(jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(gradients))
    shrink = jnp.minimum(1.0, MAX_NORM * jax.lax.rsqrt(jnp.maximum(squared, EPSILON)))
    gradients = jax.tree.map(lambda gradient: shrink * gradient, gradients)
    slow, slower = DECAYS
    means = jax.tree.map(
        lambda old, new: slow * old + (1 - slow) * new, learner.means, gradients
    )
    squares = jax.tree.map(
        lambda old, new: slower * old + (1 - slower) * jnp.square(new),
        learner.squares,
        gradients,
    )
    steps = learner.steps + 1.0
    rate = learning_rate / (1.0 - slow**steps)
    debias = 1.0 / (1.0 - slower**steps)

    def move(param, mean, square):
        return param - rate * mean / (jnp.sqrt(debias * square) + EPSILON)

    params = jax.tree.map(move, learner.params, means, squares)
    return Learner(params, means, squares, steps)
