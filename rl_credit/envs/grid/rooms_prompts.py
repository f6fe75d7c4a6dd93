"""Which effect an action has: a table over the question asked and the thing carried.

NetHack asks before it acts ("What do you want to zap?", "In what direction?"), and the
next action answers: its letter, or its direction. No turn passes while it asks. An
answer that names nothing repeats the question; a strange direction ends it.
"""

import enum
from typing import NamedTuple

import numpy as np

from rl_credit.envs.grid.rooms_words import COMPASS, KEYS, Kind, Message


class Prompt(enum.IntEnum):
    """The question that waits for an answer."""

    NONE = 0
    OPEN_WHERE = 1
    KICK_WHERE = 2
    THROW_WHERE = 3
    ZAP_WHERE = 4
    BLOW_WHERE = 5
    QUAFF_WHAT = 6
    WEAR_WHAT = 7
    PUT_ON_WHAT = 8
    ZAP_WHAT = 9
    APPLY_WHAT = 10
    IMPROVISE = 11
    FINGER = 12


class Effect(enum.IntEnum):
    """What is done; all but SAY may take a turn."""

    SAY = 0
    PASS = 1  # a turn goes by: a stone is thrown, a charge wasted
    MOVE = 2
    PICKUP = 3
    OPEN = 4
    KICK = 5
    SEARCH = 6
    FLOAT = 7
    ZAP = 8
    UNLOCK = 9


class Reply(NamedTuple):
    """An entry of the table."""

    effect: Effect = Effect.SAY
    says: Message = Message.SILENCE
    prompt: Prompt = Prompt.NONE


class Use(NamedTuple):
    """A command that uses the object carried."""

    kinds: tuple[Kind, ...]  # that it is for
    prompt: Prompt
    asks: Message
    lacks: Message
    silly: Message
    then: Reply


FLOATS = Reply(Effect.FLOAT, Message.FLOAT)
TO_FINGER = Reply(says=Message.FINGER, prompt=Prompt.FINGER)
TO_ZAP = Reply(says=Message.DIRECTION, prompt=Prompt.ZAP_WHERE)
TO_BLOW = Reply(says=Message.DIRECTION, prompt=Prompt.BLOW_WHERE)
TO_PLAY = Reply(says=Message.IMPROVISE, prompt=Prompt.IMPROVISE)

P, K, M = Prompt, Kind, Message
USES = {
    "quaff": Use(
        (K.POTION,), P.QUAFF_WHAT, M.WHAT_DRINK, M.NO_DRINK, M.SILLY_DRINK, FLOATS
    ),
    "wear": Use((K.BOOTS,), P.WEAR_WHAT, M.WHAT_WEAR, M.NO_WEAR, M.SILLY_WEAR, FLOATS),
    "put_on": Use(
        (K.RING,),
        P.PUT_ON_WHAT,
        M.WHAT_PUT_ON,
        M.NO_PUT_ON,
        M.SILLY_PUT_ON,
        TO_FINGER,
    ),
    "zap": Use((K.WAND,), P.ZAP_WHAT, M.WHAT_ZAP, M.NO_ZAP, M.SILLY_ZAP, TO_ZAP),
    "apply": Use(
        (K.HORN,), P.APPLY_WHAT, M.WHAT_APPLY, M.NO_APPLY, M.SILLY_APPLY, TO_PLAY
    ),
}
ASKED = {use.prompt: use for use in USES.values()}

# What an action does without the carried object, where no question waits.
PLAIN = {name: Reply(Effect.MOVE) for name in COMPASS} | {
    "pickup": Reply(Effect.PICKUP),
    "search": Reply(Effect.SEARCH),
    "open": Reply(says=M.DIRECTION, prompt=P.OPEN_WHERE),
    "kick": Reply(says=M.DIRECTION, prompt=P.KICK_WHERE),
    "fire": Reply(says=M.DIRECTION, prompt=P.THROW_WHERE),
    "read": Reply(says=M.NO_READ),
}

# Effect of a direction; reply to anything else.
WHERE = {
    P.OPEN_WHERE: (Effect.OPEN, Reply(says=M.STRANGE_NEVER_MIND)),
    P.KICK_WHERE: (Effect.KICK, Reply(says=M.STRANGE)),
    P.THROW_WHERE: (Effect.PASS, Reply(says=M.STRANGE)),
    P.ZAP_WHERE: (Effect.ZAP, Reply(Effect.PASS, M.STRANGE)),
    P.BLOW_WHERE: (Effect.ZAP, Reply(Effect.PASS, M.STRANGE)),
}


def replies(actions: tuple[str, ...], unlocks: bool) -> np.ndarray:
    """The table int32[questions, kinds, actions, 3] of effect, message and question.

    With `unlocks`, apply turns the carried key in a door beside the agent (KeyRoom) and
    asks nothing.
    """
    table = np.zeros((len(Prompt), len(Kind), len(actions), 3), np.int32)
    for prompt in Prompt:
        for kind in Kind:
            for column, action in enumerate(actions):
                reply = answer(prompt, kind, action)
                if unlocks and action == "apply":
                    reply = Reply(Effect.UNLOCK)
                table[prompt, kind, column] = reply
    return table


def reachable(table: np.ndarray) -> tuple[Prompt, ...]:
    """The questions that can come up, in order, without NONE."""
    known = [0]
    for prompt in known:
        follow = np.unique(table[prompt, :, :, 2])
        known += [int(number) for number in follow if number not in known]
    return tuple(Prompt(number) for number in sorted(known) if number)


def answer(prompt: Prompt, kind: Kind, action: str) -> Reply:
    """What this action does while `prompt` waits and `kind` is carried."""
    if prompt is Prompt.NONE:
        return _plain(kind, action)
    if prompt in WHERE:
        effect, strange = WHERE[prompt]
        return Reply(effect) if action in COMPASS else strange
    if prompt is Prompt.IMPROVISE:
        return {
            "y": TO_BLOW,
            "n": Reply(says=Message.NEVER_MIND),
            "q": Reply(),
        }.get(KEYS[action], TO_PLAY)
    if prompt is Prompt.FINGER:
        chosen = KEYS[action] in "lr"
        return Reply(Effect.FLOAT, Message.RING_ON) if chosen else TO_FINGER
    return _chosen(ASKED[prompt], action)


def _plain(kind: Kind, action: str) -> Reply:
    """Where no question waits."""
    if action not in USES:
        return PLAIN[action]
    use = USES[action]
    if kind not in use.kinds:
        return Reply(says=use.lacks)
    return Reply(says=use.asks, prompt=use.prompt)


def _chosen(use: Use, action: str) -> Reply:
    """Letter f is the object; a and b are a club and a sling; others are unknown."""
    if KEYS[action] == "f":
        return use.then
    if KEYS[action] in "ab":
        return Reply(says=use.silly)
    return Reply(says=use.asks, prompt=use.prompt)
