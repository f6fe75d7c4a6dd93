"""Baselines of ReMax: what a task pays when it is played greedily."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from rl_credit.models.decoder import Params
from rl_credit.rollout.episodes import Episode
from rl_credit.rollout.sampling import Sampling
from rl_credit.training import ledger
from rl_credit.training.agent import Agent
from rl_credit.training.source import Filled, Played, Scalars


class Greedy:
    """Plays every task of an iteration once, greedily (ReMax, arXiv 2310.10505)."""

    def __init__(self, agent: Agent):
        self._agent = agent
        self._discount = agent.world.settings.credit.discount

    def init(self, params: Params) -> Any:
        """Nothing."""
        return {}

    def update(self, state: Any, played: Played) -> tuple[Any, Filled, Scalars]:
        """Fills `baselines`."""
        tasks = {episode.group: episode.task for episode in played.episodes}
        attempts = self._agent.play(
            played.params,
            jax.random.key(0),  # greedy: nothing is drawn
            list(tasks.values()),
            attempts=1,
            how=Sampling(0.0),
        )
        filled = baselines(
            played.episodes, dict(zip(tasks, attempts)), discount=self._discount
        )
        seen = {"greedy/score": filled.mean().item()}
        return state, {"baselines": filled}, seen | ledger.played("greedy", attempts)


def baselines(
    episodes: Sequence[Episode], greedy: dict[int, Episode], *, discount: float
) -> np.ndarray:
    """The return of the greedy episode of each one's group, [episodes].

    Where that one failed, which is the fault of its environment, the mean return of
    the group stands in.
    """
    found = np.zeros(len(episodes), np.float32)
    for row, episode in enumerate(episodes):
        best = greedy[episode.group]
        group = [other for other in episodes if other.group == episode.group]
        shown = [best] if best.failure is None else group
        found[row] = np.mean([_discounted(one, discount) for one in shown])
    return found


def _discounted(episode: Episode, discount: float) -> float:
    """The return of the first turn."""
    paid = enumerate(step.reward for step in episode.steps)
    return sum(discount**turn * reward for turn, reward in paid)
