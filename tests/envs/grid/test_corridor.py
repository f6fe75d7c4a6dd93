"""Every Corridor layout that ships can be finished once what is hidden is found."""

import numpy as np
import pytest

from rl_credit.envs.grid import corridor_layouts, layouts
from rl_credit.envs.grid.render import Tile
from tests.envs.grid.rooms_oracle import ways

ROOMS = corridor_layouts.ROOMS
FOUND = {int(Tile.WALL): Tile.DOOR_CLOSED, int(Tile.UNSEEN): Tile.CORRIDOR}


def ground_of(arrays, index, found):
    """The map, with hidden things found or not; padding is left out."""
    ground = arrays["chart"][index].copy()
    for site, cover in zip(arrays["sites"][index], arrays["covers"][index]):
        if site:
            tile = FOUND.get(int(cover), cover) if found else cover
            ground.reshape(-1)[site] = tile
    return ground


def place(cell):
    return divmod(int(cell), corridor_layouts.WIDTH)


@pytest.mark.slow
@pytest.mark.parametrize("rooms", ROOMS)
def test_every_layout_that_ships_is_solvable(rooms):
    arrays = layouts.bank(f"corridor_r{rooms}")
    assert len(arrays["chart"]) == 1000
    searched = 0
    for index in range(1000):
        start, goal = place(arrays["start"][index]), place(arrays["goal"][index])
        ground = ground_of(arrays, index, found=True)
        assert ground[start] == ground[goal] == Tile.FLOOR
        reached = ways(ground, start)
        assert goal in reached
        floor = {tuple(map(int, cell)) for cell in np.argwhere(ground == Tile.FLOOR)}
        assert floor <= set(reached)
        searched += goal not in ways(ground_of(arrays, index, found=False), start)
    assert 0 < searched < 500  # some, not most, levels need a search


@pytest.mark.parametrize("rooms", ROOMS)
def test_the_command_draws_the_same_layouts(rooms):
    arrays = layouts.bank(f"corridor_r{rooms}")
    for seed in (0, 999):
        for name, part in corridor_layouts.drawn(rooms, seed).items():
            np.testing.assert_array_equal(part, arrays[name][seed])


def test_more_rooms_have_more_ways_and_dead_ends():
    cells = [
        (layouts.bank(f"corridor_r{rooms}")["chart"] == Tile.CORRIDOR).sum()
        for rooms in ROOMS
    ]
    assert cells[0] < cells[1] < cells[2]


def test_nothing_touches_the_border():
    """A step from any cell stays in the map, and padding is out of a search's reach."""
    for rooms in ROOMS:
        charts = layouts.bank(f"corridor_r{rooms}")["chart"]
        inner = charts[:, 1:-1, 1:-1]
        assert (charts != Tile.UNSEEN).sum() == (inner != Tile.UNSEEN).sum()
        assert (charts[:, 1, 1] == Tile.UNSEEN).all()
