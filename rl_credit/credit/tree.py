"""SPO-tree: credit from a tree of responses that share prefixes.

Nodes are flat; `parents[i] < i`, and -1 for a root or padding. Each node but the root
is a segment of text, an edge. Several trees may lie in one array.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rl_credit.ops import segments, trees

ROUNDING = 16 * float(jnp.finfo(jnp.float32).eps)  # of a mean of up to 64, relative


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
    counted = _reached(parents, leaves, levels).astype(jnp.float32)
    counts = trees.sum_children(counted, parents)
    shares = jnp.where(leaves, 0.0, 1.0 / jnp.maximum(counts, 1.0))
    paid = jnp.where(leaves, rewards, 0.0)
    return trees.solve_upwards(paid, shares, parents, levels)


def reached(
    parents: Int[Array, " nodes"], leaves: Bool[Array, " nodes"]
) -> Bool[Array, " nodes"]:
    """The nodes that are a leaf or have one below them; the others were lost."""
    return _reached(parents, leaves, jnp.max(trees.depths(parents), initial=0))


def _reached(
    parents: Int[Array, " nodes"], leaves: Bool[Array, " nodes"], levels: Int[Array, ""]
) -> Bool[Array, " nodes"]:
    paid = leaves.astype(jnp.float32)
    return trees.solve_upwards(paid, jnp.ones_like(paid), parents, levels) > 0


def advantages(
    values: Float[Array, " nodes"],
    parents: Int[Array, " nodes"],
    where: Bool[Array, " nodes"] | None = None,
    *,
    scale: bool = False,
    epsilon: float = 1e-8,
) -> Float[Array, " nodes"]:
    """`V(node) - V(parent)` (section 5); roots and padding get 0.

    The released code calls this "rloo" although the parent's mean includes the node.
    With `scale` ("grpo") it is divided by the deviation, of the population, of the
    parent's children. A difference that is only rounding is exactly 0.

    Args:
      where: the nodes that were `reached`, all if not given; the lost ones get 0.
    """
    below = trees.has_parent(parents)
    below = below if where is None else below & where
    above = trees.of_parent(values, parents)
    gained = jnp.where(below, values - above, 0.0)
    gained = jnp.where(jnp.abs(gained) > ROUNDING * jnp.abs(above), gained, 0.0)
    if not scale:
        return gained
    siblings = jnp.maximum(parents, 0)
    spread = segments.deviation(values, siblings, below, ddof=0)[siblings]
    return segments.divide(gained, spread, epsilon)


def informative(
    advantages: Float[Array, " nodes"], *, tolerance: float = 1e-6
) -> Bool[Array, " nodes"]:
    """The edges worth training on: the advantage is more than rounding (section 5)."""
    return jnp.abs(advantages) > tolerance


def branching(parents: Int[Array, " nodes"]) -> Bool[Array, " nodes"]:
    """The nodes that have a child."""
    return trees.sum_children(jnp.ones(parents.shape, jnp.float32), parents) > 0
