"""Who answers in an episode: a decoder, or somebody who knows the way."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import jax
import numpy as np
from jaxtyping import Array, Int, Key

from rl_credit.models import cache as caches
from rl_credit.models.cache import Cache
from rl_credit.models.decoder import Decoder, Params
from rl_credit.models.tokenizer import Tokenizer
from rl_credit.ops import buckets
from rl_credit.rollout import actions, decode
from rl_credit.rollout.sampling import Sampling

ROWS = 8  # fewest in a batch: less would compile more and save nothing


@dataclasses.dataclass(frozen=True)
class Asked:
    """One row of a batch that waits for an answer."""

    row: int  # where it sits, the same throughout the episode
    episode: int  # its number in the rollout, which its random draws depend on
    task: int
    turn: int  # how many answers it gave before
    prompt: list[int]  # in a conversation, what is new


@dataclasses.dataclass(frozen=True)
class Answer:
    """What was said; see `episodes.Step`."""

    tokens: list[int]
    logps: list[float]
    stopped: bool


@runtime_checkable
class Speaker(Protocol):
    """Answers rows; None where a prompt and its answer do not fit in its window."""

    def answer(self, asked: Sequence[Asked]) -> list[Answer | None]:
        """One answer a row, in their order."""
        ...


@dataclasses.dataclass(frozen=True)
class Voice:
    """How a decoder speaks: see `sampling.Sampling` and `actions.Format`."""

    decoder: Decoder
    tokenizer: Tokenizer
    limit: int  # most tokens of an answer
    window: int  # most tokens of a prompt and its answer, or of a conversation
    how: Sampling = Sampling()
    format: str = "plain"

    def __post_init__(self):
        positions = self.decoder.config.positions
        if not 1 <= self.limit < self.window <= positions:
            raise ValueError(
                f"limit={self.limit}, window={self.window}: an answer has 1 token or "
                f"more, is shorter than the window, and the window at most {positions},"
                " the positions of this decoder"
            )
        closing = actions.named(self.format).closing
        back = self.tokenizer.decode(self.tokenizer.encode(closing))
        if "".join(back.split()) != closing:
            raise ValueError(
                f"the vocabulary cannot write {closing!r}, which ends an answer of the "
                f"format {self.format!r}: it comes back as {back!r}"
            )

    @functools.cached_property
    def stops(self) -> Int[np.ndarray, "stops length"]:
        """Token sequences that end an answer."""
        closing = actions.named(self.format).closing
        tags = [self.tokenizer.encode(closing)] if closing else []
        return decode.stop_sequences([self.tokenizer.end], *tags)


class Alone:
    """Reads every prompt from its beginning: only rows that are asked cost anything."""

    def __init__(self, voice: Voice, params: Params, key: Key[Array, ""]):
        self._voice, self._params, self._key = voice, params, key

    def answer(self, asked: Sequence[Asked]) -> list[Answer | None]:
        voice = self._voice
        fit = [a for a in asked if len(a.prompt) + voice.limit <= voice.window]
        if not fit:
            return [None] * len(asked)
        rows = max(ROWS, 1 << (len(fit) - 1).bit_length())
        longest = buckets.bucket(max(len(a.prompt) for a in fit))
        time = min(longest, voice.window - voice.limit)
        cache = caches.init(voice.decoder.config, rows, time + voice.limit)
        order = {a.row: place for place, a in enumerate(fit)}
        inputs = _inputs(fit, order, (rows, time), self._key)
        said, _ = _generate(voice, self._params, inputs, cache)
        return [said[order[a.row]] if a.row in order else None for a in asked]


class Conversation:
    """Keeps what its rows have read; begin a new one for every batch of episodes."""

    def __init__(self, voice: Voice, params: Params, key: Key[Array, ""], rows: int):
        self._voice, self._params, self._key = voice, params, key
        self._rows = max(ROWS, rows)
        self._cache: Cache | None = None
        self._used = 0

    def answer(self, asked: Sequence[Asked]) -> list[Answer | None]:
        voice = self._voice
        room = voice.window - voice.limit - self._used
        fit = [a for a in asked if len(a.prompt) <= room]
        if not fit:
            return [None] * len(asked)
        time = min(buckets.bucket(max(len(a.prompt) for a in fit)), room)
        self._grow(self._used + time + voice.limit)
        order = {a.row: a.row for a in fit}
        inputs = _inputs(fit, order, (self._rows, time), self._key)
        said, self._cache = _generate(voice, self._params, inputs, self._cache)
        self._used = int(self._cache.used)
        return [said[a.row] if a.row in order else None for a in asked]

    def _grow(self, needed: int) -> None:
        """Makes room: slots double, so that few sizes are compiled."""
        held = 0 if self._cache is None else self._cache.where.shape[1]
        if needed <= held:
            return
        slots = min(max(256, 1 << (needed - 1).bit_length()), self._voice.window)
        if self._cache is None:
            self._cache = caches.init(self._voice.decoder.config, self._rows, slots)
        else:
            self._cache = caches.widen(self._cache, slots)


class Guide:
    """Says the actions it was given: demonstrations for imitation."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        routes: Mapping[int, Sequence[str]],
        format: str = "plain",
    ):
        self._tokenizer, self._routes = tokenizer, routes
        self._template = actions.named(format).template

    def answer(self, asked: Sequence[Asked]) -> list[Answer | None]:
        return [self._say(self._routes[a.task][a.turn]) for a in asked]

    def _say(self, action: str) -> Answer:
        tokens = self._tokenizer.encode(self._template.format(action=action))
        tokens = [*tokens, self._tokenizer.end]
        return Answer(tokens, [0.0] * len(tokens), stopped=True)


Inputs = tuple[np.ndarray, np.ndarray, Key[Array, " batch"]]


def _inputs(
    asked: Sequence[Asked], order: Mapping[int, int], shape: tuple[int, int], key
) -> Inputs:
    """Tokens, padded on the left, where they are, and a key a row."""
    tokens, where = np.zeros(shape, np.int32), np.zeros(shape, bool)
    numbers = np.zeros((shape[0], 2), np.int32)
    for a in asked:
        row = order[a.row]
        start = shape[1] - len(a.prompt)
        tokens[row, start:], where[row, start:] = a.prompt, True
        numbers[row] = a.episode, a.turn
    return tokens, where, _keys(key, numbers)


@jax.jit
def _keys(key: Key[Array, ""], numbers: Int[Array, "batch 2"]) -> Key[Array, " batch"]:
    """A key for each pair of episode and turn."""

    def fold(pair):
        return jax.random.fold_in(jax.random.fold_in(key, pair[0]), pair[1])

    return jax.vmap(fold)(numbers)


def _generate(voice: Voice, params: Params, inputs: Inputs, cache):
    """What each row said, and the cache."""
    tokens, where, keys = inputs
    run = decode.generate(
        voice.decoder,
        params,
        keys,
        tokens,
        where,
        cache,
        voice.stops,
        limit=voice.limit,
        how=voice.how,
    )
    words, kept, logps, stopped = jax.device_get(
        (run.tokens, run.where, run.logps, run.stopped)
    )
    said = [
        Answer(row[keep].tolist(), logp[keep].tolist(), bool(stop))
        for row, keep, logp, stop in zip(words, kept, logps, stopped)
    ]
    return said, run.cache
