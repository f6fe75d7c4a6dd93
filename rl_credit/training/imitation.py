"""Warm-up: a policy learns to say what demonstrations say."""

import dataclasses
from collections.abc import Callable, Sequence

import jax
import numpy as np
from jaxtyping import Array, Key

from rl_credit.models.decoder import Decoder
from rl_credit.runtime import hosts
from rl_credit.training import batching, update
from rl_credit.training.batching import Row
from rl_credit.training.placement import Placement
from rl_credit.training.state import Optimiser, TrainState
from rl_credit.training.update import Objective

# With advantage 1, REINFORCE is the log-likelihood.
LIKELIHOOD = Objective(loss="reinforce", reduction="token_mean")


@dataclasses.dataclass(frozen=True)
class Imitation:
    """How long and how fast to imitate."""

    epochs: int
    batch: int  # rows in an update
    learning_rate: float
    warmup: int  # updates
    weight_decay: float
    reading: float  # weight of what is read, the prompts; 0: only answers are learned

    def __post_init__(self):
        if self.epochs < 0 or self.batch < 1:
            raise ValueError(
                f"epochs={self.epochs}, batch={self.batch}: give 0 or more, and 1 or "
                "more rows"
            )
        if self.reading < 0:
            raise ValueError(f"reading={self.reading}: give 0 or more")

    def updates(self, rows: int) -> int:
        """How many are made with so many rows."""
        return self.epochs * -(-rows // self.batch)

    def optimiser(self, rows: int) -> Optimiser:
        """That of `epochs` passes over so many rows; its rate falls to 0."""
        return Optimiser(
            learning_rate=self.learning_rate,
            warmup=self.warmup,
            updates=self.updates(rows),
            weight_decay=self.weight_decay,
        )


def learned(rows: Sequence[Row], how: Imitation) -> list[Row]:
    """The rows with what is to be learned of them.

    To read on in pages that repeat their words teaches a new decoder to copy long
    before a few words of answers do.
    """
    return [batching.read(row, how.reading) for row in rows] if how.reading else [*rows]


def imitate(
    decoder: Decoder,
    state: TrainState,
    rows: Sequence[Row],
    how: Imitation,
    key: Key[Array, ""],
    *,
    placement: Placement,
    tokens: int,
    tell: Callable[[dict[str, float]], None],
) -> TrainState:
    """`state` after `how.epochs` passes over the rows, in an order drawn from `key`.

    Args:
        state: made with `how.optimiser(len(rows))`.
        rows: the same on every host; each takes its part of every update.
        tokens: most in a microbatch.
        tell: called after every update with what was seen.
    """
    optimiser = how.optimiser(len(rows))
    for epoch in range(how.epochs):
        drawn = jax.random.permutation(jax.random.fold_in(key, epoch), len(rows))
        order = np.asarray(drawn)
        for start in range(0, len(rows), how.batch):
            chosen = [rows[i] for i in order[start : start + how.batch]]
            batches = placement.microbatches(hosts.own(chosen), tokens)
            state, seen = update.step(decoder, LIKELIHOOD, optimiser, state, batches)
            tell(dict(seen))
    return state
