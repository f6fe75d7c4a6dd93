"""Pictures of grids: one tile for every kind of cell, and GIFs of episodes."""

import enum
import functools
import os

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt8

PIXELS = 16  # of a cell's side, where nothing else is asked for


class Tile(enum.IntEnum):
    """What a cell shows. Every grid maps its own codes to these.

    The first seven are the codes of Sokoban, in the order of its text legend.
    """

    WALL = 0
    FLOOR = 1
    TARGET = 2
    BOX_ON_TARGET = 3
    BOX = 4
    PLAYER = 5
    PLAYER_ON_TARGET = 6
    UNSEEN = 7
    LAVA = 8
    WATER = 9
    ICE = 10
    DOOR_CLOSED = 11
    DOOR_OPEN = 12
    DOOR_LOCKED = 13
    DOOR_BROKEN = 14
    KEY = 15
    STAIRS_DOWN = 16
    STAIRS_UP = 17
    BOULDER = 18
    POTION = 19
    RING = 20
    BOOTS = 21
    WAND = 22
    HORN = 23
    MONSTER = 24
    MINOTAUR = 25
    CORRIDOR = 26


FLOOR, DOOR, FRAME = (232, 224, 208), (196, 160, 110), (120, 84, 48)

# Colour of the ground, the shape on it, colour of the shape.
LOOKS = {
    Tile.WALL: ((92, 92, 100), "bricks", (66, 66, 74)),
    Tile.FLOOR: (FLOOR, "nothing", FLOOR),
    Tile.TARGET: (FLOOR, "diamond", (214, 60, 60)),
    Tile.BOX_ON_TARGET: ((214, 60, 60), "square", (120, 170, 70)),
    Tile.BOX: (FLOOR, "square", (196, 132, 56)),
    Tile.PLAYER: (FLOOR, "disc", (48, 92, 180)),
    Tile.PLAYER_ON_TARGET: ((214, 60, 60), "disc", (40, 70, 140)),
    Tile.UNSEEN: ((16, 16, 20), "nothing", (16, 16, 20)),
    Tile.LAVA: ((224, 88, 24), "waves", (250, 190, 60)),
    Tile.WATER: ((52, 110, 200), "waves", (140, 190, 240)),
    Tile.ICE: ((200, 232, 245), "waves", (240, 250, 255)),
    Tile.DOOR_CLOSED: (DOOR, "frame", FRAME),
    Tile.DOOR_OPEN: (FLOOR, "frame", FRAME),
    Tile.DOOR_LOCKED: (DOOR, "lock", FRAME),
    Tile.DOOR_BROKEN: (FLOOR, "corners", FRAME),
    Tile.KEY: (FLOOR, "stick", (212, 170, 20)),
    Tile.STAIRS_DOWN: (FLOOR, "wedge_down", (40, 150, 70)),
    Tile.STAIRS_UP: (FLOOR, "wedge_up", (130, 130, 130)),
    Tile.BOULDER: (FLOOR, "disc", (128, 120, 112)),
    Tile.POTION: (FLOOR, "disc", (170, 70, 190)),
    Tile.RING: (FLOOR, "ring", (212, 170, 20)),
    Tile.BOOTS: (FLOOR, "wedge_up", (120, 72, 30)),
    Tile.WAND: (FLOOR, "stick", (110, 60, 160)),
    Tile.HORN: (FLOOR, "wedge_down", (220, 200, 150)),
    Tile.MONSTER: (FLOOR, "diamond", (90, 40, 110)),
    Tile.MINOTAUR: (FLOOR, "square", (110, 30, 30)),
    Tile.CORRIDOR: ((176, 168, 152), "nothing", (176, 168, 152)),
}


def frame(
    tiles: UInt8[Array, "height width"], pixels: int = PIXELS
) -> UInt8[Array, "rows columns 3"]:
    """The RGB picture of a grid of `Tile` codes, `pixels` a side of a cell.

    Shape uint8[height * pixels, width * pixels, 3]; traceable, `pixels` is static.
    """
    height, width = tiles.shape
    cells = jnp.asarray(sheet(pixels))[tiles]
    return cells.swapaxes(1, 2).reshape(height * pixels, width * pixels, 3)


@functools.cache
def sheet(pixels: int) -> np.ndarray:
    """The pictures of all tiles: uint8[kinds, pixels, pixels, 3].

    Raises ValueError where a cell would have less than one pixel.
    """
    if pixels < 1:
        raise ValueError(f"pixels is {pixels}; a cell needs at least one")
    shapes = _shapes(pixels)
    drawn = [
        np.where(shapes[shape][..., None], colour, ground).astype(np.uint8)
        for ground, shape, colour in (LOOKS[tile] for tile in Tile)
    ]
    return np.stack(drawn)


def gif(
    frames: np.ndarray, path: str | os.PathLike, seconds_per_frame: float = 0.2
) -> None:
    """Writes an episode, uint8[time, height, width, 3], as a GIF that repeats.

    Raises ValueError for frames of another shape or type, or of no time.
    """
    from PIL import Image

    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8:
        raise ValueError(
            f"frames are {frames.dtype}{list(frames.shape)}; a GIF needs "
            "uint8[time, height, width, 3]"
        )
    if not len(frames) or seconds_per_frame <= 0:
        raise ValueError(
            f"{len(frames)} frames of {seconds_per_frame} seconds; a GIF needs at "
            "least one frame, and a positive time"
        )
    images = [Image.fromarray(picture).quantize(256) for picture in frames]
    images[0].save(
        path,
        format="GIF",
        save_all=True,
        append_images=images[1:],
        duration=round(1000 * seconds_per_frame),
        loop=0,
    )


def _shapes(pixels: int) -> dict[str, np.ndarray]:
    """Masks bool[pixels, pixels]; the middle of a cell is (0, 0), its sides at 1."""
    at = (np.arange(pixels) * 2 + 1) / pixels - 1
    y, x = np.meshgrid(at, at, indexing="ij")
    far, near = np.maximum(abs(x), abs(y)), np.minimum(abs(x), abs(y))
    radius = np.hypot(x, y)
    return {
        "nothing": far > 2,
        "square": far < 0.75,
        "frame": far > 0.6,
        "corners": near > 0.6,
        "disc": radius < 0.75,
        "ring": (radius < 0.75) & (radius > 0.35),
        "diamond": abs(x) + abs(y) <= 1,
        "stick": (abs(x - y) < 0.25) & (far < 0.75),
        "lock": (far > 0.6) | (radius < 0.3),
        "wedge_down": (y < 0.7) & (abs(x) < (y + 0.8) / 2),
        "wedge_up": (y > -0.7) & (abs(x) < (0.8 - y) / 2),
        "waves": np.sin(3 * np.pi * y + 2 * np.sin(np.pi * x)) > 0.5,
        "bricks": (abs(y) < 0.1) | ((y < 0) & (abs(x) < 0.1)) | (abs(y) > 0.9),
    }
