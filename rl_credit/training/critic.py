"""A critic: what a state is worth to the agent that reads of it."""

import dataclasses
import functools
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from rl_credit.credit import estimators
from rl_credit.losses import value
from rl_credit.models.decoder import Decoder, Params
from rl_credit.runtime import hosts
from rl_credit.training import batching, ledger, turn_scores, update
from rl_credit.training.agent import Agent
from rl_credit.training.source import Filled, Played, Scalars
from rl_credit.training.state import TrainState
from rl_credit.types import TokenBatch


@dataclasses.dataclass(frozen=True)
class Values:
    """V(what was read before an answer), linear in the decoder's state there.

    The parameters are `decoder`, `slope` [width] and `offset`.
    """

    decoder: Decoder

    def __call__(
        self, params: dict[str, Any], batch: TokenBatch
    ) -> Float[Array, "batch picks"]:
        hidden = update.before(self.decoder, params["decoder"], batch)
        return hidden.astype(jnp.float32) @ params["slope"] + params["offset"]


class Critic:
    """Fills `values` and `final_values`, and learns lambda-returns.

    It is a decoder of its own that starts as the policy does after its warm-up, with a
    head that starts at 0, so every value does. The targets are made of the values it
    filled in; the loss is PPO's (see `losses.value`).

    An episode that runs out of turns has failed, as for every other estimator: what it
    ended in is worth 0. Bootstrapping there makes any state worth what winning is, and
    an agent learns to do nothing (docs/results/text_agents.md).
    """

    def __init__(self, agent: Agent):
        settings = agent.world.settings
        self._how, self._placement = settings.critic, agent.placement
        self._discount = settings.credit.discount
        self._grown = settings.play.history is None
        self._tokens = settings.train.tokens
        self._width = agent.decoder.config.width
        self._values = Values(agent.decoder)
        self._loss = functools.partial(
            value.clipped_regression, clip=self._how.value_clip
        )

    def init(self, params: Params) -> TrainState:
        """A copy of the policy, and a head of zeros."""
        head = dict(
            slope=np.zeros(self._width, np.float32), offset=np.zeros((), np.float32)
        )
        whole = dict(decoder=params, **head)
        return self._placement.begun(whole, self._how.optimiser)

    def update(
        self, critic: TrainState, played: Played
    ) -> tuple[TrainState, Filled, Scalars]:
        """See `Source.update`."""
        before = self.values(critic.params, played)
        nothing = np.zeros(len(before), np.float32)
        filled = {"values": before, "final_values": nothing}
        targets = self._targets(played, filled)
        known = (before, targets, np.asarray(played.batch.where))
        seen = explained(*map(hosts.stacked, known))
        passes = self._how.epochs * len(self._rows(played, before))
        seen |= ledger.passed("critic", forwards=passes, gradients=passes)
        for epoch in range(self._how.epochs):
            now = self.values(critic.params, played) if epoch else before
            loss, slopes = turn_scores.slopes(self._loss, now, *known)
            if not epoch:
                seen |= {"critic/loss": loss.mean().item()}
            rows = self._rows(played, slopes)
            gradient = turn_scores.gradient(
                self._values, critic.params, rows, self._tokens, self._placement
            )
            critic, _ = update.apply(critic, gradient, self._how.optimiser)
        return critic, filled, seen

    def values(self, params: Any, played: Played) -> Float[np.ndarray, "batch spans"]:
        """Of the states of all turns; 0 where there is none."""
        where = np.asarray(played.batch.where)
        rows = self._rows(played, np.zeros(where.shape, np.float32))
        scores = turn_scores.scores(
            self._values, params, rows, self._tokens, self._placement
        )
        return turn_scores.by_turn(scores, [1] * int(where.sum()), where)

    def _rows(self, played: Played, slopes: np.ndarray) -> list[batching.Row]:
        return batching.openings(played.episodes, slopes, grown=self._grown)

    def _targets(self, played: Played, filled: Filled) -> np.ndarray:
        """What the values should have been, as far as is known now."""
        batch = dataclasses.replace(played.batch, **filled)
        returns = estimators.named("lambda_returns")
        return np.asarray(
            returns(batch, discount=self._discount, trace=self._how.trace)
        )


def explained(values: np.ndarray, targets: np.ndarray, where: np.ndarray) -> Scalars:
    """The share of the targets' variance that the values have; none without variance.

    1 is all of it; below 0, a constant would have been closer.
    """
    spread = np.var(targets[where])
    if spread == 0:
        return {}
    left = np.var(targets[where] - values[where])
    return {"critic/explained_variance": (1 - left / spread).item()}
