"""Discounting chain: the later a chain pays, the more."""

from rl_credit.fidelity.mdps.rules import Outcome, surely, tabulated
from rl_credit.fidelity.process import Process

START = (-1, 0)


def discounting_chain(
    *,
    delays: tuple[int, ...] = (1, 2, 4, 8, 16),
    rewards: tuple[float, ...] = (1.0, 1.1, 1.2, 1.3, 1.4),
) -> Process:
    """The first action picks a chain, which pays its reward after its delay and ends.

    After bsuite's discounting_chain (arXiv 1908.03568); there an episode goes on after
    the reward. In a chain actions do nothing. The truth is not discounted.

    Raises ValueError unless there is one reward for every delay, all from 1.
    """
    if len(delays) != len(rewards) or min(delays) < 1:
        raise ValueError(
            f"the delays are {delays} and the rewards {rewards}; give one reward for "
            "each delay, and delays of 1 at least"
        )

    def step(state: tuple[int, int], action: int) -> list[Outcome]:
        if state == START:
            return surely(0.0, (action, delays[action]))
        chain, left = state
        if left == 1:
            return surely(rewards[chain], None)
        return surely(0.0, (chain, left - 1))

    return tabulated(
        "discounting_chain",
        "The largest reward comes last, so that an estimator that discounts is led to "
        "another chain than the best.",
        starts=[{START: 1.0}],
        step=step,
        sees=lambda state: state,
        num_actions=len(delays),
        horizon=1 + max(delays),
    )
