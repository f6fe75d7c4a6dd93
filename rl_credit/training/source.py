"""What fills the fields of Trajectories that episodes alone do not."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from rl_credit.models.decoder import Params
from rl_credit.rollout.episodes import Episode
from rl_credit.types import Trajectories

EPISODES = "episodes"  # filled by `trajectories`, for every estimator

# Field -> where the text agent has it from; the names are those of `sources.SOURCES`.
# `parents` is missing: it wants trees of continuations, and the agent plays episodes.
FIELDS = {
    "states": EPISODES,
    "terminated": EPISODES,
    "lengths": EPISODES,
    "logps": EPISODES,
    "baselines": "greedy",
    "values": "critic",
    "final_values": "critic",
    "log_ratios": "reward_model",
    "matches": "walkthroughs",
}


@dataclasses.dataclass(frozen=True)
class Played:
    """An iteration as it was played, before anything has learned from it."""

    params: Params  # of the policy that played
    episodes: Sequence[Episode]  # none of them failed
    batch: Trajectories  # with what episodes fill; NumPy arrays


Filled = Mapping[str, np.ndarray]  # field -> its values
Scalars = dict[str, float]


@runtime_checkable
class Source(Protocol):
    """Made once a run; what it carries from step to step is in the run's checkpoints.

    Its constructor raises ValueError where a run cannot have it.
    """

    def init(self, params: Params) -> Any:
        """What it carries at first, {} if nothing; `params` are the warm policy's.

        They are copied: the policy's own are given away by its first update.
        """
        ...

    def update(self, state: Any, played: Played) -> tuple[Any, Filled, Scalars]:
        """Fields as they were before it learned from `played`, and what it learned.

        One call, since what a model says of the episodes is also what it learns from.
        """
        ...


def needed(name: str, needs: Sequence[str]) -> tuple[str, ...]:
    """The names of the sources for the fields that an estimator needs.

    Raises ValueError for a field that has none.
    """
    for field in needs:
        if field not in FIELDS:
            raise ValueError(
                f"estimator {name!r} needs Trajectories.{field}, which the text agent "
                f"does not have: it plays whole episodes. Take one that needs none of "
                f"it, such as 'spo_chain', 'vineppo' or 'gigpo'"
            )
    names = dict.fromkeys(FIELDS[field] for field in needs)
    return tuple(source for source in names if source != EPISODES)
