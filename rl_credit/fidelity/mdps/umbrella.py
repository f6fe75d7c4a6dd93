"""Umbrella: one choice, learned to be right or wrong at the very end."""

import itertools

from rl_credit.fidelity.mdps.rules import Outcome, surely, tabulated
from rl_credit.fidelity.process import Process

TAKE = 1  # the umbrella, in the first step
WORTH = {  # by whether it rains and whether the umbrella is there
    (True, True): 1.0,
    (True, False): -1.0,
    (False, True): 0.0,
    (False, False): 1.0,
}
State = tuple[bool, bool, int, tuple[int, ...]]  # rains, carried, place, bits shown


def umbrella(*, length: int = 8, bits: int = 2) -> Process:
    """Take the umbrella or not, walk, then see whether it was needed.

    After bsuite's umbrella_length and umbrella_distract (arXiv 1908.03568), with the
    forecast as task (0: sun, 1: rain), `WORTH` as its reward, and no other reward. Only
    the first of `length` steps matters. Every step shows `bits` more, drawn anew.
    """
    shown = list(itertools.product((0, 1), repeat=bits))
    even = 1.0 / len(shown)

    def step(state: State, action: int) -> list[Outcome]:
        rains, carried, place, _ = state
        carried = action == TAKE if place == 0 else carried
        if place == length - 1:
            return surely(WORTH[rains, carried], None)
        return [Outcome(even, 0.0, (rains, carried, place + 1, new)) for new in shown]

    return tabulated(
        "umbrella",
        "Only the first action matters, long before it is paid for, and bits that mean "
        "nothing part steps that are alike into groups too small to compare.",
        starts=[
            {(rains, False, 0, new): even for new in shown} for rains in (False, True)
        ],
        step=step,
        sees=lambda state: state,
        num_actions=2,
        horizon=length,
    )
