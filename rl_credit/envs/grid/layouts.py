"""What families of levels share: drawn maps, draws without repeats, banks."""

import functools
import importlib.resources

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32, UInt32

from rl_credit.envs.grid.render import Tile
from rl_credit.envs.grid.rooms_state import pick

LEGEND = {
    "#": Tile.WALL,
    ".": Tile.FLOOR,
    " ": Tile.UNSEEN,
    "L": Tile.LAVA,
    "W": Tile.WATER,
}


def drawn(rows: str) -> np.ndarray:
    """A map, uint8[height, width], from a drawing: walls #, floor, lava L, water W."""
    lines = rows.strip("\n").split("\n")
    width = max(map(len, lines))
    codes = [[LEGEND[mark] for mark in line.ljust(width)] for line in lines]
    return np.array(codes, np.uint8)


def room(height: int, width: int, border: Tile) -> np.ndarray:
    """A map, uint8[height + 2, width + 2], of floor within a border."""
    return np.pad(
        np.full((height, width), np.uint8(Tile.FLOOR)),
        1,
        constant_values=np.uint8(border),
    )


def cells(top: int, left: int, height: int, width: int, across: int) -> np.ndarray:
    """The cells int32[height * width] of a rectangle in a map `across` cells wide."""
    rows, columns = np.mgrid[top : top + height, left : left + width]
    return (rows * across + columns).reshape(-1).astype(np.int32)


def one_of(choices: np.ndarray, bits: UInt32[Array, ""]) -> Int32[Array, ""]:
    """One of these cells, each as likely."""
    return jnp.asarray(choices, jnp.int32)[pick(bits, len(choices))]


def distinct(
    bits: UInt32[Array, " picks"], counts: tuple[int, ...]
) -> list[Int32[Array, ""]]:
    """Numbers that differ: number i is even over those below counts[i] not yet drawn.

    The counts must not fall, so that all earlier numbers are among the later's.
    """
    numbers: list[Int32[Array, ""]] = []
    ordered: list[Int32[Array, ""]] = []
    for index, count in enumerate(counts):
        number = pick(bits[index], count - index)
        for earlier in ordered:
            number = number + (number >= earlier)
        numbers.append(number)
        for place, earlier in enumerate(ordered):  # jnp.sort is slow on a CPU
            ordered[place] = jnp.minimum(earlier, number)
            number = jnp.maximum(earlier, number)
        ordered.append(number)
    return numbers


@functools.cache
def bank(name: str) -> dict[str, np.ndarray]:
    """The arrays of a bank of layouts that ships with the package."""
    folder = importlib.resources.files("rl_credit.envs.grid") / "banks"
    with (folder / f"{name}.npz").open("rb") as file, np.load(file) as arrays:
        return dict(arrays)
