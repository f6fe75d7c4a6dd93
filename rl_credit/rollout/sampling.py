"""How the next token is drawn."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from rl_credit.ops.logprobs import LOWEST


@dataclasses.dataclass(frozen=True)
class Sampling:
    """`temperature` 0 is greedy; `top_k` 0 and `top_p` 1 leave all tokens in."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self):
        if self.temperature < 0:
            raise ValueError(f"temperature is {self.temperature}; it is 0 or more")
        if self.top_k < 0:
            raise ValueError(f"top_k is {self.top_k}; it is 0 (off) or more")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}; it lies in (0, 1], 1 being off")


def sample(
    keys: Key[Array, " batch"], logits: Float[Array, "batch vocab"], sampling: Sampling
) -> tuple[Int[Array, " batch"], Float[Array, " batch"]]:
    """One token a row, and its log-probability under softmax(logits / temperature).

    A row's token depends on its own key and logits alone, whichever rows are beside it.
    The log-probability knows nothing of top-k and top-p, so it is that of a full
    forward, `ops.logprobs.from_hidden`; when greedy, that of temperature 1.
    """
    scores = logits / (sampling.temperature or 1.0)
    if sampling.temperature == 0:
        tokens = jnp.argmax(scores, axis=-1)
    else:
        tokens = jax.vmap(jax.random.categorical)(keys, restrict(scores, sampling))
    logps = jax.nn.log_softmax(scores, axis=-1)
    chosen = jnp.take_along_axis(logps, tokens[:, None], axis=-1)[:, 0]
    return tokens.astype(jnp.int32), chosen


def restrict(
    scores: Float[Array, "batch vocab"], sampling: Sampling
) -> Float[Array, "batch vocab"]:
    """Takes away all but the `top_k` best, then all outside the nucleus of `top_p`.

    The nucleus (arXiv 1904.09751) is the fewest best tokens that hold `top_p` of the
    probability; the best token is always in it. Ties with the last one stay in.
    """
    if sampling.top_k:
        count = min(sampling.top_k, scores.shape[-1])
        least = jax.lax.top_k(scores, count)[0][:, -1:]
        scores = jnp.where(scores >= least, scores, LOWEST)
    if sampling.top_p < 1:
        ordered = jnp.sort(scores, axis=-1, descending=True)
        probs = jax.nn.softmax(ordered, axis=-1)
        before = jnp.cumsum(probs, axis=-1) - probs
        kept = jnp.where(before < sampling.top_p, ordered, jnp.inf)
        scores = jnp.where(scores >= jnp.min(kept, axis=-1)[:, None], scores, LOWEST)
    return scores
