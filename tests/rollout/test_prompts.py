"""Prompts against texts written out, and conversations against whole ones."""

import pytest

from rl_credit.envs.text.turn import Turn
from rl_credit.models.tokenizer import ByteTokenizer
from rl_credit.rollout import prompts
from rl_credit.rollout.actions import FORMATS
from rl_credit.rollout.prompts import Prompts
from tests.rollout import tiny

TURNS = [
    Turn("Get out.\nA hall.", admissible=("go east", "wait"), objective="Get out."),
    Turn("A den.", admissible=("go west",)),
    Turn("A bed.", admissible=("sleep",)),
    Turn("Nothing happens.", admissible=("sleep", "go up")),
]
DONE = ["go east", "go west", "dance"]


@pytest.mark.parametrize(
    "made, turn, expected",
    [
        (Prompts(), TURNS[0], "Get out.\nA hall.\nYou can: go east, wait."),
        (Prompts(admissible=False), TURNS[0], "Get out.\nA hall."),
        (Prompts(), Turn("A den."), "A den."),
        (Prompts(), Turn("A den.", admissible=()), "A den."),
        (
            Prompts("action"),
            TURNS[1],
            f"A den.\nYou can: go west.\n{FORMATS['action'].instruction}",
        ),
        (
            Prompts("think", admissible=False),
            TURNS[1],
            f"A den.\n{FORMATS['think'].instruction}",
        ),
    ],
)
def test_a_turn_is_shown_with_what_can_be_done_and_how_to_answer(made, turn, expected):
    assert made.shown(turn) == expected


@pytest.mark.parametrize(
    "turns, history, recalled, expected",
    [
        (1, 2, 2, "Get out.\nA hall."),
        (2, 0, 0, "Get out.\nA den."),
        (2, 1, 0, "Get out.\nA hall.\n> go east\nA den."),
        (2, 9, 9, "Get out.\nA hall.\n> go east\nA den."),
        (2, 0, 1, "Get out.\nYou did: go east.\nA den."),
        (3, 1, 0, "Get out.\nA den.\n> go west\nA bed."),
        (4, 1, 1, "Get out.\nYou did: go west.\nA bed.\n> dance\nNothing happens."),
        (
            4,
            1,
            5,
            "Get out.\nYou did: go east, go west.\nA bed.\n> dance\nNothing happens.",
        ),
        (
            4,
            2,
            5,
            "Get out.\nYou did: go east.\nA den.\n> go west\nA bed.\n> dance\n"
            "Nothing happens.",
        ),
    ],
)
def test_a_prompt_that_stands_alone(turns, history, recalled, expected):
    made = Prompts(history=history, recalled=recalled, admissible=False)
    assert made.alone(TURNS[:turns], DONE[: turns - 1], history) == expected


def test_a_prompt_that_stands_alone_lists_what_can_be_done_now_and_only_now():
    shown = Prompts("action", history=2).alone(TURNS[:3], DONE[:2], 2)
    instruction = FORMATS["action"].instruction
    assert shown == (
        "Get out.\nA hall.\n> go east\nA den.\n> go west\nA bed.\n"
        f"You can: sleep.\n{instruction}"
    )


def test_an_answer_that_was_no_action_is_not_told():
    made = Prompts(history=1, recalled=1, admissible=False)
    done = ["go east", "", ""]
    told = "Get out.\nYou did: go east.\nA bed.\nNothing happens."
    assert made.alone(TURNS, done, 1) == told
    assert made.alone(TURNS[:2], [""], 0) == "Get out.\nA den."


NUMBERED = Prompts("think", history=2, layout="numbered")
THINK = FORMATS["think"].instruction


