"""Which turns do what the walkthrough of their task does."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rl_credit.envs import make
from rl_credit.models.decoder import Params
from rl_credit.rollout.episodes import Episode
from rl_credit.training.agent import Agent, options
from rl_credit.training.source import Filled, Played, Scalars


class Walkthroughs:
    """Compares with the environment's own walkthroughs of the training tasks."""

    def __init__(self, agent: Agent):
        settings, panel = agent.world.settings, agent.world.panel
        env, given = settings.env, options(settings)
        guide = make.make(env.name, **given, seed=settings.seed)
        routes = {task: guide.walkthrough(task) for task in panel.train}
        guide.close()
        unknown = [task for task, route in routes.items() if route is None]
        if unknown:
            raise ValueError(
                f"estimator {settings.credit.name!r} compares with walkthroughs, "
                f"and {env.name!r} knows none of task {unknown[0]}: take another "
                "estimator, such as 'gigpo', or another environment"
            )
        self._routes = {task: route or [] for task, route in routes.items()}

    def init(self, params: Params) -> Any:
        """Nothing."""
        return {}

    def update(self, state: Any, played: Played) -> tuple[Any, Filled, Scalars]:
        """Fills `matches`."""
        filled = np.zeros(np.shape(played.batch.where), bool)
        for row, episode in enumerate(played.episodes):
            same = matches(episode, self._routes[episode.task])
            filled[row, : len(same)] = same
        share = filled.sum() / max(np.sum(played.batch.where), 1)
        return state, {"matches": filled}, {"walkthroughs/matches": share.item()}


def matches(episode: Episode, route: Sequence[str]) -> list[bool]:
    """Whether each turn does what `route` does there, as all turns before it did.

    Nobody patches what the agent does (UI-S1, arXiv 2509.11543, 3.2, with a threshold
    of 0), so after a first other action it is not where the walkthrough is, and no
    later turn is a match.
    """
    same: list[bool] = []
    for turn, step in enumerate(episode.steps):
        here = turn < len(route) and _plain(step.action) == _plain(route[turn])
        same.append(here and all(same))
    return same


def _plain(action: str | None) -> str | None:
    return action and " ".join(action.lower().split())
