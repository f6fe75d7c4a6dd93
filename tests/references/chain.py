"""SPO-chain and VinePPO as loops over tokens in float64."""

import itertools

import numpy as np


def uncertain(probs, where, *, threshold=0.9):
    marks = np.zeros(where.shape, bool)
    for i, t in np.argwhere(where):
        marks[i, t] = probs[i, t] < threshold
    return marks


def cutpoints(probs, where, *, threshold=0.9, interval=5):
    """Before each `interval`-th uncertain token, the first included (2505.23564, 4)."""
    boundaries = empty(where)
    for i, marks in enumerate(uncertain(probs, where, threshold=threshold)):
        boundaries[i, np.flatnonzero(marks)[::interval]] = True
    return boundaries


def equal_cutpoints(probs, where, *, threshold=0.9, count=4):
    boundaries = empty(where)
    for i, marks in enumerate(uncertain(probs, where, threshold=threshold)):
        cuts = np.flatnonzero(marks)
        starts = part_starts(len(cuts), count)[1:]
        chosen = [cuts[start] for start in starts if start < len(cuts)]
        boundaries[i, chosen] = True
        boundaries[i, 0] = where[i].any()
    return boundaries


def equal_lengths(where, *, count=4):
    boundaries = empty(where)
    for i in range(len(where)):
        tokens = np.flatnonzero(where[i])
        starts = part_starts(len(tokens), count)
        chosen = [tokens[start] for start in starts if start < len(tokens)]
        boundaries[i, chosen] = True
    return boundaries


def every(where, *, interval):
    boundaries = empty(where)
    for i in range(len(where)):
        boundaries[i, np.flatnonzero(where[i])[::interval]] = True
    return boundaries


def empty(where):
    """No boundary; one position more than there are tokens."""
    return np.zeros((len(where), where.shape[1] + 1), bool)


def part_starts(total, count):
    """Deals `total` items out one by one, then lays the parts end to end."""
    sizes = [0] * count
    for item in range(total):
        sizes[item % count] += 1
    return [sum(sizes[:part]) for part in range(count)]


def segments(boundaries, where):
    """(start, end) of each segment of one response; the last one ends the response."""
    tokens = np.flatnonzero(where)
    if not len(tokens):
        return []
    end = int(tokens[-1]) + 1
    starts = [int(start) for start in np.flatnonzero(boundaries[:end])]
    return list(itertools.pairwise([*starts, end]))


def segment_advantages(values, boundaries, scores, where):
    """V(end) - V(start) (2505.23564, eq. 2); the end of all is worth the score."""
    advantages = np.zeros(where.shape)
    for i in range(len(where)):
        parts = segments(boundaries[i], where[i])
        for start, end in parts:
            reached = scores[i] if end == parts[-1][1] else values[i, end]
            for t in range(start, end):
                advantages[i, t] = where[i, t] * (reached - values[i, start])
    return advantages


def vineppo(rewards, values, where, known=None):
    """r_t + V_(t+1) - V_t (2410.01679, section 4); an unknown V_t is r_t + V_(t+1)."""
    advantages = np.zeros(where.shape)
    for i in range(len(where)):
        ahead = 0.0
        for t in reversed(np.flatnonzero(where[i])):
            reached = rewards[i, t] + ahead
            ahead = values[i, t] if known is None or known[i, t] else reached
            advantages[i, t] = reached - ahead
    return advantages
