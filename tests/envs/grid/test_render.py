"""Pictures: every cell in its place, every tile unlike the others, exact GIFs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from rl_credit.envs.grid import render
from rl_credit.envs.grid.render import Tile

TILES = np.array([[Tile.WALL, Tile.BOX, Tile.LAVA], [5, 6, 2]], np.uint8)


def test_every_tile_has_a_look_and_no_two_are_alike():
    assert set(render.LOOKS) == set(Tile)
    pictures = render.sheet(16)
    assert pictures.shape == (len(Tile), 16, 16, 3)
    assert len({picture.tobytes() for picture in pictures}) == len(Tile)


@pytest.mark.parametrize("pixels", [1, 2, 8])
def test_the_tiles_of_sokoban_differ_at_any_size(pixels):
    pictures = render.sheet(pixels)[:7]
    assert len({picture.tobytes() for picture in pictures}) == 7


@pytest.mark.parametrize("pixels", [1, 5, 16])
def test_a_frame_has_every_tile_in_its_cell(pixels):
    frame = jax.jit(render.frame, static_argnums=1)(jnp.asarray(TILES), pixels)
    assert frame.shape == (2 * pixels, 3 * pixels, 3) and frame.dtype == jnp.uint8
    for (row, column), tile in np.ndenumerate(TILES):
        rows = slice(row * pixels, (row + 1) * pixels)
        columns = slice(column * pixels, (column + 1) * pixels)
        np.testing.assert_array_equal(frame[rows, columns], render.sheet(pixels)[tile])


def test_a_cell_needs_a_pixel():
    with pytest.raises(ValueError, match="pixels is 0"):
        render.sheet(0)


def test_a_gif_shows_the_frames_for_their_time(tmp_path):
    first = np.asarray(render.frame(jnp.asarray(TILES)))
    frames = np.stack([first, first[:, ::-1], first[::-1]])
    render.gif(frames, tmp_path / "episode.gif", seconds_per_frame=0.3)
    with Image.open(tmp_path / "episode.gif") as image:
        assert image.n_frames == 3 and image.info["loop"] == 0
        for index, frame in enumerate(frames):
            image.seek(index)
            assert image.info["duration"] == 300
            np.testing.assert_array_equal(image.convert("RGB"), frame)


@pytest.mark.parametrize(
    "frames", [np.zeros((4, 4, 3), np.uint8), np.zeros((2, 4, 4, 3), np.float32)]
)
def test_other_frames_are_refused_by_their_shape(frames, tmp_path):
    with pytest.raises(ValueError, match=r"needs uint8\[time, height, width, 3\]"):
        render.gif(frames, tmp_path / "episode.gif")


@pytest.mark.parametrize("count, seconds", [(0, 0.2), (1, 0.0)])
def test_a_gif_needs_frames_and_time(count, seconds, tmp_path):
    frames = np.zeros((count, 4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="at least one frame"):
        render.gif(frames, tmp_path / "episode.gif", seconds)
