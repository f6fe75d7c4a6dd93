"""What an estimator is given: which sources fill the fields that it needs."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from rl_credit.credit.estimator import Estimator
from rl_credit.fidelity import sources
from rl_credit.fidelity.feed import Feed, How
from rl_credit.fidelity.sources import Source
from rl_credit.types import Trajectories

EPISODES = "episodes"  # filled for every estimator
TREES = "trees"  # instead of episodes

# Field -> what fills it, unless `ESPECIALLY` says otherwise for the estimator.
FIELDS = {
    "states": EPISODES,
    "terminated": EPISODES,
    "lengths": EPISODES,
    "logps": EPISODES,
    "parents": TREES,
    "baselines": "greedy",
    "values": "critic",
    "final_values": "critic",
    "log_ratios": "reward_model",
    "matches": "expert",
}
ESPECIALLY = {
    "vineppo": {"values": "continuations"},
    "spo_chain": {"values": "segments"},
    "spo_chain_fixed_count": {"values": "segments"},
    "spo_chain_fixed_interval": {"values": "segments"},
}


@dataclasses.dataclass(frozen=True)
class Plan:
    """An estimator, its options, and its batches."""

    estimator: Estimator
    options: tuple[tuple[str, Any], ...]
    feed: Feed

    def credit(self, trajectories: Trajectories) -> Float[Array, "rows spans"]:
        """The estimator's advantages; 0 where nothing was played."""
        given = self.estimator(trajectories, **dict(self.options))
        return jnp.where(trajectories.where, given, 0.0)


def plan(estimator: Estimator, options: Mapping[str, Any], how: How) -> Plan:
    """The plan for an estimator with these options of its own.

    Raises ValueError for a field that nothing here fills, TypeError for an option that
    the estimator does not have.
    """
    estimator.check_options(dict(options))
    fields = FIELDS | ESPECIALLY.get(estimator.name, {})
    unknown = [field for field in estimator.needs if field not in fields]
    if unknown:
        raise ValueError(
            f"estimator {estimator.name!r} needs Trajectories.{unknown[0]}, which "
            f"nothing fills in these processes; add it to FIELDS in fidelity/plan.py"
        )
    kinds = tuple(dict.fromkeys(fields[field] for field in estimator.needs))
    known = {**estimator.options, **options}
    makers: dict[str, Callable[[], Source]] = {
        "greedy": sources.Greedy,
        "expert": sources.Expert,
        "critic": functools.partial(sources.Critic, how.critic_rate),
        "continuations": functools.partial(sources.Continuations, how.continuations),
        "segments": lambda: sources.Segments(
            estimator.name,
            tuple(known.items()),
            sources.Continuations(how.continuations),
        ),
        "reward_model": lambda: sources.RewardModel(
            estimator.name, known["beta"], how.reward_rate
        ),
    }
    filled = tuple(makers[kind]() for kind in kinds if kind in makers)
    tree = how.tree if TREES in kinds else None
    return Plan(estimator, tuple(options.items()), Feed(filled, tree, how))
