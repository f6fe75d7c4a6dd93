"""Which turns of a task count as taken from the same state, and how many do."""

import bisect
import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence

from rl_credit.credit import similarity
from rl_credit.ops import names
from rl_credit.rollout.episodes import Episode, Step

BY = ("state", "observation")
STARTS = (1, 2, 3, 6, 10, 50)  # where the classes of group sizes begin
CLASSES = ("1", "2", "3-5", "6-9", "10-49", "50_or_more")
SHARES = tuple(f"anchors/sizes/{name}" for name in CLASSES)  # their metrics
States = Sequence[Sequence[str]]  # of every turn of every episode


@dataclasses.dataclass(frozen=True)
class Anchors:
    """What stands for the state that a turn was taken in.

    Raises ImportError where similar texts are asked for and rapidfuzz is missing.
    """

    by: str  # "state": the environment's own anchor; "observation": the text that the
    # agent was shown, as in the released GiGPO, whatever state it hides
    similarity: float  # of observations that count as equal; 1: of equal ones alone

    def __post_init__(self):
        if self.by not in BY:
            raise ValueError(names.unknown("anchor", self.by, BY))
        if not 0 < self.similarity <= 1:
            raise ValueError(
                f"similarity is {self.similarity}; give more than 0, at most 1"
            )
        if self.similarity < 1:
            if self.by != "observation":
                raise ValueError(
                    f"similarity is {self.similarity} with anchors by {self.by!r}: "
                    "states are equal or not; give 1, or anchors by 'observation'"
                )
            similarity.require()

    def states(self, episodes: Sequence[Episode]) -> States:
        """A text for every turn; turns of a task with equal ones meet in a group.

        Of similar texts it is the first in the alphabet: see `similarity.clusters`.
        """
        if self.by == "state":
            return [[step.anchor for step in e.steps] for e in episodes]
        read = [[step.observation for step in e.steps] for e in episodes]
        if self.similarity == 1:
            return read
        known: dict[int, set[str]] = {}
        for episode, texts in zip(episodes, read):
            known.setdefault(episode.group, set()).update(texts)
        joined = {group: self._joined(texts) for group, texts in known.items()}
        return [
            [joined[e.group][text] for text in row] for e, row in zip(episodes, read)
        ]

    def _joined(self, texts: set[str]) -> dict[str, str]:
        """What stands for each text."""
        first: dict[int, str] = {}
        ordered = sorted(texts)
        ids = similarity.clusters(ordered, self.similarity).tolist()
        return {text: first.setdefault(i, text) for text, i in zip(ordered, ids)}


def sizes(episodes: Sequence[Episode], states: States) -> list[list[int]]:
    """The size of every turn's group: how often its task met its state."""
    visits = Counter((group, state) for group, state, _ in _turns(episodes, states))
    return [
        [visits[e.group, state] for state in row] for e, row in zip(episodes, states)
    ]


def scalars(episodes: Sequence[Episode], states: States) -> dict[str, float]:
    """For metrics: how the turns of an iteration meet in their groups.

    `groups` of turns in equal states, and their mean `size`; `sizes/...`, the share of
    the groups of those sizes (arXiv 2505.10978, 5.5), of which `sizes/1` are singletons
    that GiGPO gives no step advantage; `alone`, the share of the turns that are in one;
    `aliased`, the share of the turns whose observation other turns of their task have,
    too, in another state of the environment.
    """
    each = [size for row in sizes(episodes, states) for size in row]
    groups = {size: turns // size for size, turns in Counter(each).items()}
    count, turns = sum(groups.values()), len(each)
    found = dict.fromkeys(SHARES, 0.0)
    for size, number in groups.items():
        found[SHARES[bisect.bisect(STARTS, size) - 1]] += number / count
    return found | {
        "anchors/groups": float(count),
        "anchors/size": turns / max(count, 1),
        "anchors/alone": each.count(1) / max(turns, 1),
        "anchors/aliased": _aliased(episodes),
    }


def _aliased(episodes: Sequence[Episode]) -> float:
    hidden: dict[tuple[int, str], set[str]] = {}
    texts = [[step.observation for step in e.steps] for e in episodes]
    turns = list(_turns(episodes, texts))
    for group, text, step in turns:
        hidden.setdefault((group, text), set()).add(step.anchor)
    aliased = sum(len(hidden[group, text]) > 1 for group, text, _ in turns)
    return aliased / max(len(turns), 1)


def _turns(
    episodes: Sequence[Episode], states: States
) -> Iterator[tuple[int, str, Step]]:
    """Group, state and step of every turn."""
    for episode, row in zip(episodes, states, strict=True):
        for state, step in zip(row, episode.steps, strict=True):
            yield episode.group, state, step
