"""Where the arrays of a run lie on its mesh, by tables of patterns of their names.

A table is a sequence of rules (pattern, spec). The first whose pattern is found, as a
regular expression, in the path of an array, as in "memory/1/0/mu/params/norm/scale",
says which axes of the mesh its dimensions are spread over. What an optimiser remembers
and copies of parameters lie as the parameters do, since their paths end in the same
words. An array that no rule names is held whole by every device.
"""

import dataclasses
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax
import numpy as np
from jax.sharding import AbstractMesh, Mesh, NamedSharding, PartitionSpec

from rl_credit.runtime import mesh as meshes

Tree = TypeVar("Tree")
Rules = Sequence[tuple[str, PartitionSpec]]
AnyMesh = Mesh | AbstractMesh  # the second has no devices: for plans


@dataclasses.dataclass(frozen=True)
class Uneven:
    """A dimension that its rule would spread, and that the mesh does not divide."""

    path: str
    shape: tuple[int, ...]
    dimension: int
    axes: tuple[str, ...]
    devices: int  # along those axes

    def __str__(self):
        axes = " and ".join(self.axes)
        return (
            f"{self.path} {list(self.shape)}: dimension {self.dimension} is no "
            f"multiple of the {self.devices} devices along {axes}"
        )


def shardings(tree: Any, rules: Rules, mesh: AnyMesh, *, strict: bool = False) -> Any:
    """A tree of NamedSharding for arrays, ShapeDtypeStructs or anything with a shape.

    A dimension that the mesh does not divide is left whole; see `uneven`.

    Raises ValueError where a rule has more dimensions than an array it names, and with
    `strict` where anything is uneven, naming all of it.
    """
    if strict and (found := uneven(tree, rules, mesh)):
        raise ValueError(
            "the mesh does not divide what it should spread: "
            + "; ".join(map(str, found))
            + ": take another mesh, or leave these whole"
        )

    def place(path, leaf):
        spec, _ = _fitted(_name(path), np.shape(leaf), rules, mesh)
        return NamedSharding(mesh, spec)

    return jax.tree_util.tree_map_with_path(place, tree)


def uneven(tree: Any, rules: Rules, mesh: AnyMesh) -> list[Uneven]:
    """What stays whole although its rule would spread it, for a report."""
    found: list[Uneven] = []
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        found += _fitted(_name(path), np.shape(leaf), rules, mesh)[1]
    return found


def initialised(
    init: Callable[..., Tree], rules: Rules, mesh: Mesh, *arguments: Any
) -> Tree:
    """What `init(*arguments)` returns, made where it lies: no device holds the whole.

    The numbers are those that one device would draw.
    """
    placed = shardings(jax.eval_shape(init, *arguments), rules, mesh)
    return jax.jit(init, out_shardings=placed)(*arguments)


def placer(rules: Rules, mesh: Mesh) -> Callable[[str, Any], jax.Array]:
    """`place(path, array)`, which puts an array, such as a parameter of a file, there.

    Of the array it asks only shape, dtype and the slices that this host's devices hold:
    those that `models.weights.load` hands out are read from the file slice by slice.
    """

    def place(path: str, array: Any) -> jax.Array:
        shape = tuple(array.shape)
        sharding = NamedSharding(mesh, _fitted(path, shape, rules, mesh)[0])
        return jax.make_array_from_callback(shape, sharding, lambda at: array[at])

    return place


def batch(tree: Tree, mesh: Mesh) -> Tree:
    """Rows that each host brings for itself, as one batch, spread over `data`.

    Every array has as many rows as the others, and on every host equally many. The
    batch has those of process 0 first.

    Raises ValueError where the rows do not divide among the devices of this host.
    """
    sharding = meshes.rows(mesh)
    blocks = mesh.local_mesh.shape[meshes.DATA]

    def join(path, leaf):
        local = np.asarray(leaf)
        if not local.ndim or len(local) % blocks:
            rows = f"{len(local)} rows" if local.ndim else "no rows"
            raise ValueError(
                f"{_name(path)} has {rows} on this host, whose devices take {blocks} "
                "equal parts: pad it to a multiple"
            )
        return jax.make_array_from_process_local_data(sharding, local)

    return jax.tree_util.tree_map_with_path(join, tree)


def bytes_per_device(tree: Any, placed: Any) -> int:
    """Of arrays, or what has shape and dtype, that lie as the shardings say; at most.

    Keys count as the words they are made of.
    """

    def held(leaf, sharding) -> int:
        shape = sharding.shard_shape(tuple(leaf.shape))
        return math.prod(shape) * leaf.dtype.itemsize

    return sum(map(held, jax.tree.leaves(tree), jax.tree.leaves(placed)))


def _name(path: Sequence[Any]) -> str:
    return jax.tree_util.keystr(tuple(path), simple=True, separator="/")


def _fitted(
    path: str, shape: tuple[int, ...], rules: Rules, mesh: AnyMesh
) -> tuple[PartitionSpec, list[Uneven]]:
    """The spec of one array, and what the mesh does not divide."""
    spec = next((spec for sought, spec in rules if re.search(sought, path)), ())
    if len(spec) > len(shape):
        raise ValueError(
            f"the rule for {path} has {len(spec)} dimensions, {spec}, and the array "
            f"{len(shape)}, {list(shape)}"
        )
    fitted: list[Any] = []
    found = []
    for dimension, (size, given) in enumerate(zip(shape, spec)):
        axes = (given,) if isinstance(given, str) else tuple(given or ())
        axes = tuple(axis for axis in axes if mesh.shape[axis] > 1)
        devices = math.prod(mesh.shape[axis] for axis in axes)
        if size % devices:
            found.append(Uneven(path, shape, dimension, axes, devices))
            axes = ()
        fitted.append(axes[0] if len(axes) == 1 else axes or None)
    while fitted and fitted[-1] is None:  # the form that programs return, so that
        del fitted[-1]  # the second step is not compiled anew
    return PartitionSpec(*fitted), found
