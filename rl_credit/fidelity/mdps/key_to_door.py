"""Key to door: what was done at first decides what the last step pays."""

from rl_credit.fidelity.mdps.rules import Outcome, surely, tabulated
from rl_credit.fidelity.process import Process

TAKE = 0  # the key, an apple, or the handle of the door; 1 passes


def key_to_door(
    *,
    apples: int = 6,
    apple: float = 0.1,
    spread: float = 1.0,
    door: float = 1.0,
    bonuses: tuple[float, ...] = (0.0, 2.0),
) -> Process:
    """A key, then apples, then a door that pays only those who took the key.

    After Hung et al. (arXiv 1810.06721), there in three dimensions. An apple that is
    taken pays `apple` + or - `spread`, each with 1/2; the door pays `door`. Task i pays
    bonuses[i] besides at the end, whatever was done, and looks like the others.
    """

    def step(state: tuple[int, int, bool], action: int) -> list[Outcome]:
        task, place, key = state
        takes = action == TAKE
        if place > apples:
            return surely(bonuses[task] + door * (takes and key), None)
        ahead = (task, place + 1, takes if place == 0 else key)
        if place == 0 or not takes:
            return surely(0.0, ahead)
        return [Outcome(0.5, apple + sign * spread, ahead) for sign in (1, -1)]

    return tabulated(
        "key_to_door",
        "The rewards between the key and the door are noise that drowns what the key "
        "is worth in every return that is counted from it.",
        starts=[{(task, 0, False): 1.0} for task in range(len(bonuses))],
        step=step,
        sees=lambda state: state[1:],
        num_actions=2,
        horizon=apples + 2,
    )
