"""rl_credit.ops as loops in float64, to be read beside it."""

import numpy as np


def mean(values, where):
    kept = [value for value, keep in zip(values, where) if keep]
    return sum(kept) / len(kept) if kept else 0.0


def centre(values, where):
    middle = mean(values, where)
    return [value - middle if keep else 0.0 for value, keep in zip(values, where)]


def variance(values, where, ddof):
    freedom = sum(where) - ddof
    return sum(c * c for c in centre(values, where)) / freedom if freedom > 0 else 0.0


def whiten(values, where, epsilon):
    spread = variance(values, where, 1)
    if spread == 0:
        return [0.0] * len(values)
    return [c / np.sqrt(spread + epsilon) for c in centre(values, where)]


def table(statistic, empty, values, ids, where):
    """`statistic` of the kept values of each id; `empty` for an id without."""
    entries = []
    for number in range(len(values)):
        rows = zip(values, ids, where)
        kept = [value for value, id, keep in rows if keep and id == number]
        entries.append(statistic(kept) if kept else empty)
    return entries


def segment_mean(values, ids, where):
    return table(lambda kept: sum(kept) / len(kept), 0.0, values, ids, where)


def segment_centre(values, ids, where):
    means = segment_mean(values, ids, where)
    rows = zip(values, ids, where)
    return [value - means[id] if keep else 0.0 for value, id, keep in rows]


def segment_deviation(values, ids, where, ddof):
    def deviation(kept):
        middle = sum(kept) / len(kept)
        squares = sum((value - middle) ** 2 for value in kept)
        return np.sqrt(squares / max(len(kept) - ddof, 1))

    return table(deviation, 0.0, values, ids, where)


def dense_ids(keys, where):
    """Kept keys are numbered as they come; dropped rows share the next number."""
    numbers = {}
    for key, keep in zip(keys, where):
        if keep:
            numbers.setdefault(tuple(key), len(numbers))
    rows = zip(keys, where)
    return [numbers[tuple(key)] if keep else len(numbers) for key, keep in rows]


def avalanche(word, first, second):
    word = (word ^ (word >> 16)) * first % 2**32
    word = (word ^ (word >> 15)) * second % 2**32
    return word ^ (word >> 15)


def fingerprint(words):
    """Two lanes over 32-bit words, given as Python integers of any sign."""
    lanes = []
    for multipliers, step, start in (
        ((0x7FEB352D, 0x846CA68B), 0x9E3779B1, 0x243F6A88),
        ((0x85EBCA6B, 0xC2B2AE35), 0xB5297A4D, 0x13198A2E),
    ):
        total = 0
        for position, word in enumerate(words):
            mixed = avalanche(word % 2**32, 0x21F0AAAD, 0xD35A2D97)
            total += avalanche((mixed + position * step + start) % 2**32, *multipliers)
        lanes.append(avalanche(total % 2**32 ^ (len(words) + start), *multipliers))
    return lanes


def moments(values, where):
    """Count, mean and sum of squared differences, column by column."""
    columns = []
    for column in range(values.shape[1]):
        kept = [float(v) for v, keep in zip(values[:, column], where) if keep]
        middle = sum(kept) / len(kept) if kept else 0.0
        columns.append((len(kept), middle, sum((v - middle) ** 2 for v in kept)))
    return np.array(columns).T
