"""Losses as loops over tokens in float64, to be read beside the papers."""

import math

import numpy as np


def each_token(where):
    """(sequence, token) of all that the mask keeps."""
    return [(int(i), int(t)) for i, t in np.argwhere(where)]


def sequence(where, i):
    """The kept tokens of sequence i."""
    return [int(t) for t in np.flatnonzero(where[i])]


# Reductions


def token_mean(values, where):
    kept = [values[i, t] for i, t in each_token(where)]
    return sum(kept) / len(kept) if kept else 0.0


def per_sequence(values, where, summary):
    kept = [
        [values[i, t] for t in sequence(where, i)]
        for i in range(len(where))
        if sequence(where, i)
    ]
    return sum(summary(row) for row in kept) / len(kept) if kept else 0.0


def sequence_mean(values, where):
    return per_sequence(values, where, lambda row: sum(row) / len(row))


def sequence_sum(values, where):
    return per_sequence(values, where, sum)


def constant_length(values, where, *, length):
    return per_sequence(values, where, sum) / length


# Policy losses: minus the objective of each token, then a reduction


def per_token(loss, logps, old_logps, advantages, where, reduce):
    values = np.zeros(where.shape)
    for i, t in each_token(where):
        values[i, t] = loss(logps[i, t], old_logps[i, t], advantages[i, t])
    return reduce(values, where)


def clip(x, low, high):
    return min(max(x, low), high)


def ratio(logp, old_logp):
    return math.exp(clip(logp - old_logp, -20.0, 20.0))


def reinforce(logps, old_logps, advantages, where, *, reduce=sequence_sum):
    def loss(logp, old_logp, advantage):
        return -logp * advantage

    return per_token(loss, logps, old_logps, advantages, where, reduce)


def gpg(logps, old_logps, advantages, where, *, reduce=token_mean):
    return reinforce(logps, old_logps, advantages, where, reduce=reduce)


def clipped(ratio, advantage, low, high):
    return min(ratio * advantage, clip(ratio, 1 - low, 1 + high) * advantage)


def ppo_clip(
    logps,
    old_logps,
    advantages,
    where,
    *,
    clip_low=0.2,
    clip_high=0.2,
    dual_clip=None,
    reduce=token_mean,
):
    def loss(logp, old_logp, advantage):
        objective = clipped(ratio(logp, old_logp), advantage, clip_low, clip_high)
        if dual_clip is not None and advantage < 0:
            objective = max(objective, dual_clip * advantage)
        return -objective

    return per_token(loss, logps, old_logps, advantages, where, reduce)


def two_sided(logps, old_logps, advantages, where, *, delta, low=0.2, high=0.2):
    """INTELLECT-2 as its paper writes it: the unclipped ratio is capped at delta."""

    def loss(logp, old_logp, advantage):
        r = ratio(logp, old_logp)
        held = clip(r, 1 - low, 1 + high) * advantage
        return -min(min(r, delta) * advantage, held)

    return per_token(loss, logps, old_logps, advantages, where, token_mean)


def gspo(
    logps,
    old_logps,
    advantages,
    where,
    *,
    clip_low=3e-4,
    clip_high=4e-4,
    reduce=sequence_mean,
):
    values = np.zeros(where.shape)
    for i in range(len(where)):
        tokens = sequence(where, i)
        differences = [logps[i, t] - old_logps[i, t] for t in tokens]
        s = math.exp(sum(differences) / max(len(tokens), 1))
        for t in tokens:
            values[i, t] = -clipped(s, advantages[i, t], clip_low, clip_high)
    return reduce(values, where)


def cispo(
    logps,
    old_logps,
    advantages,
    where,
    *,
    clip_low=1.0,
    clip_high=4.0,
    reduce=token_mean,
):
    def loss(logp, old_logp, advantage):
        weight = clip(ratio(logp, old_logp), 1 - clip_low, 1 + clip_high)
        return -weight * advantage * logp

    return per_token(loss, logps, old_logps, advantages, where, reduce)


