"""What the agent is shown: the last turns, or a conversation that grows."""

import dataclasses
from collections.abc import Sequence

from rl_credit.envs.text.turn import Turn
from rl_credit.models.tokenizer import Tokenizer
from rl_credit.ops import names
from rl_credit.rollout import actions

LAYOUTS = ("bare", "numbered")
INVALID = "(not a valid action)"
TASK = "Your task"  # begins the objectives of ALFWorld and ScienceWorld, too


@dataclasses.dataclass(frozen=True)
class Prompts:
    """`history` None is the whole conversation: each turn adds to what was read.

    Otherwise each prompt stands alone: the objective, the last `history` turns and what
    was done in them, and the present observation; GiGPO (arXiv 2505.10978) uses 2. Of
    what was done before those it lists the last `recalled` actions.

    The layout "numbered" says so in the structure of GiGPO's prompts (appendix E, in
    other words): the task, how many steps were taken, the last of them with their
    numbers, the observation. The words of an answer that was no action are not there.
    """

    format: str = "plain"  # a name in `actions.FORMATS`
    history: int | None = None
    recalled: int = 0
    admissible: bool = True  # list the commands that can be done, where they are known
    layout: str = "bare"  # of prompts that stand alone: a name in LAYOUTS

    def __post_init__(self):
        actions.named(self.format)
        if self.layout not in LAYOUTS:
            raise ValueError(names.unknown("layout of prompts", self.layout, LAYOUTS))
        if min(self.history or 0, self.recalled) < 0:
            raise ValueError(
                f"history={self.history}, recalled={self.recalled}: give 0 or more"
            )
        if self.layout == "numbered" and (not self.history or self.recalled):
            raise ValueError(
                f"layout 'numbered' with history={self.history}, recalled="
                f"{self.recalled}: it shows the last turns whole; give history=1 or "
                "more and recalled=0, or the layout 'bare'"
            )

    def first(self, turn: Turn) -> str:
        """The prompt of the first turn."""
        if self.history is None:
            return self.shown(turn)
        return self.alone([turn], [], self.history)

    def shown(self, turn: Turn) -> str:
        """What one turn adds to a conversation."""
        lines = [turn.observation]
        if self.admissible and turn.admissible:
            lines.append(f"You can: {', '.join(turn.admissible)}.")
        if instruction := actions.named(self.format).instruction:
            lines.append(instruction)
        return "\n".join(lines)

    def alone(self, turns: Sequence[Turn], done: Sequence[str], history: int) -> str:
        """The prompt of the last of `turns`; `done[i]` was the action in turn i.

        It shows the `history` turns before it, if there are so many. The layout "bare"
        does not tell an empty action, of an answer that was none.
        """
        if self.layout == "numbered":
            lines = self._numbered(turns, done, history)
        elif len(turns) == 1:
            return self.shown(turns[0])
        else:
            lines = self._bare(turns, done, history)
        observation = "\n".join(lines)
        return self.shown(dataclasses.replace(turns[-1], observation=observation))

    def _bare(
        self, turns: Sequence[Turn], done: Sequence[str], history: int
    ) -> list[str]:
        objective, seen = _told(turns)
        start = max(len(done) - history, 0)
        lines = [objective] if objective else []
        earlier = [action for action in done[:start] if action]
        if recalled := earlier[max(len(earlier) - self.recalled, 0) :]:
            lines.append(f"You did: {', '.join(recalled)}.")
        for observation, action in zip(seen[start:-1], done[start:]):
            lines += [observation, f"> {action}"] if action else [observation]
        return [*lines, seen[-1]]

    def _numbered(
        self, turns: Sequence[Turn], done: Sequence[str], history: int
    ) -> list[str]:
        objective, seen = _told(turns)
        task = objective if objective.startswith(TASK) else f"{TASK}: {objective}"
        lines = [task] if objective else []
        start, step = max(len(done) - history, 0), len(done)
        if start == step:  # the first turn, or the window has no room for more
            return [*lines, f"Observation: {seen[-1]}"]
        lines.append(f"Steps taken so far: {step}. The last {step - start} of them:")
        for number in range(start, step):
            lines.append(f"Observation {number + 1}: {seen[number]}")
            lines.append(f"Action {number + 1}: {done[number] or INVALID}")
        lines.append(f"You are at step {step + 1}. Observation: {seen[-1]}")
        return lines


def _told(turns: Sequence[Turn]) -> tuple[str, list[str]]:
    """The objective, and the observations without it."""
    objective = turns[0].objective
    first = turns[0].observation.removeprefix(objective).lstrip()
    return objective, [first, *(turn.observation for turn in turns[1:])]


def opening(tokenizer: Tokenizer, text: str) -> list[int]:
    """The tokens of a prompt that begins a conversation."""
    return tokenizer.chat([{"role": "user", "content": text}])


def continuation(tokenizer: Tokenizer, text: str) -> list[int]:
    """The tokens between an answer's end token and the next answer.

    Found as the difference of two conversations, since a template may write more than
    the message. Raises ValueError where the template rewrites what was said before.
    """
    said = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    before = tokenizer.chat(said, answer=False)
    whole = tokenizer.chat([*said, {"role": "user", "content": text}])
    ends = [place for place, token in enumerate(before) if token == tokenizer.end]
    if not ends or whole[: len(before)] != before:
        raise ValueError(
            "the chat template does not leave earlier messages as they were, so a "
            "conversation cannot grow: use prompts of the last turns (history=2)"
        )
    return whole[ends[-1] + 1 :]
