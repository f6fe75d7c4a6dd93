"""Trees as arrays: `parents[i] < i`; any other parent, such as -1, marks a root."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


def has_parent(parents: Int[Array, " nodes"]) -> Bool[Array, " nodes"]:
    """False for roots and padding."""
    return (parents >= 0) & (parents < jnp.arange(parents.shape[0]))


@jax.jit
def depths(parents: Int[Array, " nodes"]) -> Int[Array, " nodes"]:
    """How many steps each node is below its root."""

    parents = jnp.where(has_parent(parents), parents, -1)

    def climb(state):
        ancestors, depth = state
        above = ancestors >= 0
        higher = jnp.where(above, parents[jnp.maximum(ancestors, 0)], -1)
        return higher, depth + above.astype(jnp.int32)

    start = parents, jnp.zeros(parents.shape, jnp.int32)
    return jax.lax.while_loop(lambda state: jnp.any(state[0] >= 0), climb, start)[1]


def sum_children(
    values: Float[Array, " nodes"], parents: Int[Array, " nodes"]
) -> Float[Array, " nodes"]:
    """The sum of the values of each node's children."""
    kept = jnp.where(has_parent(parents), values, 0.0)
    return jax.ops.segment_sum(kept, jnp.maximum(parents, 0), values.shape[0])


def of_parent(
    values: Float[Array, " nodes"], parents: Int[Array, " nodes"]
) -> Float[Array, " nodes"]:
    """The value of each node's parent, 0 for a root: `sum_children` transposed."""
    return jnp.where(has_parent(parents), values[jnp.maximum(parents, 0)], 0.0)


@jax.jit
def solve_upwards(
    sources: Float[Array, " nodes"],
    weights: Float[Array, " nodes"],
    parents: Int[Array, " nodes"],
    levels: Int[Array, ""],
) -> Float[Array, " nodes"]:
    """Solves `v = sources + weights * sum_children(v)` in `levels` sweeps.

    `levels` is the greatest depth. Differentiable in `sources`: the transposed system
    is solved from the roots to the leaves.
    """

    def upwards(values):
        return weights * sum_children(values, parents)

    def downwards(values):
        return of_parent(weights * values, parents)

    def sweep(operator, right):
        return jax.lax.fori_loop(0, levels, lambda _, v: right + operator(v), right)

    return jax.lax.custom_linear_solve(
        lambda values: values - upwards(values),
        sources,
        solve=lambda _, right: sweep(upwards, right),
        transpose_solve=lambda _, right: sweep(downwards, right),
    )
