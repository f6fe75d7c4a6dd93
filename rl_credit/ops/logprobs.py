"""Log-probabilities of given tokens, one chunk of time at a time.

Only a chunk of the [batch time vocab] scores exists in float32, forward and backward:
a chunk keeps its inputs and is computed again for its gradient.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from rl_credit.ops import dense

LOWEST = -1e30  # stands for a logit of -inf, whose product with probability 0 is NaN

Scores = tuple[Float[Array, "batch time"], Float[Array, "batch time"]]


def from_logits(
    logits: Float[Array, "batch time vocab"],
    tokens: Int[Array, "batch time"],
    *,
    temperature: float | Float[Array, ""] = 1.0,
    chunk: int = 256,
) -> Scores:
    """Log-probability of each token and entropy of each distribution, in nats.

    Both are float32 whatever the logits are. The distribution is
    softmax(logits / temperature). A token outside the vocabulary (padding) gets 0.
    """

    def score(logits, tokens):
        return _score(logits.astype(jnp.float32) / temperature, tokens)

    return _over_time(score, (logits, tokens), chunk)


def from_hidden(
    hidden: Float[Array, "batch time width"],
    output: Float[Array, "width vocab"],
    tokens: Int[Array, "batch time"],
    *,
    temperature: float | Float[Array, ""] = 1.0,
    chunk: int = 256,
) -> Scores:
    """As `from_logits`, of hidden @ output, which never exists as a whole.

    Products are taken in the dtype of `hidden` and added in float32. The gradient of
    `output` is added up over chunks in the dtype of `output`: keep it float32 to train.
    """

    def score(hidden, tokens):
        matrix = output.astype(hidden.dtype)
        logits = dense.product(hidden, matrix, jnp.float32)
        logits = jax.lax.optimization_barrier(logits)  # XLA:CPU is slow at both in one
        return _score(logits / temperature, tokens)

    return _over_time(score, (hidden, tokens), chunk)


def _score(
    logits: Float[Array, "batch chunk vocab"], tokens: Int[Array, "batch chunk"]
) -> tuple[Float[Array, "batch chunk"], Float[Array, "batch chunk"]]:
    """Log-probabilities and entropies of one chunk."""
    logits = jnp.maximum(logits, LOWEST)
    shifted = logits - jax.lax.stop_gradient(jnp.max(logits, axis=-1, keepdims=True))
    weights = jnp.exp(shifted)
    total = jnp.sum(weights, axis=-1)
    normaliser = jnp.log(total)
    known = (tokens >= 0) & (tokens < logits.shape[-1])
    given = jnp.where(known, tokens, 0)[..., None]
    chosen = jnp.take_along_axis(shifted, given, axis=-1)[..., 0]
    logps = jnp.where(known, chosen - normaliser, 0.0)
    return logps, normaliser - jnp.sum(weights * shifted, axis=-1) / total


def _over_time(score: Callable, arrays: tuple[Array, ...], chunk: int) -> Scores:
    """Maps `score` over equal chunks of axis 1, recomputing each for its gradient."""
    time = arrays[0].shape[1]
    chunks = -(-time // chunk)
    size = -(-time // chunks)

    def split(array):  # -> [chunks batch size ...]
        unused = [(0, 0)] * array.ndim
        unused[1] = (0, chunks * size - time)
        padded = jnp.pad(array, unused)
        pieces = padded.reshape(array.shape[0], chunks, size, *array.shape[2:])
        return jnp.moveaxis(pieces, 1, 0)

    def join(pieces):  # [chunks batch size] -> [batch time]
        return jnp.moveaxis(pieces, 0, 1).reshape(pieces.shape[1], -1)[:, :time]

    body = jax.checkpoint(lambda piece: score(*piece), prevent_cse=False)
    logps, entropies = jax.lax.map(body, tuple(split(array) for array in arrays))
    return join(logps), join(entropies)
