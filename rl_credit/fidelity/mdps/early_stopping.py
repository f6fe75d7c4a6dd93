"""Early stopping: the policy decides when the episode ends."""

from rl_credit.fidelity.mdps.rules import Outcome, surely, tabulated
from rl_credit.fidelity.process import Process

GO_ON = 1  # 0 stops


def early_stopping(
    *, gains: tuple[float, ...] = (0.0, 0.5, 0.5, 0.5, -0.5, -0.5, -0.5, 0.5)
) -> Process:
    """Each turn pays its gain, whatever is done in it; then the episode may go on.

    The question of verl issue 7244: a turn's reward less its mean over the episodes
    that came to that turn is zero, though the return depends on whether to go on. With
    gains (0, 0.5) its derivative by the chance to go on is 0.5.
    """

    def step(turn: int, action: int) -> list[Outcome]:
        goes = action == GO_ON and turn + 1 < len(gains)
        return surely(gains[turn], turn + 1 if goes else None)

    return tabulated(
        "early_stopping",
        "The policy decides when to stop and a turn pays all who reach it alike, so "
        "that rewards less the mean of their turn are zero.",
        starts=[{0: 1.0}],
        step=step,
        sees=lambda turn: turn,
        num_actions=2,
        horizon=len(gains),
    )
