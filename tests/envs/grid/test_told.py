"""What a language agent reads of a grid."""

import jax
import numpy as np
import pytest
from gymnax.environments.classic_control.cartpole import CartPole

from rl_credit.envs.grid import told
from rl_credit.envs.grid.minihack import MiniHack
from rl_credit.envs.grid.render import Tile
from rl_credit.envs.grid.sokoban import BUMPED, LEGEND, Sokoban


@pytest.fixture(scope="module")
def rooms():
    """A room with a key."""
    return MiniHack("KeyRoom-S5")


def begun(env, level=0):
    """The first state of a level."""
    return jax.jit(env.begin)(np.int32(level))


def read(env, state):
    """The text of a state."""
    telling = told.telling(env)
    tiles, facts = telling.seen(state)
    return telling.text(np.asarray(tiles), np.asarray(facts))


def test_sokoban_is_told_in_its_published_symbols():
    env = Sokoban("6x6/1", actions="push")
    state, telling = begun(env), told.telling(env)
    spaced = [" ".join(row) for row in env.text(state).split("\n")]
    assert read(env, state).split("\n") == spaced
    assert telling.legend == tuple("#_O√XPS") == tuple(LEGEND)
    assert len(telling.commands) == env.num_actions == 4
    tiles, facts = telling.seen(state)
    refused = [telling.refusal, *np.asarray(facts)[1:]]
    said = telling.text(np.asarray(tiles), refused)
    assert said.split("\n") == [*spaced, told.REFUSED]
    assert telling.anchor(np.asarray(tiles), refused).split("\n") == spaced
    blocked = telling.text(np.asarray(tiles), [BUMPED])
    assert blocked.split("\n") == [*spaced, told.BLOCKED]


@pytest.mark.parametrize("bank", ["6x6/1", "7x7/2"])
def test_cells_that_are_called_still_are_alike_in_every_level(bank):
    env = Sokoban(bank, actions="push")
    still = told.telling(env).still
    assert len(still) >= env.width + 1
    for level in (0, 1, 500, 999):
        assert tuple(env.tiles(begun(env, level)).reshape(-1)[: len(still)]) == still


def test_rooms_are_told_with_what_is_so_besides_the_map(rooms):
    telling = told.telling(rooms)
    assert telling.commands == rooms.world.rules.actions
    tiles, facts = telling.seen(begun(rooms))
    assert len(facts) == len(telling.phrases) and not np.asarray(facts)[0]
    board = np.asarray(tiles)
    rows = telling.text(board, np.asarray(facts)).split("\n")[: len(board)]
    symbols = [row.split(" ") for row in rows]
    assert np.shape(symbols) == rooms.world.shape == telling.shape
    assert sum(row.count("P") for row in symbols) == 1
    for tile in (Tile.KEY, Tile.STAIRS_DOWN, Tile.DOOR_LOCKED):
        symbol = told.SYMBOLS[tile]
        assert sum(row.count(symbol) for row in symbols) == 1
        assert f"{symbol} {tile.name.lower().replace('_', ' ')}" in telling.objective


def test_every_tile_has_a_symbol_of_its_own():
    assert len(set(told.SYMBOLS.values())) == len(Tile)


def test_a_question_that_waits_is_told_with_what_answers_it():
    env = MiniHack("Freeze-Horn")
    questions = [phrase for phrase in told.telling(env).phrases[-1] if phrase]
    assert "Say a direction." in questions and "Say fire for f." in questions
    assert "Say northwest for y, southeast for n." in questions


@pytest.mark.parametrize(
    "env, message",
    [
        (lambda: Sokoban("6x6/1"), "actions='push_move'.*give actions='push'"),
        (lambda: MiniHack("KeyRoom-S5", view=5), "view=5.*give view=0"),
        (CartPole, "no words for CartPole"),
    ],
)
def test_what_cannot_be_told_is_refused(env, message):
    with pytest.raises(ValueError, match=message):
        told.telling(env())


@pytest.mark.parametrize(
    "wrong, message",
    [
        (dict(legend=("#", "a b")), "symbol 'a b'"),
        (dict(legend=("#", "")), "symbol ''"),
        (dict(commands=("up", "up")), "are the same"),
        (dict(commands=("up", "Left")), "command 'Left'"),
        (dict(commands=("put_on",)), "command 'put_on'"),
    ],
)
def test_words_that_cannot_be_told_apart_are_refused(wrong, message):
    given = dict(
        objective="Go.",
        legend=("#",),
        commands=("up",),
        phrases=(("", "No."),),
        shape=(1, 1),
        still=(),
        seen=lambda state: state,
    )
    told.Telling(**given)
    with pytest.raises(ValueError, match=message):
        told.Telling(**(given | wrong))
