"""rl_credit.credit.groups as loops in float64: one function a method, for one group."""

import numpy as np


def by_group(method, scores, groups, where, lengths=None):
    """Applies `method` to the kept rows of each group; one row alone scores 0."""
    advantages = np.zeros(len(scores))
    for group in np.unique(groups):
        rows = np.flatnonzero((groups == group) & where)
        if len(rows) > 1:
            columns = [scores] if lengths is None else [scores, lengths]
            advantages[rows] = method(*(column[rows] for column in columns))
    return advantages


def dr_grpo(rewards):
    return rewards - np.mean(rewards)


def grpo(rewards, epsilon=1e-6):
    if np.max(rewards) == np.min(rewards):
        return np.zeros(len(rewards))
    return dr_grpo(rewards) / (np.std(rewards, ddof=1) + epsilon)


def rloo(rewards):
    """Each reward less the mean of the others."""
    rows = range(len(rewards))
    return [rewards[row] - np.mean(np.delete(rewards, row)) for row in rows]


def opo(rewards, lengths):
    return rewards - np.sum(lengths * rewards) / np.sum(lengths)


def pass_at_k(rewards):
    """The best gets its lead over the second, which is 0 when it is shared."""
    second, best = np.argsort(rewards, kind="stable")[-2:]
    advantages = np.zeros(len(rewards))
    advantages[best] = rewards[best] - rewards[second]
    return advantages


def pass_at_k_scaled(rewards, epsilon=1e-6):
    return pass_at_k(rewards) / (np.std(rewards, ddof=1) + epsilon)


def grpo_n(rewards):
    return np.minimum(grpo(rewards), 0.0)


def gpg(scores, groups, where):
    """Rows over rows in groups with spread, times the centred score."""
    useful = 0
    for group in np.unique(groups):
        members = scores[(groups == group) & where]
        if len(members) and np.max(members) > np.min(members):
            useful += len(members)
    return by_group(dr_grpo, scores, groups, where) * sum(where) / max(useful, 1)


def sign_weighted(scores, where, positive, negative):
    advantages = np.where(scores == 1, positive, -negative)
    return np.where(where, advantages, 0.0)


def mt_grpo(turn, outcome, groups, earlier, where, turn_weight, epsilon):
    """Span by span; `earlier` are the spans up to the turn's reward."""
    played = np.any(where, axis=1)

    def relative(scores):
        return by_group(lambda r: grpo(r, epsilon), scores, groups, played)

    combined = relative(outcome + turn_weight * turn)
    outcome, turn = relative(outcome), relative(turn)
    advantages = np.zeros(where.shape)
    for row, span in zip(*np.nonzero(where)):
        if not np.any(earlier[row] & where[row]):
            advantages[row, span] = combined[row]
        elif earlier[row, span]:
            advantages[row, span] = outcome[row] + turn_weight * turn[row]
        else:
            advantages[row, span] = outcome[row]
    return advantages
