"""rl_credit.credit.returns as loops in float64, for one trajectory at a time.

The functions take a trajectory without padding and holes; `by_trajectory` removes both.
"""

import numpy as np


def by_trajectory(method, where, *columns):
    """Applies `method` to the played spans of each row; all others get 0."""
    results = np.zeros(where.shape)
    for row, played in enumerate(where):
        results[row, played] = method(*(column[row][played] for column in columns))
    return results


def discounted(rewards, discount):
    """Every return as the sum that defines it."""
    steps = range(len(rewards))
    return [
        sum(discount ** (later - step) * rewards[later] for later in steps[step:])
        for step in steps
    ]


def next_values(values, final):
    """`final`, one number repeated, follows the last."""
    return [*values[1:], *final[:1]]


def bootstrapped(next_values, terminated):
    return np.where(terminated, 0.0, next_values)


def gae(rewards, values, next_values, terminated, truncated, discount, trace):
    """`sum_k (discount * trace)^k delta_(t+k)`, up to the end of t's episode."""
    ahead = discount * bootstrapped(next_values, terminated)
    deltas = rewards + ahead - values
    advantages = []
    for step in range(len(rewards)):
        total = 0.0
        for later in range(step, len(rewards)):
            total += (discount * trace) ** (later - step) * deltas[later]
            if terminated[later] or truncated[later]:
                break
        advantages.append(total)
    return advantages


def steps_return(rewards, next_values, terminated, discount, count):
    """`count` rewards, then the value; less when the trajectory ends before."""
    total = 0.0
    for step in range(min(count, len(rewards))):
        total += discount**step * rewards[step]
        if terminated[step]:
            return total
    return total + discount ** (step + 1) * next_values[step]


def lambda_returns(rewards, next_values, terminated, discount, trace):
    """`(1 - trace) sum_n trace^(n-1) G_n`, what is left of the weight on the last."""
    results = []
    for step in range(len(rewards)):
        rest = rewards[step:], next_values[step:], terminated[step:]
        last = len(rewards) - step
        total = trace ** (last - 1) * steps_return(*rest, discount, last)
        for count in range(1, last):
            weight = (1 - trace) * trace ** (count - 1)
            total += weight * steps_return(*rest, discount, count)
        results.append(total)
    return results
