"""From episodes of any length to a few shapes of token batches."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from rl_credit.ops import buckets
from rl_credit.rollout.episodes import Episode, Step
from rl_credit.types import TokenBatch


@dataclasses.dataclass(frozen=True)
class Row:
    """One sequence to train on."""

    tokens: np.ndarray  # int32 [length]
    said: np.ndarray  # int32 [picks]: places of what the policy said
    advantages: np.ndarray  # float32 [picks]
    logps: np.ndarray  # float32 [picks], when drawn
    task: int = -1  # that it was played in

    def __len__(self) -> int:
        return len(self.tokens)


def rows(
    episodes: Sequence[Episode], advantages: np.ndarray, *, grown: bool
) -> list[Row]:
    """Token rows with the advantage of their turn, `advantages[episode, turn]`.

    Args:
        grown: an episode is one conversation, hence one row, in which the tokens of the
            environment are masked; otherwise every turn is a row of its own.
    """
    return _arranged(episodes, advantages, _turn, grown)


def openings(
    episodes: Sequence[Episode], advantages: np.ndarray, *, grown: bool
) -> list[Row]:
    """As `rows`, but of an answer only its first token counts as said.

    What comes before that place is what the agent read before it answered.
    """
    return _arranged(episodes, advantages, _opening, grown)


def _arranged(
    episodes: Sequence[Episode],
    advantages: np.ndarray,
    row: Callable[[Step, float], Row],
    grown: bool,
) -> list[Row]:
    made = []
    for episode, credit in zip(episodes, advantages, strict=True):
        pairs = zip(episode.steps, credit.tolist())
        turns = [
            dataclasses.replace(row(step, value), task=episode.task)
            for step, value in pairs
        ]
        made += [_joined(turns)] if grown and turns else turns
    return made


def _opening(step: Step, advantage: float) -> Row:
    row = _turn(step, advantage)
    first = {name: getattr(row, name)[:1] for name in ("said", "advantages", "logps")}
    return dataclasses.replace(row, **first)


def _turn(step: Step, advantage: float) -> Row:
    asked, said = len(step.prompt), len(step.answer)
    return Row(
        tokens=np.asarray(step.prompt + step.answer, np.int32),
        said=np.arange(asked, asked + said, dtype=np.int32),
        advantages=np.full(said, advantage, np.float32),
        logps=np.asarray(step.logps, np.float32),
    )


def _joined(turns: Sequence[Row]) -> Row:
    starts = np.cumsum([0, *map(len, turns[:-1])])
    return Row(
        tokens=np.concatenate([turn.tokens for turn in turns]),
        said=np.concatenate([turn.said + start for turn, start in zip(turns, starts)]),
        advantages=np.concatenate([turn.advantages for turn in turns]),
        logps=np.concatenate([turn.logps for turn in turns]),
        task=turns[0].task,
    )


def read(row: Row, weight: float) -> Row:
    """The row with every token said but the first, which nothing is before.

    The mean over its tokens is then the mean over what was said, with the advantages of
    the row, plus `weight` times that over what was only read.
    """
    places = np.arange(1, len(row), dtype=np.int32)
    answered = np.isin(places, row.said)
    count = np.bincount(answered, minlength=2)
    advantages = np.full(len(places), weight * len(places) / max(count[0], 1))
    advantages[answered] = row.advantages * len(places) / max(count[1], 1)
    logps = np.zeros(len(places), np.float32)
    logps[answered] = row.logps
    return dataclasses.replace(
        row, said=places, advantages=advantages.astype(np.float32), logps=logps
    )


def informative(made: Iterable[Row]) -> list[Row]:
    """The rows that anything can be learned from."""
    return [row for row in made if row.advantages.any()]


def microbatches(made: Sequence[Row], tokens: int) -> list[TokenBatch]:
    """Batches of rows of like length, of about `tokens` tokens with their padding.

    A few shapes serve all: lengths go up to a bucket, row counts to a power of 2.
    """
    return [batch([made[i] for i in part]) for part in parts(made, tokens)]


def parts(made: Sequence[Row], tokens: int) -> list[list[int]]:
    """Which rows each of these batches has."""
    found: list[list[int]] = []
    ordered = sorted(range(len(made)), key=lambda i: len(made[i]))
    while ordered:  # the longest first, for memory's sake
        time = buckets.bucket(len(made[ordered[-1]]))
        count = 1 << (max(tokens // time, 1).bit_length() - 1)
        found.append(ordered[-count:])
        del ordered[-count:]
    return found


def batch(taken: Sequence[Row]) -> TokenBatch:
    """Those rows in one batch."""
    time = buckets.bucket(max(map(len, taken)))
    shape = (1 << (len(taken) - 1).bit_length(), time)
    picks = buckets.bucket(max(len(row.said) for row in taken))

    def fill(name: str, size: int, dtype) -> np.ndarray:
        filled = np.zeros((shape[0], size), dtype)
        for number, row in enumerate(taken):
            values = getattr(row, name)
            filled[number, : len(values)] = values
        return filled

    def kept(lengths: list[int], size: int) -> np.ndarray:
        counts = np.zeros((shape[0], 1), np.int32)
        counts[: len(taken), 0] = lengths
        return np.arange(size, dtype=np.int32) < counts

    return TokenBatch(
        tokens=fill("tokens", shape[1], np.int32),
        where=kept([len(row) for row in taken], shape[1]),
        said=fill("said", picks, np.int32),
        trained=kept([len(row.said) for row in taken], picks),
        advantages=fill("advantages", picks, np.float32),
        old_logps=fill("logps", picks, np.float32),
    )


def nothing() -> TokenBatch:
    """A batch of no rows."""
    numbers, places = np.zeros((0, 0), np.float32), np.zeros((0, 0), np.int32)
    kept = np.zeros((0, 0), bool)
    return TokenBatch(
        tokens=places,
        where=kept,
        said=places,
        trained=kept,
        advantages=numbers,
        old_logps=numbers,
    )


def padded(batch: TokenBatch, rows: int, time: int, picks: int) -> TokenBatch:
    """That batch with more rows, tokens and picks, none of which count."""

    def wide(name: str, size: int) -> np.ndarray:
        return buckets.pad(getattr(batch, name), (rows, size), 0)

    said = ("said", "trained", "advantages", "old_logps")
    read = {name: wide(name, time) for name in ("tokens", "where")}
    return TokenBatch(**read, **{name: wide(name, picks) for name in said})
