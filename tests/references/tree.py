"""SPO-tree as loops over nodes in float64."""

import numpy as np


def children(parents):
    """The children of each node."""
    below = [[] for _ in parents]
    for node, parent in enumerate(parents):
        if 0 <= parent < node:
            below[parent].append(node)
    return below


def depths(parents):
    result = []
    for node, parent in enumerate(parents):
        result.append(result[parent] + 1 if 0 <= parent < node else 0)
    return result


def values(parents, rewards, leaves):
    """Reward of a leaf, else mean of the children; None without a leaf below."""
    below, result = children(parents), [None] * len(parents)
    for node in reversed(range(len(parents))):
        known = [result[child] for child in below[node] if result[child] is not None]
        if leaves[node]:
            result[node] = float(rewards[node])
        elif known:
            result[node] = sum(known) / len(known)
    return result


def advantages(values, parents, *, scale=False, epsilon=1e-8):
    """V(node) - V(parent), over the deviation of the parent's children if scaled."""
    result = np.zeros(len(parents))
    for parent, members in enumerate(children(parents)):
        known = [values[node] for node in members if values[node] is not None]
        spread = np.std(known) + epsilon if known else 1.0
        for node in members:
            if values[node] is not None:
                gained = values[node] - values[parent]
                result[node] = gained / spread if scale else gained
    return result


def matrix(parents, leaves):
    """[nodes nodes]: how much of each reward is in each value."""
    columns = [values(parents, unit, leaves) for unit in np.eye(len(parents))]
    return np.array([[entry or 0.0 for entry in column] for column in columns]).T


def worth(values):
    """As the kernel says it: what was lost is worth 0."""
    return np.array([0.0 if value is None else value for value in values])


def draw(seed, nodes=24, roots=0.1, lost=0.2):
    """Parents, rewards and leaves of several random trees with lost nodes."""
    rng = np.random.default_rng(seed)
    parents = np.array([int(rng.integers(-1, max(node, 0))) for node in range(nodes)])
    parents = np.where(rng.random(nodes) < roots, -1, parents)
    childless = np.array([not below for below in children(parents)])
    leaves = childless & (rng.random(nodes) > lost)
    rewards = rng.normal(0.0, 1.0, nodes)
    return parents.astype(np.int32), rewards.astype(np.float32), leaves
