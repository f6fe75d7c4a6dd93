"""OPRL / iStar and PRIME as loops over steps in float64."""

import numpy as np


def advantages(step_rewards, where, groups, *, epsilon=1e-6):
    """(r - mean) / std over all steps of a task's rollouts (2509.19199v1, eq. 4)."""
    result = np.zeros(where.shape)
    for group in set(groups.tolist()):
        pool = [tuple(at) for at in np.argwhere(where) if groups[at[0]] == group]
        rewards = [step_rewards[at] for at in pool]
        if len(pool) > 1 and np.ptp(rewards) > 0:
            for at in pool:
                centred = step_rewards[at] - np.mean(rewards)
                result[at] = centred / (np.std(rewards, ddof=1) + epsilon)
    return result


def prime(
    log_ratios,
    outcomes,
    groups,
    where,
    *,
    beta=0.05,
    process_weight=5.0,
    outcome_weight=5.0,
):
    """Leave-one-out rewards, summed to the end, whitened (2502.01456, eq. 5 and 6)."""
    rewards = np.zeros(where.shape)
    rows = [i for i in range(len(where)) if where[i].any()]
    for i in rows:
        others = [j for j in rows if groups[j] == groups[i] and j != i]
        if not others:
            continue
        tokens = np.flatnonzero(where[i])
        size = len(others) + 1
        pool = sum(beta * np.mean(log_ratios[j][where[j]]) for j in [i, *others])
        for t in tokens:
            own = size * beta * log_ratios[i, t]
            rewards[i, t] = process_weight * (own - pool) / (size - 1)
        rival = np.mean([outcomes[j] for j in others])
        rewards[i, tokens[-1]] += outcome_weight * (outcomes[i] - rival)
    returns = np.cumsum(rewards[:, ::-1], axis=1)[:, ::-1]
    return whiten(returns, where)


def whiten(values, where, *, epsilon=1e-8):
    kept = values[where]
    if len(kept) < 2 or np.ptp(kept) == 0:
        return np.zeros(where.shape)
    scaled = (values - np.mean(kept)) / np.sqrt(np.var(kept, ddof=1) + epsilon)
    return np.where(where, scaled, 0.0)
