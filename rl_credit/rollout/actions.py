"""How an answer holds the action, and which commands an action may be."""

import dataclasses
import re
from collections.abc import Callable, Iterable

from rl_credit.ops import names


@dataclasses.dataclass(frozen=True)
class Format:
    """What the agent is asked to answer, where its answer ends, and what is read."""

    instruction: str  # the end of every prompt; empty: there is nothing to explain
    pattern: re.Pattern  # must match; its group 1 is the action
    closing: str = ""  # an answer ends here as well as at the end token
    template: str = "{action}"  # an answer that does `action`, for demonstrations

    def read(self, answer: str) -> str | None:
        """The action, in single spaces, or None where the answer has none."""
        found = self.pattern.search(answer)
        return " ".join(found[1].split()) or None if found else None


def _tag(name: str, inside: str = "(.*?)") -> str:
    """A pattern of <name>...</name>; spaces, as word vocabularies put them, allowed."""
    return rf"<\s*{name}\s*>{inside}<\s*/\s*{name}\s*>"


# The tags are those of GiGPO (arXiv 2505.10978, appendix E) and most agents since.
FORMATS = {
    "plain": Format("", re.compile(r"\A(.*)\Z", re.DOTALL)),
    "action": Format(
        "Answer with one action between <action> and </action>.",
        re.compile(_tag("action"), re.DOTALL),
        "</action>",
        "<action>{action}</action>",
    ),
    "think": Format(
        "First reason about what to do, between <think> and </think>. Then give one "
        "action between <action> and </action>.",
        re.compile(_tag("think", "(?:.*?)") + ".*?" + _tag("action"), re.DOTALL),
        "</action>",
        "<think></think><action>{action}</action>",
    ),
}


def named(name: str) -> Format:
    """The format of that name; ValueError with the nearest one if there is none."""
    if name not in FORMATS:
        raise ValueError(names.unknown("action format", name, FORMATS))
    return FORMATS[name]


def command(
    action: str, admissible: Iterable[str] | None, spell: Callable[[str], str]
) -> str | None:
    """The command that `action` means; None where it is not admissible.

    `spell` writes a command as the tokenizer gives it back: a word vocabulary changes
    spaces and marks. Case does not matter; a spelling that two commands share, for want
    of words, means neither. Where nobody knows what is admissible, the action is the
    command.
    """
    if admissible is None:
        return action
    meant = [able for able in admissible if spell(able).lower() == action.lower()]
    return meant[0] if len(meant) == 1 else None
