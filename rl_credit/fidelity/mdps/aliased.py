"""Aliased rooms: two states that look alike want opposite actions."""

from rl_credit.fidelity.mdps.rules import Outcome, surely, tabulated
from rl_credit.fidelity.process import Process

HALL = -1  # where a round begins


def aliased(
    *,
    rounds: int = 4,
    aim: float = 0.8,
    rewards: tuple[float, float] = (1.0, 0.6),
) -> Process:
    """In each round, aim at one of two rooms from the hall, then act in it.

    The action is the number of the room aimed at, which is reached with chance `aim`;
    else it is the other. In room i only action i pays, rewards[i]; but the rooms look
    alike. Halls and rooms of different rounds look different.
    """

    def step(state: tuple[int, int], action: int) -> list[Outcome]:
        number, room = state
        if room == HALL:
            hit, miss = (number, action), (number, 1 - action)
            return [Outcome(aim, 0.0, hit), Outcome(1.0 - aim, 0.0, miss)]
        paid = rewards[room] if action == room else 0.0
        return surely(paid, (number + 1, HALL) if number + 1 < rounds else None)

    return tabulated(
        "aliased",
        "Two states look alike and want opposite actions, so that steps compared by "
        "what was seen get credit of the wrong sign.",
        starts=[{(0, HALL): 1.0}],
        step=step,
        sees=lambda state: (state[0], state[1] == HALL),
        num_actions=2,
        horizon=2 * rounds,
    )
