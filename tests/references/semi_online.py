"""UI-S1 as loops over steps in float64."""

import numpy as np


def patched_returns(rewards, matches, where, *, discount=0.5, horizon="paper"):
    """Each step adds up what it may see, term by term (2509.11543, eq. 9)."""
    returns = np.zeros(where.shape)
    for i in range(len(where)):
        steps = [int(t) for t in np.flatnonzero(where[i])]
        for place, t in enumerate(steps):
            seen = visible(matches[i], steps[place:], horizon)
            terms = [discount**k * rewards[i, u] for k, u in enumerate(seen)]
            returns[i, t] = sum(terms)
    return returns


def visible(matches, steps, horizon):
    """The steps from the first one on whose rewards it is credited with."""
    if not matches[steps[0]]:
        return steps[:1]
    wrong = [place for place, t in enumerate(steps) if not matches[t]]
    if horizon == "full" or not wrong:
        return steps
    return steps[: wrong[0] + 1] if horizon == "paper" else steps[: wrong[0]]


def step_level(returns, groups, where, *, scale=True, epsilon=1e-6):
    """Relative to the same step of the task's rollouts (eq. 10), as played."""
    result = np.zeros(where.shape)
    played = [np.flatnonzero(row) for row in where]
    for i, t in np.argwhere(where):
        step = np.sum(where[i, :t])
        task = [j for j in range(len(where)) if groups[j] == groups[i]]
        others = [returns[j, played[j][step]] for j in task if len(played[j]) > step]
        if len(others) > 1 and np.ptp(others) > 0:
            centred = returns[i, t] - np.mean(others)
            spread = np.std(others, ddof=1) + epsilon
            result[i, t] = centred / spread if scale else centred
    return result
