"""All devices of a run, of all its hosts, as one mesh of two axes.

Over `data` the rows of a batch are spread, and parameters where they are fully sharded;
over `model` the matrices of tensor parallelism.
"""

import re

import jax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

DATA, MODEL = AXES = "data", "model"
SHAPE = re.compile(r"(\d+)x(\d+)")


def sizes(shape: str) -> tuple[int, int]:
    """What "4x2" says: 4 along `data`, 2 along `model`. ValueError for other words."""
    match = SHAPE.fullmatch(shape)
    if match is None or "0" in (found := match.groups()):
        raise ValueError(
            f"a mesh of shape {shape!r}: give DATAxMODEL, both at least 1, as in 4x2"
        )
    return int(found[0]), int(found[1])


def made(data: int, model: int) -> Mesh:
    """The mesh [data model] of all devices of all hosts.

    The devices of one host share the rows it brings, so that `model` divides a host's.
    Raises ValueError, naming sizes that would do, for others.
    """
    count, local = jax.device_count(), jax.local_device_count()
    fitting = [n for n in range(1, local + 1) if local % n == 0]
    if model not in fitting or data * model != count:
        could = ", ".join(f"{count // n}x{n}" for n in fitting)
        raise ValueError(
            f"a mesh of {data}x{model} does not fit {count} devices, {local} on each "
            f"host: these do: {could}"
        )
    return jax.make_mesh((data, model), AXES, axis_types=(AxisType.Auto,) * 2)


def rows(mesh: Mesh) -> NamedSharding:
    """The sharding of a batch: axis 0 over `data`, the rest whole."""
    return NamedSharding(mesh, PartitionSpec(DATA))


def whole(mesh: Mesh) -> NamedSharding:
    """The sharding of what every device holds."""
    return NamedSharding(mesh, PartitionSpec())
