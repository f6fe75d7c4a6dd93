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
Index = tuple[slice, ...]  # contiguous
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
        return array.T if self._turned else array

    def part(self, index: Index) -> Index:
        """Where in the file a part of our orientation lies."""
        return index[::-1] if self._turned else index

    @property
    def _turned(self) -> bool:
        return self.path[-1] in TRANSPOSED


Read = Callable[[Tensor, Index], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Stored:
    """One parameter, of all layers, that is still in its file.

    `stored[index]`, a slice for every axis, reads that part alone; `np.asarray(stored)`
    all of it.
    """

    pieces: tuple[Tensor, ...]  # one, or one for each layer
    read: Read
    dtype: np.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the parameter."""
        first = self.pieces[0]
        shape = first.part(tuple(map(slice, first.shape)))
        layers = () if first.layer is None else (len(self.pieces),)
        return (*layers, *(part.stop for part in shape))

    def __getitem__(self, index: Index) -> np.ndarray:
        sizes = [len(range(*s.indices(n))) for s, n in zip(index, self.shape)]
        array = np.empty(sizes, self.dtype)
        if self.pieces[0].layer is None:
            array[...] = self._part(self.pieces[0], index)
            return array
        for place, piece in enumerate(self.pieces[index[0]]):
            array[place] = self._part(piece, index[1:])
        return array

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        array = self[(slice(None),) * len(self.shape)]
        return array if dtype is None else array.astype(dtype)

    def _part(self, piece: Tensor, index: Index) -> np.ndarray:
        return piece.flip(self.read(piece, piece.part(index)))


Place = Callable[[str, Stored], Any]


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


def whole(path: str, stored: Stored) -> jax.Array:
    """All of a parameter, on the default device."""
    return jnp.asarray(np.asarray(stored))


def assembled(
    wanted: Iterable[Tensor], read: Read, *, dtype: str, place: Place
) -> dict[str, Any]:
    """Parameters of what `read` gives; `place` asks for one (of all layers) at a time.

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
        stored = Stored(tuple(pieces), read, jnp.dtype(dtype))
        branch[path[-1]] = place("/".join(("params", *path)), stored)
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
