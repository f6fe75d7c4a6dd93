"""What a run of the text agent spent, and what became of every episode."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rl_credit.rollout.episodes import Episode
from rl_credit.training import anchoring
from rl_credit.training.anchoring import States
from rl_credit.training.batching import Row
from rl_credit.training.collect import Collected
from rl_credit.training.imitation import Imitation

EPISODES, WARM_UP = "episodes.jsonl", "warm_up.json"
KEPT, FLAT = "kept", "flat"  # fates; that of a failed one is the kind of its fault
Scalars = dict[str, float]


def line(
    collected: Collected, advantages: np.ndarray, states: States
) -> dict[str, list]:
    """An iteration for episodes.jsonl: every list has an entry for each episode.

    Those that were learned from come first, then those that were not.

    Args:
        advantages: [episodes, most turns], of what was learned from, penalties in it.
        states: of its turns, see `Anchors.states`.

    Returns `tasks`, `groups`, `fates`, `won`, `scores`; `turns`, `invalid` of them,
    `read` and `said` (tokens of prompts and of answers); and, None where nothing was
    learned, `taught` (turns whose advantage is not 0) and `alone` (turns in a state
    that their group meets only once: singleton anchor groups).
    """
    kept, dropped = collected.episodes, collected.dropped
    visits = anchoring.sizes(kept, states)
    unknown = [None] * len(dropped)
    return _counts([*kept, *dropped]) | {
        "fates": [KEPT] * len(kept) + [e.failure or FLAT for e in dropped],
        "taught": np.count_nonzero(advantages, axis=1).tolist() + unknown,
        "alone": [row.count(1) for row in visits] + unknown,
    }


def _counts(episodes: Sequence[Episode]) -> dict[str, list[Any]]:
    return {
        "tasks": [e.task for e in episodes],
        "groups": [e.group for e in episodes],
        "won": [e.won for e in episodes],
        "scores": [e.score for e in episodes],
        "turns": [len(e.steps) for e in episodes],
        "invalid": [sum(not step.valid for step in e.steps) for e in episodes],
        "read": [sum(len(step.prompt) for step in e.steps) for e in episodes],
        "said": [e.tokens for e in episodes],
    }


def played(who: str, episodes: Sequence[Episode]) -> Scalars:
    """What episodes cost that were played besides those of the iteration."""
    counts = _counts(episodes)
    sums = {name: float(sum(counts[name])) for name in ("turns", "read", "said")}
    found = {"episodes": float(len(episodes))} | sums
    return {f"{who}/{name}": value for name, value in found.items()}


def passed(who: str, *, forwards: int, gradients: int) -> Scalars:
    """Sequences that a network read besides the policy's own.

    Args:
        forwards: read without a gradient.
        gradients: read with one: forward and backward.
    """
    found = dict(forwards=forwards, gradients=gradients)
    return {f"{who}/{name}": float(value) for name, value in found.items()}


def imitated(
    shown: Sequence[Episode], rows: Sequence[Row], how: Imitation
) -> dict[str, int]:
    """What a warm-up takes, for warm_up.json; tokens are those that a loss saw."""
    said = sum(len(row.said) for row in rows)
    return {
        "episodes": len(shown),
        "turns": sum(len(episode.steps) for episode in shown),
        "gradients": how.epochs * len(rows),
        "tokens": how.epochs * said,
        "updates": how.updates(len(rows)),
    }
