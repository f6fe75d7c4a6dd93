"""Text from a decoder: the prompt in one pass, then a token a step, in one program."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from rl_credit.models import cache as caches
from rl_credit.models.cache import Cache
from rl_credit.models.decoder import Decoder, Params
from rl_credit.rollout import sampling
from rl_credit.rollout.sampling import Sampling
from rl_credit.types import record

NOTHING = -1  # fills the front of a stop sequence; no token is -1


@record
class Generated:
    """What a batch of rows said, and the cache that has read it to the last token."""

    tokens: Int[Array, "batch limit"]
    where: Bool[Array, "batch limit"]  # True up to and including the stop
    logps: Float[Array, "batch limit"]  # of each token when it was drawn, else 0
    stopped: Bool[Array, " batch"]  # False: cut off by the limit
    cache: Cache


def stop_sequences(*sequences: list[int]) -> Int[np.ndarray, "stops length"]:
    """Token sequences that end a row, such as `[end]` and the tokens of a closing tag.

    Raises ValueError without any or where one is empty.
    """
    if not sequences or not all(sequences):
        raise ValueError(f"stop sequences are {sequences}; each needs a token or more")
    longest = max(map(len, sequences))
    padded = [[NOTHING] * (longest - len(stop)) + list(stop) for stop in sequences]
    return np.asarray(padded, np.int32)


@functools.partial(
    jax.jit, static_argnames=("decoder", "limit", "how"), donate_argnames="cache"
)
def generate(
    decoder: Decoder,
    params: Params,
    keys: Key[Array, " batch"],
    tokens: Int[Array, "batch time"],
    where: Bool[Array, "batch time"],
    cache: Cache,
    stops: Int[Array, "stops length"],
    *,
    limit: int,
    how: Sampling,
) -> Generated:
    """Reads `tokens` after what `cache` holds, then says up to `limit` more.

    A conversation that grows passes the cache on and, as `tokens`, only what is new;
    the cache given is used up. It needs `time + limit` free slots. A row without a
    token in `where` says nothing. What a row says depends on its key and text, not on
    the rows beside it. Shapes alone decide what is compiled: pad `tokens` to a bucket,
    on either side.
    """

    def read(tokens, where, cache) -> Any:
        places = caches.positions(where, cache)
        return decoder.apply(params, tokens, places, where, cache)

    hidden, cache = read(tokens, where, cache)
    last = jnp.max(jnp.where(where, jnp.arange(where.shape[1])[None], 0), axis=1)
    hidden = jnp.take_along_axis(hidden, last[:, None, None], axis=1)
    batch, length = tokens.shape[0], stops.shape[1]

    def step(state):
        number, hidden, cache, said, alive = state
        logits = decoder.apply(params, hidden, method="logits")[:, 0]
        now = jax.vmap(jax.random.fold_in, (0, None))(keys, number)
        drawn, logp = sampling.sample(now, logits, how)
        recent, words, kept, logps = said
        recent = jnp.concatenate([recent[:, 1:], drawn[:, None]], axis=1)
        words = words.at[:, number].set(jnp.where(alive, drawn, 0))
        kept = kept.at[:, number].set(alive)
        logps = logps.at[:, number].set(jnp.where(alive, logp, 0.0))
        hidden, cache = read(drawn[:, None], alive[:, None], cache)
        alive &= ~_ends(recent, stops)
        return number + 1, hidden, cache, (recent, words, kept, logps), alive

    empty = jnp.zeros((batch, limit), jnp.int32)
    recent = jnp.full((batch, length), NOTHING, jnp.int32)
    said = recent, empty, empty.astype(bool), empty.astype(jnp.float32)
    start = jnp.int32(0), hidden, cache, said, jnp.any(where, axis=1)
    state = jax.lax.while_loop(
        lambda state: (state[0] < limit) & jnp.any(state[4]), step, start
    )
    _, _, cache, (_, words, kept, logps), alive = state
    return Generated(words, kept, logps, ~alive, cache)


def _ends(
    recent: Int[Array, "batch length"], stops: Int[Array, "stops length"]
) -> Bool[Array, " batch"]:
    """Whether the last tokens of a row are one of the stop sequences."""
    same = recent[:, None, :] == stops[None, :, :]
    return jnp.any(jnp.all(same | (stops == NOTHING)[None], axis=2), axis=1)
