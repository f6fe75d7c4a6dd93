"""Banks of levels: every shipped level is solvable, and a bad one is named."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.envs.grid import sokoban_levels
from rl_credit.envs.grid.sokoban import Sokoban
from rl_credit.envs.grid.sokoban_levels import BANKS, NO_MOVE, Levels

ROWS = ["#####", "#@$.#", "#####"]
OTHER = ["#####", "#.$@#", "#####"]


def changed(**fields):
    """A level with some of its arrays replaced."""
    level = sokoban_levels.parse([ROWS])
    arrays = {name: np.array(value) for name, value in vars(level).items()}
    arrays["solutions"] = None
    return Levels(**(arrays | fields))


@pytest.mark.parametrize("bank", BANKS)
def test_every_shipped_solution_solves_its_level(bank):
    levels = sokoban_levels.load(bank)
    assert len(levels) == 1000 and levels.name == bank
    env = Sokoban(bank, actions="push")
    lengths = (levels.solutions != NO_MOVE).sum(axis=1)
    assert lengths.max() <= 100 < env.default_params.max_steps_in_episode

    @jax.jit
    def replay(first, moves):
        def advance(state, action):
            step = jax.vmap(env.step_env, (None, 0, 0, None))
            _, after, _, ended, _ = step(jax.random.key(0), state, action, None)
            return after, ended

        return jax.lax.scan(advance, first, moves)[1]

    _, any_state = env.reset_env(jax.random.key(0), None)
    first = jax.vmap(
        lambda level, player, boxes: type(any_state)(
            **vars(any_state) | dict(level=level, player=player, boxes=boxes)
        )
    )(
        jnp.arange(len(levels), dtype=jnp.int32),
        jnp.asarray(levels.players, jnp.int32),
        jnp.asarray(levels.boxes, jnp.int32),
    )
    moves = jnp.asarray(np.where(levels.solutions == NO_MOVE, 0, levels.solutions))
    ended = np.asarray(replay(first, moves.T.astype(jnp.int32)))
    assert ended[lengths - 1, np.arange(len(levels))].all()  # by its last move
    assert ended.argmax(axis=0).tolist() == (lengths - 1).tolist()  # and not before


@pytest.mark.parametrize("bank", BANKS)
def test_shipped_levels_differ_and_begin_with_every_target_empty(bank):
    levels = sokoban_levels.load(bank)
    looks = {(r.tobytes(), b.tobytes()) for r, b in zip(levels.rooms, levels.boxes)}
    assert len(looks) == len(levels)
    cells = levels.rooms.reshape(len(levels), -1)
    assert not (np.take_along_axis(cells, levels.boxes, axis=1) == 2).any()


def test_levels_are_read_as_drawn():
    levels = sokoban_levels.parse([ROWS, OTHER])
    assert levels.rooms[0].tolist() == [[0] * 5, [0, 1, 1, 2, 0], [0] * 5]
    assert levels.boxes.tolist() == [[7], [7]] and levels.players.tolist() == [6, 8]
    covered = sokoban_levels.parse([["######", "#+$* #", "######"]])
    assert covered.rooms[0, 1].tolist() == [0, 2, 1, 2, 1, 0]
    assert covered.boxes.tolist() == [[8, 9]] and covered.players.tolist() == [7]


@pytest.mark.parametrize(
    "drawings, message",
    [
        ([["#####", "#@x.#", "#####"]], "level 0: rows must be"),
        ([ROWS, ["#####", "#@$.", "#####"]], "level 1: rows must be"),
        ([ROWS, [*ROWS, "#####"]], "more than one size"),
        ([ROWS, ["#####", "#$@$#", "#####"]], "more than one number of boxes"),
        ([["#####", "# $.#", "#####"]], "level without a player"),
        ([], "or none at all"),
    ],
)
def test_a_bad_drawing_is_named(drawings, message):
    with pytest.raises(ValueError, match=message):
        sokoban_levels.parse(drawings)


@pytest.mark.parametrize(
    "fields, message",
    [
        (dict(players=np.array([[6]])), "the shapes are"),
        (dict(players=np.array([6, 6])), "the shapes are"),
        (dict(boxes=np.zeros((1, 0), int)), "one box in it, at least"),
        (dict(players=np.array([15])), "level 0: a box or the player outside"),
        (dict(players=np.array([5])), "level 0: a box or the player inside a wall"),
        (dict(players=np.array([7])), "level 0: a box or the player on the cell"),
        (dict(boxes=np.array([[8]])), "level 0: solved before the first move"),
        (dict(rooms=np.full((1, 3, 5), 3)), "level 0: a code that is none of"),
        (dict(rooms=np.full((1, 3, 5), 1)), "level 0: its border is not all wall"),
    ],
)
def test_what_is_no_level_is_named(fields, message):
    with pytest.raises(ValueError, match=message):
        changed(**fields)


def test_targets_must_be_as_many_as_boxes():
    with pytest.raises(ValueError, match="level 1: not 1 targets"):
        sokoban_levels.parse([ROWS, ["#####", "#+$.#", "#####"]])


def test_saved_levels_are_loaded_again(tmp_path):
    levels = sokoban_levels.load("6x6/1").take([3, 1])
    levels.save(tmp_path / "two.npz")
    loaded = sokoban_levels.load(tmp_path / "two.npz")
    for name, field in vars(levels).items():
        np.testing.assert_array_equal(vars(loaded)[name], field)
    sokoban_levels.parse([ROWS]).save(tmp_path / "drawn.npz")
    assert sokoban_levels.load(str(tmp_path / "drawn.npz")).solutions is None
    assert sokoban_levels.load(loaded) is loaded


def test_levels_that_are_nowhere_are_named():
    with pytest.raises(ValueError) as raised:
        sokoban_levels.load("10x10/5")
    assert "unknown bank of levels '10x10/5'; did you mean '10x10/4'?" in str(
        raised.value
    )
