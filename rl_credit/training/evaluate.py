"""How good a policy is on tasks it was not trained on."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from rl_credit.rollout.episodes import Episode
from rl_credit.runtime import hosts, metrics

COLUMNS = ("failed", "won", "score", "turns", "invalid", "tokens")


@dataclasses.dataclass(frozen=True)
class Report:
    """Over the episodes that did not fail; rates are shares of 1."""

    success: float
    low: float  # Wilson's interval of the success, 95%
    high: float
    score: float  # mean return
    turns: float  # mean answers in an episode
    invalid: float  # of all answers
    tokens: float  # mean said in an episode
    episodes: int
    failed: int  # dropped, for a fault of their environment

    def __str__(self) -> str:
        return (
            f"success {self.success:.0%} ({self.low:.0%} to {self.high:.0%}), "
            f"{self.turns:.1f} turns, {self.invalid:.0%} invalid"
        )

    def scalars(self, prefix: str) -> dict[str, float]:
        """For metrics, as in "held_out/success"."""
        fields = dataclasses.asdict(self)
        return {f"{prefix}/{name}": float(value) for name, value in fields.items()}


def report(episodes: Sequence[Episode]) -> Report:
    """What a reader wants to know of a set of episodes, those of all hosts.

    Raises RuntimeError where every one of them failed.
    """
    own = [_numbers(episode) for episode in episodes]
    everyones = hosts.joined(
        np.asarray(own, np.float64).reshape(len(own), len(COLUMNS))
    )
    columns = everyones[everyones[:, COLUMNS.index("failed")] == 0].T
    ended = columns.shape[1]
    if not ended:
        kinds = sorted({episode.failure or "" for episode in episodes})
        raise RuntimeError(
            f"all {len(everyones)} episodes failed ({', '.join(kinds)}): see the "
            "environment's own log, and its step_timeout"
        )
    sums = dict(zip(COLUMNS, (sum(column.tolist()) for column in columns)))
    low, high = wilson(int(sums["won"]), ended)
    return Report(
        success=sums["won"] / ended,
        low=low,
        high=high,
        score=sums["score"] / ended,
        turns=sums["turns"] / ended,
        invalid=sums["invalid"] / max(sums["turns"], 1),
        tokens=sums["tokens"] / ended,
        episodes=ended,
        failed=len(everyones) - ended,
    )


def _numbers(episode: Episode) -> list[float]:
    """An episode in `COLUMNS`."""
    failed, invalid = episode.failure is not None, [not s.valid for s in episode.steps]
    told = (episode.won, episode.score, len(invalid), sum(invalid), episode.tokens)
    return [float(number) for number in (failed, *told)]


def wilson(won: int, tried: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's score interval of a share (JASA 22, 1927), 95% by default."""
    share, spread = won / tried, z * z / tried
    middle = (share + spread / 2) / (1 + spread)
    half = z * ((share * (1 - share) + spread / 4) / tried) ** 0.5 / (1 + spread)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def result(workdir: pathlib.Path) -> dict[str, Any]:
    """Before and after, from the metrics of a finished run."""
    lines = metrics.read(workdir)
    judged = [line for line in lines if "held_out/success" in line]
    names = ("success", "low", "high", "turns", "invalid", "episodes")

    def share(line):
        return {name: line[f"held_out/{name}"] for name in names}

    spent = [v for line in lines for name, v in line.items() if name[:8] == "seconds/"]
    return dict(before=share(judged[0]), after=share(judged[-1]), seconds=sum(spent))
