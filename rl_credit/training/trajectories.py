"""From episodes to the record of credit, in which a turn is a span."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from rl_credit.credit.pack import pack
from rl_credit.rollout.episodes import Episode, Step
from rl_credit.training.anchoring import States
from rl_credit.types import Trajectories


def trajectories(episodes: Sequence[Episode], states: States) -> Trajectories:
    """Rewards, states, lengths in tokens and log-probabilities of the turns.

    Args:
      states: of every turn of every episode, see `Anchors.states`.

    Raises ValueError for an episode that failed: it has no outcome.
    """
    for episode in episodes:
        if episode.failure is not None:
            raise ValueError(f"an episode of task {episode.task} failed; drop it first")
    packed = pack(
        rewards=[[step.reward for step in e.steps] for e in episodes],
        tasks=[e.group for e in episodes],
        observations=states,
        terminated=[e.terminated for e in episodes],
    )
    lengths = column(episodes, lambda step: len(step.answer), np.int32)
    logps = column(episodes, lambda step: sum(step.logps), np.float32)
    return dataclasses.replace(packed, lengths=lengths, logps=logps)


def column(
    episodes: Sequence[Episode], value: Callable[[Step], float], dtype: type
) -> np.ndarray:
    """`value` of every turn, [episodes, most turns], and 0 where there is none."""
    longest = max((len(episode.steps) for episode in episodes), default=0)
    filled: np.ndarray = np.zeros((len(episodes), longest), dtype)
    for row, episode in enumerate(episodes):
        filled[row, : len(episode.steps)] = [value(step) for step in episode.steps]
    return filled