@pytest.mark.parametrize(
    "turns, history, expected",
    [
        (1, 2, "Your task: Get out.\nObservation: A hall.\nYou can: go east, wait."),
        (3, 0, "Your task: Get out.\nObservation: A bed.\nYou can: sleep."),
        (
            2,
            2,
            "Your task: Get out.\nSteps taken so far: 1. The last 1 of them:\n"
            "Observation 1: A hall.\nAction 1: go east\n"
            "You are at step 2. Observation: A den.\nYou can: go west.",
        ),
        (
            4,
            2,
            "Your task: Get out.\nSteps taken so far: 3. The last 2 of them:\n"
            "Observation 2: A den.\nAction 2: (not a valid action)\n"
            "Observation 3: A bed.\nAction 3: dance\n"
            "You are at step 4. Observation: Nothing happens.\n"
            "You can: sleep, go up.",
        ),
    ],
)
def test_the_numbered_layout_has_the_structure_of_gigpos(turns, history, expected):
    done = ["go east", "", "dance"][: turns - 1]
    shown = NUMBERED.alone(TURNS[:turns], done, history)
    assert shown == f"{expected}\n{THINK}"


def test_the_first_prompt_is_that_of_the_layout_or_of_the_conversation():
    assert NUMBERED.first(TURNS[0]) == NUMBERED.alone(TURNS[:1], [], 2)
    assert Prompts().first(TURNS[0]) == Prompts().shown(TURNS[0])
    assert Prompts(history=2).first(TURNS[0]) == Prompts().shown(TURNS[0])


def test_a_numbered_prompt_without_an_objective_names_no_task():
    shown = NUMBERED.first(Turn("A den."))
    assert shown == f"Observation: A den.\n{THINK}"


def test_a_numbered_prompt_does_not_say_twice_that_this_is_the_task():
    objective = "Your task is to: find a pillow."
    shown = NUMBERED.first(Turn(f"{objective}\nA den.", objective=objective))
    assert shown == f"{objective}\nObservation: A den.\n{THINK}"


def test_without_an_objective_there_is_none_to_repeat():
    turns = [Turn("A hall."), Turn("A den.")]
    made = Prompts(history=1)
    assert made.alone(turns, ["go"], 1) == "A hall.\n> go\nA den."
    assert made.alone(turns, ["go"], 0) == "A den."


@pytest.mark.parametrize(
    "wrong, message",
    [
        (dict(format="actoin"), "did you mean 'action'"),
        (dict(layout="numberd", history=2), "did you mean 'numbered'"),
        (dict(layout="numbered"), "history=None.*history=1"),
        (dict(layout="numbered", history=0), "history=0.*history=1"),
        (dict(layout="numbered", history=1, recalled=3), "recalled=3.*recalled=0"),
        (dict(history=-1), "history=-1"),
        (dict(recalled=-2), "recalled=-2"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Prompts(**wrong)


class Trailing(ByteTokenizer):
    """A chat template that breaks the line after every message and opens with one."""

    def chat(self, messages, *, answer=True):
        first = [257, *self.encode("Be good."), self.end, 10]
        parts = [[*ByteTokenizer.chat(self, [m], answer=False), 10] for m in messages]
        return sum(parts, first) + ([259] if answer else [])


class Forgetful(ByteTokenizer):
    """A chat template that leaves earlier answers out."""

    def chat(self, messages, *, answer=True):
        kept = [m for m in messages[:-1] if m["role"] == "user"] + [messages[-1]]
        return ByteTokenizer.chat(self, kept, answer=answer)


@pytest.mark.parametrize(
    "tokenizer", [tiny.BYTES, tiny.words(), Trailing()], ids=["bytes", "words", "other"]
)
def test_a_conversation_that_grows_is_the_whole_one(tokenizer):
    told = ["You are in the hall.", "You go north.", "Nothing happens."]
    answers = ["go north", "take gold key"]
    messages = [{"role": "user", "content": told[0]}]
    tokens = prompts.opening(tokenizer, told[0])
    assert tokens == tokenizer.chat(messages)
    for said, text in zip(answers, told[1:]):
        tokens += [*tokenizer.encode(said), tokenizer.end]
        tokens += prompts.continuation(tokenizer, text)
        messages.append({"role": "assistant", "content": said})
        messages.append({"role": "user", "content": text})
        assert tokens == tokenizer.chat(messages)


def test_a_template_that_rewrites_what_was_said_cannot_grow():
    with pytest.raises(ValueError, match="earlier messages.*history=2"):
        prompts.continuation(Forgetful(), "You go north.")
