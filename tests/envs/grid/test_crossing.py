"""LavaCrossing: the number of rivers, and a way in every level."""

import numpy as np
import pytest

from rl_credit.envs.grid.crossing import LEVELS, chart, crossing
from rl_credit.envs.grid.render import Tile
from tests.envs.grid.rooms_oracle import ways


@pytest.mark.parametrize("rivers", [13, 17])
def test_every_level_is_solvable(rivers):
    family = crossing(19, rivers)
    assert family.maps.shape == (LEVELS, 19, 19)
    for ground in family.maps[:1000]:
        assert (17, 17) in ways(ground, (1, 1))
    np.testing.assert_array_equal(family.maps[77], chart(19, rivers, 77))


@pytest.mark.parametrize("rivers", [1, 5, 13, 16, 17])
def test_the_number_of_rivers(rivers):
    inner = chart(19, rivers, 5)[1:-1, 1:-1] == Tile.LAVA
    lines = [line for axis in (0, 1) for line in np.moveaxis(inner, axis, 0)[1::2]]
    assert sum(line.sum() >= 9 for line in lines) == min(rivers, 16)
    assert not inner[::2, ::2].any()


def test_each_of_sixteen_rivers_has_one_gap_that_is_needed():
    ground = chart(19, 17, 5)
    cells = np.argwhere(ground == Tile.FLOOR)
    gaps = [tuple(cell) for cell in cells if (cell % 2 == 0).any()]
    assert len(gaps) == 16
    for gap in gaps:
        blocked = ground.copy()
        blocked[gap] = Tile.LAVA
        assert (17, 17) not in ways(blocked, (1, 1))


def test_levels_differ():
    maps = crossing(19, 13).maps.reshape(LEVELS, -1)
    assert len(np.unique(maps, axis=0)) > 0.99 * LEVELS


def test_an_even_size_is_refused():
    with pytest.raises(ValueError, match="size is 18"):
        crossing(18, 3)