def sapo(
    logps,
    old_logps,
    advantages,
    where,
    *,
    temperature=1.0,
    temperature_negative=1.05,
    reduce=sequence_mean,
):
    def loss(logp, old_logp, advantage):
        tau = temperature if advantage > 0 else temperature_negative
        gate = 1 / (1 + math.exp(-tau * (ratio(logp, old_logp) - 1)))
        return -gate * 4 / tau * advantage

    return per_token(loss, logps, old_logps, advantages, where, reduce)


def gmpo(
    logps,
    old_logps,
    advantages,
    where,
    *,
    clip_low=0.4,
    clip_high=0.4,
    reduce=sequence_mean,
):
    values = np.zeros(where.shape)
    for i in range(len(where)):
        tokens = sequence(where, i)
        logs = []
        for t in tokens:
            free = logps[i, t] - old_logps[i, t]
            held = clip(free, -clip_low, clip_high)
            sign = np.sign(advantages[i, t])
            logs.append(sign * min(sign * free, sign * held))
        for t in tokens:
            mean = sum(advantages[i, u] for u in tokens) / len(tokens)
            values[i, t] = -math.exp(sum(logs) / len(tokens)) * mean
    return reduce(values, where)


# Values, preferences, process rewards


def clipped_regression(values, old_values, returns, where, *, clip_at=0.2):
    losses = np.zeros(where.shape)
    for i, t in each_token(where):
        step = clip(values[i, t] - old_values[i, t], -clip_at, clip_at)
        free = (values[i, t] - returns[i, t]) ** 2
        held = (old_values[i, t] + step - returns[i, t]) ** 2
        losses[i, t] = 0.5 * max(free, held)
    return token_mean(losses, where)


def log_sigmoid(x):
    return -math.log1p(math.exp(-x)) if x > 0 else x - math.log1p(math.exp(x))


def trajectory_dpo(step_rewards, where, success, groups):
    """Total and number of the pairs (success, failure) of one group."""
    total, pairs = 0.0, 0
    rows = [i for i in range(len(where)) if sequence(where, i)]
    score = {i: sum(step_rewards[i, t] for t in sequence(where, i)) for i in rows}
    for i in rows:
        for j in rows:
            if groups[i] == groups[j] and success[i] and not success[j]:
                total -= log_sigmoid(score[i] - score[j])
                pairs += 1
    return total, pairs


def dpo(chosen, rejected, chosen_ref, rejected_ref, *, beta, label_smoothing=0.0):
    total = 0.0
    for margin in beta * ((chosen - chosen_ref) - (rejected - rejected_ref)):
        total -= (1 - label_smoothing) * log_sigmoid(margin)
        total -= label_smoothing * log_sigmoid(-margin)
    return total / len(chosen)


def prime_cross_entropy(log_ratios, where, success, *, beta=0.05):
    losses = []
    for i in range(len(where)):
        if tokens := sequence(where, i):
            logit = beta * sum(log_ratios[i, t] for t in tokens)
            right, wrong = log_sigmoid(logit), log_sigmoid(-logit)
            losses.append(-success[i] * right - (1 - success[i]) * wrong)
    return sum(losses) / len(losses) if losses else 0.0


def overlong_penalty(length, max_length, buffer):
    """DAPO (arXiv 2503.14476), eq. 13."""
    if length <= max_length - buffer:
        return 0.0
    if length <= max_length:
        return ((max_length - buffer) - length) / buffer
    return -1.0


def draw(seed, batch=4, time=5):
    """Random new and old log-probabilities, advantages and a mask with an empty row."""
    rng = np.random.default_rng(seed)
    old = -rng.gamma(1.0, 1.0, (batch, time))
    new = old + rng.normal(0.0, 0.5, (batch, time))
    where = rng.random((batch, time)) < 0.7
    where[0, 0] = True
    if batch > 1:
        where[-1] = False
    return new, old, rng.normal(0.0, 1.0, (batch, time)), where


def slope(loss, logps, step=1e-6):
    """Gradient of a loss by central differences."""
    gradient = np.zeros(logps.shape)
    for index in np.ndindex(*logps.shape):
        up, down = logps.copy(), logps.copy()
        up[index] += step
        down[index] -= step
        gradient[index] = (loss(up) - loss(down)) / (2 * step)
    return gradient
