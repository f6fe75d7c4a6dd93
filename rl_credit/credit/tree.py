"""SPO-tree: credit from a tree of responses that share prefixes.

Nodes are flat; `parents[i] < i`, and -1 for a root or padding. Each node but the root
is a segment of text, an edge. Several trees may lie in one array.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rl_credit.ops import segments, trees


def values(
    parents: Int[Array, " nodes"],
    rewards: Float[Array, " nodes"],
    leaves: Bool[Array, " nodes"],
) -> Float[Array, " nodes"]:
    """A leaf is worth its reward, another node the mean of its children.

    SPO (arXiv 2505.23564, section 5). Parents precede children. A node without a leaf
    below it (its rollouts were lost) is worth 0 and left out of its parent's mean.
    """
    levels = jnp.max(trees.depths(parents), initial=0)
    paid = leaves.astype(jnp.float32)
    reached = trees.solve_upwards(paid, jnp.ones_like(paid), parents, levels) > 0
    counts = trees.sum_children(reached.astype(jnp.float32), parents)
    shares = jnp.where(leaves, 0.0, 1.0 / jnp.maximum(counts, 1.0))
    paid = jnp.where(leaves, rewards, 0.0)
    return trees.solve_upwards(paid, shares, parents, levels)


def advantages(
    values: Float[Array, " nodes"],
    parents: Int[Array, " nodes"],
    *,
    scale: bool = False,
    epsilon: float = 1e-8,
) -> Float[Array, " nodes"]:
    """`V(node) - V(parent)` (section 5); roots and padding get 0.

    The released code calls this "rloo" although the parent's mean includes the node.
    With `scale` ("grpo") it is divided by the deviation, of the population, of the
    parent's children.
    """
    below = parents >= 0
    gained = jnp.where(below, values - trees.of_parent(values, parents), 0.0)
    if not scale:
        return gained
    siblings = jnp.maximum(parents, 0)
    spread = segments.deviation(values, siblings, below, ddof=0)[siblings]
    return segments.divide(gained, spread, epsilon)


def informative(
    advantages: Float[Array, " nodes"], *, tolerance: float = 1e-6
) -> Bool[Array, " nodes"]:
    """The edges worth training on: their advantage is more than rounding (section 5)."""
    return jnp.abs(advantages) > tolerance


def branching(parents: Int[Array, " nodes"]) -> Bool[Array, " nodes"]:
    """The nodes that have a child."""
    return trees.sum_children(jnp.ones(parents.shape, jnp.float32), parents) > 0
