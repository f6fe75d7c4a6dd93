"""Every source of fields by name, and those that a run has."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from rl_credit.models.decoder import Params
from rl_credit.training import source
from rl_credit.training.agent import Agent
from rl_credit.training.critic import Critic
from rl_credit.training.greedy import Greedy
from rl_credit.training.reward_model import RewardModel
from rl_credit.training.source import Played, Scalars, Source
from rl_credit.training.walkthroughs import Walkthroughs
from rl_credit.types import Trajectories

SOURCES: dict[str, Callable[[Agent], Source]] = {
    "critic": Critic,
    "greedy": Greedy,
    "reward_model": RewardModel,
    "walkthroughs": Walkthroughs,
}
States = dict[str, Any]  # of every source, by its name


@dataclasses.dataclass(frozen=True)
class Sources:
    """The sources of a run, by their names."""

    named: Mapping[str, Source]

    @classmethod
    def made(cls, agent: Agent) -> "Sources":
        """Those that the estimator of the settings needs, and no others."""
        estimator = agent.world.settings.credit.estimator
        names = source.needed(estimator.name, estimator.needs)
        return cls({name: SOURCES[name](agent) for name in names})

    def init(self, params: Params) -> States:
        """What they carry before the first step."""
        return {name: one.init(params) for name, one in self.named.items()}

    def update(
        self, states: States, played: Played
    ) -> tuple[States, Trajectories, Scalars]:
        """The record of what was played, with all fields; every source has learned."""
        batch, seen = played.batch, Scalars()
        for name, one in self.named.items():
            state, filled, scalars = one.update(states[name], played)
            states = states | {name: state}
            batch = dataclasses.replace(batch, **filled)
            seen |= scalars
        return states, batch, seen
