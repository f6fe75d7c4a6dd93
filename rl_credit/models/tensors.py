"""A decoder's parameters as the tensors of a file, whatever the file's format."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rl_credit.models import decoder
from rl_credit.models.config import DTYPES, DecoderConfig
from rl_credit.ops import names

TRANSPOSED = ("kernel", "head")  # [in out] here, [out in] in files

Path = tuple[str, ...]
Place = Callable[[str, np.ndarray], Any]
Shapes = Mapping[str, tuple[int, ...]]


@dataclasses.dataclass(frozen=True)
class Tensor:
    """One tensor of a file, as a part of one of our parameters."""

    name: str
    path: Path
    layer: int | None  # None: the whole parameter
    shape: tuple[int, ...]  # in the file

    def flip(self, array: np.ndarray) -> np.ndarray:
        """From the file's orientation to ours, and back."""
        return array.T if self.path[-1] in TRANSPOSED else array


def listed(
    config: DecoderConfig, name: Callable[[Path, int | None], str]
) -> Iterator[Tensor]:
    """Every tensor that a file of this config holds, and whose parameter it is.

    Args:
        name: of a tensor, given its parameter's path and its layer, if it has one.
    """
    leaves = jax.tree_util.tree_leaves_with_path(decoder.shapes(config)["params"])
    for keys, leaf in leaves:
        path = tuple(key.key for key in keys)
        layered = path[0] == "layers"
        shape = leaf.shape[1:] if layered else leaf.shape
        if path[-1] in TRANSPOSED:
            shape = shape[::-1]
        for layer in range(config.layers) if layered else (None,):
            yield Tensor(name(path, layer), path, layer, shape)


def assembled(
    wanted: Iterable[Tensor],
    read: Callable[[Tensor], np.ndarray],
    *,
    dtype: str,
    place: Place,
) -> dict[str, Any]:
    """Parameters of what `read` gives; one (of all layers) at a time is on the host.

    Raises ValueError for a dtype nobody knows, before anything is read.
    """
    if dtype not in DTYPES:
        raise ValueError(names.unknown("dtype", dtype, DTYPES))
    parts: dict[Path, list[Tensor]] = {}
    for tensor in wanted:
        parts.setdefault(tensor.path, []).append(tensor)
    params: dict[str, Any] = {}
    for path, pieces in parts.items():
        branch = params
        for step in path[:-1]:
            branch = branch.setdefault(step, {})
        array = _gathered(pieces, read, jnp.dtype(dtype))
        branch[path[-1]] = place("/".join(("params", *path)), array)
    return {"params": params}


def misfits(wanted: Shapes, found: Shapes) -> list[str]:
    """Every tensor that is missing, not expected or of another shape, in words."""
    wrong = [f"{name} is missing" for name in wanted.keys() - found.keys()]
    wrong += [f"{name} is not expected" for name in found.keys() - wanted.keys()]
    for name in wanted.keys() & found.keys():
        if found[name] != wanted[name]:
            wrong.append(f"{name} has shape {found[name]}, not {wanted[name]}")
    return wrong


def refuse(what: str, wrong: list[str]) -> None:
    """Raises ValueError with the first of what is wrong, if anything is."""
    if wrong:
        more = f"; and {len(wrong) - 4} more" if len(wrong) > 4 else ""
        raise ValueError(f"{what}: " + "; ".join(sorted(wrong)[:4]) + more)


def _gathered(
    pieces: list[Tensor], read: Callable[[Tensor], np.ndarray], dtype: np.dtype
) -> np.ndarray:
    """One parameter from its tensors, each read alone."""
    first = pieces[0]
    shape = first.flip(np.empty(first.shape, bool)).shape
    if first.layer is not None:
        shape = (len(pieces), *shape)
    array = np.empty(shape, dtype)
    for piece in pieces:
        array[... if piece.layer is None else piece.layer] = piece.flip(read(piece))
    return array
