"""Where the arrays of grid agents lie: over which of their axes devices are spread."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Int, Shaped

from rl_credit.runtime import mesh as meshes


@dataclasses.dataclass(frozen=True)
class Placement:
    """All devices of all hosts, along `data`.

    They are spread over the seeds where these divide among them: no device then needs
    another. Else over the environments of every seed: parameters, the optimiser's
    memory and the bonus are whole on every device, and XLA adds what each has found.
    """

    mesh: Mesh
    by_seeds: bool

    @classmethod
    def of(cls, seeds: int, num_envs: int) -> "Placement":
        """Raises ValueError where the devices divide neither."""
        count = jax.device_count()
        if seeds % count and num_envs % count:
            raise ValueError(
                f"seeds={seeds}, play.num_envs={num_envs} and {count} devices: give a "
                f"multiple of {count} seeds, as {_next(seeds, count)}, or of "
                f"environments, as {_next(num_envs, count)}"
            )
        return cls(meshes.made(count, 1), seeds % count == 0)

    @property
    def lanes(self) -> NamedSharding:
        """Of what every seed has, such as its number."""
        return meshes.rows(self.mesh) if self.by_seeds else meshes.whole(self.mesh)

    @property
    def envs(self) -> NamedSharding:
        """Of what every environment of every seed has."""
        if self.by_seeds:
            return self.lanes
        return NamedSharding(self.mesh, PartitionSpec(None, meshes.DATA))

    def placed(self, numbers: np.ndarray) -> Int[Array, " seeds"]:
        """One for each seed, which all hosts have."""
        numbers = numbers.astype(np.int32)
        return jax.make_array_from_callback(
            numbers.shape, self.lanes, lambda at: numbers[at]
        )

    def compiled(self, one: Callable, places: Any, **how: Any) -> Callable:
        """The function of one seed for all of them; its results lie at `places`."""
        lanes = jax.vmap(one)
        if self.by_seeds:  # not left to XLA, in whose loops devices wait for all others
            spec = PartitionSpec(meshes.DATA)
            alone = jax.shard_map(
                lanes, mesh=self.mesh, in_specs=spec, out_specs=spec, check_vma=False
            )
            return jax.jit(alone, **how)

        def together(*arguments):
            with jax.sharding.use_abstract_mesh(self.mesh.abstract_mesh):
                return lanes(*arguments)

        return jax.jit(together, out_shardings=places, **how)


def spread(
    array: Shaped[Array, "rows columns ..."],
) -> Shaped[Array, "rows columns ..."]:
    """Keeps the columns of one seed spread, where devices are not spread over seeds.

    Left to itself, XLA lets every device work on all that is picked from spread arrays.
    Columns that the devices do not divide are left so.
    """
    mesh = jax.sharding.get_abstract_mesh()
    if meshes.DATA not in mesh.auto_axes or array.shape[1] % mesh.shape[meshes.DATA]:
        return array
    return jax.lax.with_sharding_constraint(array, PartitionSpec(None, meshes.DATA))


def whole(array: Shaped[Array, "..."]) -> Shaped[Array, "..."]:
    """Gives every device all of it, where devices are not spread over seeds."""
    if meshes.DATA not in jax.sharding.get_abstract_mesh().auto_axes:
        return array
    return jax.lax.with_sharding_constraint(array, PartitionSpec())


def reshaped(array: Shaped[Array, "..."], *shape: int) -> Shaped[Array, "..."]:
    """The array in another shape, its columns spread as `spread` does.

    By way of the whole: what is one device's part in one shape is not in the other, so
    that each has to send to every other in any case.
    """
    return spread(whole(array).reshape(shape))


def fetched(tree: Any) -> Any:
    """Arrays of all devices as NumPy arrays, the same on every host."""
    if jax.process_count() == 1:
        return jax.device_get(tree)
    return multihost_utils.process_allgather(tree, tiled=True)


def _next(number: int, count: int) -> int:
    return -(-number // count) * count
