"""No rejoining: a tree, in which a state is all that was done so far."""

from rl_credit.fidelity.mdps.rules import Outcome, surely, tabulated
from rl_credit.fidelity.process import Process


def no_rejoining(*, depth: int = 8) -> Process:
    """`depth` actions of two; the last pays the square of the share that was right.

    The right action of step t is t modulo 2. The state, which is seen, is the history
    of actions: 2 ** depth - 1 of them.
    """

    def step(history: tuple[int, ...], action: int) -> list[Outcome]:
        after = (*history, action)
        if len(after) < depth:
            return surely(0.0, after)
        right = sum(done == place % 2 for place, done in enumerate(after))
        return surely((right / depth) ** 2, None)

    return tabulated(
        "no_rejoining",
        "No state is reached in two ways, so that an estimator that compares steps "
        "from equal states soon has none to compare.",
        starts=[{(): 1.0}],
        step=step,
        sees=lambda history: history,
        num_actions=2,
        horizon=depth,
    )
