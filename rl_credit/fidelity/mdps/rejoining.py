"""Rejoining paths: a field in which many ways lead to every cell."""

from rl_credit.fidelity.mdps.rules import Outcome, tabulated
from rl_credit.fidelity.process import Process


def rejoining(
    *,
    depth: int = 8,
    width: int = 5,
    slip: float = 0.2,
    bonuses: tuple[float, ...] = (0.0, 2.0),
) -> Process:
    """Crosses a field of `width` rows in `depth` steps, each to a row beside or ahead.

    Action 0 goes one row down, 1 straight on, 2 one row up; the edge holds, and with
    chance `slip` the step goes straight on. Every cell pays who enters it its share of
    gold, from 0 to 0.8. Task i pays bonuses[i] besides in the last step, whatever was
    done, and looks like the others.
    """

    def outcome(chance: float, task: int, place: int, row: int) -> Outcome:
        paid = gold(place, row)
        if place < depth:
            return Outcome(chance, paid, (task, place, row))
        return Outcome(chance, paid + bonuses[task], None)

    def step(state: tuple[int, int, int], action: int) -> list[Outcome]:
        task, place, row = state
        aimed = min(max(row + action - 1, 0), width - 1)
        return [
            outcome(1.0 - slip, task, place + 1, aimed),
            outcome(slip, task, place + 1, row),
        ]

    return tabulated(
        "rejoining",
        "Paths meet again and again, so that an estimator that does not compare steps "
        "from equal states leaves most of what is known unused.",
        starts=[{(task, 0, width // 2): 1.0} for task in range(len(bonuses))],
        step=step,
        sees=lambda state: state[1:],
        num_actions=3,
        horizon=depth,
    )


def gold(place: int, row: int) -> float:
    """What a cell pays: a fixed pattern in which neighbours differ."""
    return (3 * place + 2 * row) % 5 / 5
