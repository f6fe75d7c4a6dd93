"""The generator: one number, one level, whoever makes it."""

import random
import subprocess
import sys

import numpy as np
import pytest

from rl_credit.envs.grid import sokoban_generate, sokoban_levels
from rl_credit.envs.grid.sokoban_board import bits, board
from rl_credit.envs.grid.sokoban_levels import BANKS, NO_MOVE


def same(one, other):
    """Whether two sets of levels are equal in every field."""
    return all(
        np.array_equal(field, vars(other)[name]) for name, field in vars(one).items()
    )


@pytest.mark.parametrize("bank", BANKS)
def test_the_shipped_banks_are_what_the_generator_makes(bank):
    side, boxes = int(bank.split("x")[0]), int(bank.split("/")[1])
    shipped = sokoban_levels.load(bank)
    for index in range(3):
        made = sokoban_generate.level(side, boxes, 0, index)
        assert same(made, shipped.take([index]))
    assert not same(sokoban_generate.level(side, boxes, 1, 0), shipped.take([0]))


def test_a_bank_does_not_depend_on_the_number_of_processes():
    one = sokoban_generate.fill(6, 1, 12, seed=0, workers=1)
    assert len(one) == 12
    assert same(one, sokoban_generate.fill(6, 1, 12, seed=0, workers=2))
    assert same(one, sokoban_levels.load("6x6/1").take(range(12)))


def test_rooms_are_connected_and_walled():
    for seed in range(20):
        room = sokoban_generate.carve(9, random.Random(seed))
        carved = board(room)
        start = int(np.flatnonzero(room)[0])
        assert carved.reach(start, carved.floor) == carved.floor
        room[1:-1, 1:-1] = 0
        assert not room.any()


def test_a_reverse_play_leaves_all_targets_empty_and_in_sight():
    draw = random.Random(0)
    room = sokoban_generate.carve(8, draw)
    room.ravel()[draw.sample(np.flatnonzero(room).tolist(), 2)] = 2
    carved = board(room)
    boxes, player = sokoban_generate.furthest(carved, draw)
    assert boxes.bit_count() == 2
    assert not (boxes | bits([player])) & carved.targets


@pytest.mark.parametrize("bank", BANKS)
def test_levels_ask_for_some_moves_for_each_box(bank):
    levels = sokoban_levels.load(bank)
    lengths = (levels.solutions != NO_MOVE).sum(axis=1)
    assert lengths.min() >= 5 * levels.boxes.shape[1]


@pytest.mark.parametrize(
    "side, boxes, count, workers",
    [(4, 1, 1, 1), (6, 0, 1, 1), (6, 1, 0, 1), (6, 1, 1, 0)],
)
def test_impossible_numbers_are_named(side, boxes, count, workers):
    with pytest.raises(ValueError, match=f"side {side}, boxes {boxes}, count {count}"):
        sokoban_generate.fill(side, boxes, count, seed=0, workers=workers)


def test_a_room_too_small_for_its_boxes_is_named():
    with pytest.raises(RuntimeError, match="no level of side 5 with 6 boxes"):
        sokoban_generate.level(5, 6, 0, 0)


def test_the_command_writes_a_bank(tmp_path):
    path = tmp_path / "bank.npz"
    command = "-m rl_credit.envs.grid.sokoban_generate --side 6 --boxes 1 --levels 2"
    result = subprocess.run(
        [sys.executable, *command.split(), "--output", str(path)],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert "2 levels of 6x6/1" in result.stdout
    assert same(sokoban_levels.load(path), sokoban_levels.load("6x6/1").take([0, 1]))
