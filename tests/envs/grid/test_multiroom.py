"""Every MultiRoom layout that ships can be finished, and is one of the generator's."""

import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.envs.grid import layouts, multiroom_layouts
from rl_credit.envs.grid.multiroom import chart, multiroom
from rl_credit.envs.grid.render import Tile
from tests.envs.grid.rooms_oracle import GROUND, ways

BANKS = multiroom_layouts.BANKS


def grounds(bank, door=Tile.DOOR_CLOSED):
    """The maps of a bank with their doors."""
    arrays = layouts.bank(f"multiroom_{bank}")
    for index, rooms in enumerate(arrays["rooms"]):
        ground = chart(rooms, Tile.LAVA)
        ground[tuple(arrays["doors"][index].T)] = door
        yield ground, {name: places[index] for name, places in arrays.items()}


@pytest.mark.parametrize("bank", BANKS)
def test_every_layout_that_ships_is_solvable(bank):
    count = 0
    for ground, parts in grounds(bank):
        start, goal = tuple(map(int, parts["start"])), tuple(map(int, parts["goal"]))
        reached = ways(ground, start)
        assert goal in reached
        assert all(tuple(map(int, place)) in reached for place in parts["monsters"])
        floor = {tuple(map(int, cell)) for cell in np.argwhere(ground == Tile.FLOOR)}
        assert floor <= set(reached)  # no room is cut off
        count += 1
    assert count == 2000


@pytest.mark.parametrize("bank", BANKS)
def test_without_any_one_door_there_is_no_way(bank):
    """The rooms are a chain: each door is needed."""
    for index, (ground, parts) in enumerate(grounds(bank)):
        if index == 50:
            break
        start, goal = tuple(map(int, parts["start"])), tuple(map(int, parts["goal"]))
        for door in parts["doors"]:
            shut = ground.copy()
            shut[tuple(door)] = Tile.LAVA
            assert goal not in ways(shut, start)


@pytest.mark.parametrize("bank", BANKS)
def test_rooms_have_the_number_and_sizes_of_their_kind(bank):
    rooms, largest = BANKS[bank]
    arrays = layouts.bank(f"multiroom_{bank}")
    sizes = arrays["rooms"][:, :, 2:]
    assert arrays["rooms"].shape[1] == rooms
    assert arrays["doors"].shape[1] == rooms - 1
    assert sizes.min() == 4 and sizes.max() == largest
    assert len(np.unique(arrays["rooms"].reshape(2000, -1), axis=0)) == 2000


@pytest.mark.parametrize("bank", BANKS)
def test_the_command_draws_the_same_layouts(bank):
    arrays = layouts.bank(f"multiroom_{bank}")
    for seed in (0, 7, 1999):
        for name, part in multiroom_layouts.drawn(bank, seed).items():
            np.testing.assert_array_equal(part, arrays[name][seed])


def test_open_doors_are_part_of_the_map_and_others_are_sites():
    closed = multiroom("n4", Tile.WALL, Tile.DOOR_LOCKED)
    opened = multiroom("n4", Tile.WALL, Tile.DOOR_OPEN)
    np.testing.assert_array_equal(
        closed.maps == Tile.DOOR_LOCKED, opened.maps == Tile.DOOR_OPEN
    )
    assert set(np.unique(opened.maps)) - set(GROUND) == {Tile.WALL, Tile.UNSEEN}
    assert opened.draw(jnp.int32(3)).sites.size == 0
    assert closed.draw(jnp.int32(3)).sites.size == 5
