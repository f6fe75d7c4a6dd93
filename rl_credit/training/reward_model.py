"""An implicit process reward model: it learns outcomes and pays for turns."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from rl_credit.losses import preference, process
from rl_credit.models.decoder import Decoder, Params
from rl_credit.runtime import hosts
from rl_credit.training import batching, ledger, turn_scores, update
from rl_credit.training.agent import Agent
from rl_credit.training.source import Filled, Played, Scalars
from rl_credit.training.state import TrainState
from rl_credit.types import TokenBatch, Weighted, record


@dataclasses.dataclass(frozen=True)
class LogProbs:
    """Log-probability of every token that was said, at the temperature of play."""

    decoder: Decoder
    temperature: float

    def __call__(
        self, params: Params, batch: TokenBatch
    ) -> Float[Array, "batch picks"]:
        return update.score(self.decoder, params, batch, self.temperature)[0]


def pairwise(
    log_ratios: Float[Array, "batch spans"],
    where: Bool[Array, "batch spans"],
    success: Bool[Array, " batch"],
    groups: Int[Array, " batch"],
    *,
    beta: float,
) -> Weighted:
    """iStar's: see `trajectory_dpo`."""
    return preference.trajectory_dpo(beta * log_ratios, where, success, groups)


def per_episode(
    log_ratios: Float[Array, "batch spans"],
    where: Bool[Array, "batch spans"],
    success: Bool[Array, " batch"],
    groups: Int[Array, " batch"],
    *,
    beta: float,
) -> Weighted:
    """PRIME's, to which groups are nothing: see `prime_cross_entropy`."""
    return process.prime_cross_entropy(log_ratios, where, success, beta=beta)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What makes a reward model that of one method."""

    loss: Callable[..., Weighted]
    frozen: bool  # the reference is the policy as it was after its warm-up;
    # otherwise it rolls: it is the policy that played


RECIPES = {
    "oprl": Recipe(pairwise, frozen=False),  # iStar, arXiv 2509.19199, eq. 1 and 2
    "prime": Recipe(per_episode, frozen=True),  # arXiv 2502.01456
}


@record
class RewardState:
    """What a reward model carries."""

    model: TrainState
    reference: Any  # frozen parameters; {} where it rolls


class RewardModel:
    """Fills `log_ratios` of the turns, and learns which episodes were won.

    It is a decoder of its own that starts as the policy does after its warm-up. A turn
    gets the sum over its answer's tokens of log(model) - log(reference), as they were
    before the model learned from the episode (iStar, algorithm 1). Both come from the
    same forward, and not one of them from the draw: where model and reference are equal
    the ratio is exactly 0, and no rounding is scaled up to an advantage.
    """

    def __init__(self, agent: Agent):
        settings = agent.world.settings
        self._how, self._placement = settings.reward_model, agent.placement
        self._recipe = RECIPES[settings.credit.name]
        self._grown = settings.play.history is None
        self._tokens = settings.train.tokens
        self._logps = LogProbs(agent.decoder, settings.play.temperature or 1.0)
        self._loss = functools.partial(
            self._recipe.loss, beta=settings.credit.knobs["beta"]
        )

    def init(self, params: Params) -> RewardState:
        """Copies of the policy."""
        frozen = jax.tree.map(jnp.copy, params) if self._recipe.frozen else {}
        model = self._placement.begun(params, self._how.optimiser)
        return RewardState(model, frozen)

    def update(
        self, carried: RewardState, played: Played
    ) -> tuple[RewardState, Filled, Scalars]:
        """See `Source.update`. Without anything to learn from, nothing changes."""
        batch, model = played.batch, carried.model
        reference = carried.reference if self._recipe.frozen else played.params
        ratios = self.log_ratios(model.params, reference, played)
        won = np.array([episode.won for episode in played.episodes])
        groups = hosts.apart(np.asarray(batch.groups))
        loss, slopes = turn_scores.slopes(
            self._loss, ratios, batch.where, won, groups
        )
        seen = ranked(*map(hosts.stacked, (ratios.sum(axis=1), won, groups)))
        rows = batching.rows(played.episodes, slopes, grown=self._grown)
        learned = len(rows) if loss.weight else 0
        seen |= ledger.passed("reward_model", forwards=2 * len(rows), gradients=learned)
        if loss.weight:  # else its optimiser would move on by its memory alone
            seen |= {"reward_model/loss": loss.mean().item()}
            gradient = turn_scores.gradient(
                self._logps, model.params, rows, self._tokens, self._placement
            )
            model, _ = update.apply(model, gradient, self._how.optimiser)
        return dataclasses.replace(carried, model=model), {"log_ratios": ratios}, seen

    def log_ratios(
        self, params: Params, reference: Params, played: Played
    ) -> Float[np.ndarray, "batch spans"]:
        """log(model) - log(reference) of the turns; 0 where there is none."""
        where = np.asarray(played.batch.where)
        empty = np.zeros(where.shape, np.float32)
        rows = batching.rows(played.episodes, empty, grown=self._grown)
        model, fixed = (
            turn_scores.scores(self._logps, one, rows, self._tokens, self._placement)
            for one in (params, reference)
        )
        counts = [len(s.answer) for episode in played.episodes for s in episode.steps]
        return turn_scores.by_turn(model - fixed, counts, where)


def ranked(scores: np.ndarray, won: np.ndarray, groups: np.ndarray) -> Scalars:
    """How many pairs of a won and a lost attempt at a task there are, and how many of
    them are scored the right way round; a tie counts half.
    """
    pairs = won[:, None] & ~won[None, :] & (groups[:, None] == groups[None, :])
    found = {"reward_model/pairs": float(pairs.sum())}
    if not pairs.any():
        return found
    right = 0.5 + 0.5 * np.sign(scores[:, None] - scores[None, :])[pairs]
    return found | {"reward_model/accuracy": right.mean().item()}
