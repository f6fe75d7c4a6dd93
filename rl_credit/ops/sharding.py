"""Where the arrays inside a program lie, where a mesh is in use."""

import jax
from jax.sharding import PartitionSpec
from jaxtyping import Array, Float

ROWS = "data"  # the axis of the mesh that the rows of a batch are spread over


def by_rows(
    array: Float[Array, "batch time width"],
) -> Float[Array, "batch time width"]:
    """Keeps the rows spread and all else whole; the array itself without a mesh.

    Rows that the mesh does not divide, as of the last few episodes, are left to XLA.

    The mesh is that of `jax.set_mesh`. Without this XLA may spread activations as it
    finds a parameter spread, and let every device compute all rows.
    """
    mesh = jax.sharding.get_abstract_mesh()
    if ROWS not in mesh.axis_names or array.shape[0] % mesh.shape[ROWS]:
        return array
    return jax.lax.with_sharding_constraint(array, PartitionSpec(ROWS))
