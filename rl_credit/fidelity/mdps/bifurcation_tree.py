"""Bifurcation tree: one step decides, all others are idle."""

from rl_credit.fidelity.mdps.rules import Outcome, surely, tabulated
from rl_credit.fidelity.process import Process

UNDECIDED, BAD, GOOD = range(3)


def bifurcation_tree(
    *,
    length: int = 12,
    decisive: int = 4,
    num_actions: int = 4,
    odds: tuple[tuple[float, float], ...] = ((0.1, 0.9), (0.0, 0.5)),
) -> Process:
    """Action 0 in step `decisive` leads to the good branch, all others to the bad one.

    The last step pays 1 with chance odds[task][branch], bad before good, and else 0. In
    the other steps actions do nothing. The task is seen. The survey arXiv 2604.09459
    asks for such controlled bifurcations; this one is ours.

    Raises ValueError where `decisive` is not one of `length` steps.
    """
    if not 0 <= decisive < length:
        raise ValueError(f"decisive is {decisive}; it must be in [0, {length})")

    def step(state: tuple[int, int, int], action: int) -> list[Outcome]:
        task, place, branch = state
        if place == decisive:
            branch = GOOD if action == 0 else BAD
        if place < length - 1:
            return surely(0.0, (task, place + 1, branch))
        chance = odds[task][branch - BAD]
        return [Outcome(chance, 1.0, None), Outcome(1.0 - chance, 0.0, None)]

    return tabulated(
        "bifurcation_tree",
        "One step decides and all others are idle, so that what gives every step of an "
        "episode the same credit is wrong in all steps but one.",
        starts=[{(task, 0, UNDECIDED): 1.0} for task in range(len(odds))],
        step=step,
        sees=lambda state: state,
        num_actions=num_actions,
        horizon=length,
    )
