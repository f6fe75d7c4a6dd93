"""Episodes as they were played, and as JSON lines to read."""

import dataclasses
from collections.abc import Sequence
from typing import Any


@dataclasses.dataclass(frozen=True)
class Step:
    """One turn of the agent: what it read, what it said, and what that was paid."""

    observation: str
    anchor: str
    prompt: list[int]  # tokens; in a conversation only those that are new
    answer: list[int]  # tokens, with the one that ended it if it was said
    logps: list[float]  # of the answer's tokens, when they were drawn
    text: str  # the answer in words
    action: str | None  # what was done; None: the answer held nothing that could be
    reward: float = 0.0
    stopped: bool = True  # False: the answer was cut off by its limit

    @property
    def valid(self) -> bool:
        """Whether the answer had the right form and, where known, was admissible."""
        return self.action is not None


@dataclasses.dataclass
class Episode:
    """One attempt at a task. One that failed has steps but no outcome: drop it."""

    task: int
    group: int  # attempts at the same task, side by side, share it
    steps: list[Step] = dataclasses.field(default_factory=list)
    terminated: bool = False
    won: bool = False
    overlong: bool = False  # it was cut off because its text outgrew the window
    failure: str | None = None  # the kind of fault of its environment
    reason: str = ""  # what happened then, in words

    @property
    def score(self) -> float:
        """The undiscounted return."""
        return sum((step.reward for step in self.steps), 0.0)

    @property
    def tokens(self) -> int:
        """How many the agent said."""
        return sum(len(step.answer) for step in self.steps)


def transcript(
    episode: Episode,
    advantages: Sequence[float] | None = None,
    states: Sequence[str] | None = None,
) -> dict[str, Any]:
    """What a reader wants of an episode, as JSON: see `Episode` and `Step`.

    Args:
        advantages: of its turns.
        states: what stood for their states; if not given, the environment's anchors.
    """
    turns: list[dict[str, Any]] = []
    for number, step in enumerate(episode.steps):
        anchor = step.anchor if states is None else states[number]
        turn: dict[str, Any] = dict(observation=step.observation, anchor=anchor)
        turn |= dict(answer=step.text, action=step.action)
        turn |= dict(reward=step.reward, tokens=len(step.answer))
        if advantages is not None:
            turn["advantage"] = float(advantages[number])
        turns.append(turn)
    outcome = dict(score=episode.score, won=episode.won, failure=episode.failure)
    return dict(task=episode.task, group=episode.group, **outcome, turns=turns)
