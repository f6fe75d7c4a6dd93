"""What the agent is shown: the last turns, or a conversation that grows."""

import dataclasses
from collections.abc import Sequence

from rl_credit.envs.text.turn import Turn
from rl_credit.models.tokenizer import Tokenizer
from rl_credit.rollout import actions


@dataclasses.dataclass(frozen=True)
class Prompts:
    """`history` None is the whole conversation: each turn adds to what was read.

    Otherwise each prompt stands alone: the objective, the last `history` turns and what
    was done in them, and the present observation; GiGPO (arXiv 2505.10978) uses 2. Of
    what was done before those it lists the last `recalled` actions.
    """

    format: str = "plain"  # a name in `actions.FORMATS`
    history: int | None = None
    recalled: int = 0
    admissible: bool = True  # list the commands that can be done, where they are known

    def __post_init__(self):
        actions.named(self.format)
        if min(self.history or 0, self.recalled) < 0:
            raise ValueError(
                f"history={self.history}, recalled={self.recalled}: give 0 or more"
            )

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

        It shows the `history` turns before it, if there are so many. An empty action,
        of an answer that was none, is not told.
        """
        if len(turns) == 1:
            return self.shown(turns[0])
        objective = turns[0].objective
        seen = [turns[0].observation.removeprefix(objective).lstrip()]
        seen += [turn.observation for turn in turns[1:]]
        start = max(len(done) - history, 0)
        lines = [objective] if objective else []
        earlier = [action for action in done[:start] if action]
        if recalled := earlier[max(len(earlier) - self.recalled, 0) :]:
            lines.append(f"You did: {', '.join(recalled)}.")
        for observation, action in zip(seen[start:-1], done[start:]):
            lines += [observation, f"> {action}"] if action else [observation]
        observation = "\n".join([*lines, seen[-1]])
        return self.shown(dataclasses.replace(turns[-1], observation=observation))


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
