"""KeyRoom: where the small room, its door, key, start and staircase can be."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.envs.grid.keyroom import keyroom
from rl_credit.envs.grid.render import Tile
from tests.envs.grid.rooms_oracle import ground_of, ways

SIZES = [(5, 2), (10, 3), (15, 5)]


@pytest.mark.parametrize("room, subroom", SIZES)
def test_the_lock_is_the_only_way(room, subroom):
    family = keyroom(room, subroom)
    drawn = jax.jit(jax.vmap(family.draw))(jnp.arange(200, dtype=jnp.int32))
    across = room + 2
    for index in range(200):
        one = jax.tree.map(lambda leaf: np.asarray(leaf[index]), drawn)
        ground = ground_of(one, family.maps)
        places = (one.start, one.goal, one.item)
        start, goal, key = (divmod(int(cell), across) for cell in places)
        assert start != key
        shut = ways(ground, start, {Tile.FLOOR})
        assert key in shut and goal not in shut
        assert goal in ways(ground, start)
    assert len(np.unique(np.asarray(drawn.item))) > min(room * room // 2, 100)


def test_of_a_room_of_five_the_small_room_is_in_the_corner():
    family = keyroom(5, 2)
    assert len(family.maps) == 1
    drawn = jax.jit(jax.vmap(family.draw))(jnp.arange(400, dtype=jnp.int32))
    right, below = {1 * 7 + 3, 2 * 7 + 3}, {3 * 7 + 1, 3 * 7 + 2}
    doors, counts = np.unique(np.asarray(drawn.sites), return_counts=True)
    assert set(doors.tolist()) == right | below
    assert counts.min() > 70  # 100 expected, deviation 9


def test_a_small_room_that_fills_the_large_one_is_refused():
    with pytest.raises(ValueError, match="subroom of 4"):
        keyroom(5, 4)
