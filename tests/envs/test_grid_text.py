"""Grids as text environments, where the shared contract says nothing."""

import numpy as np
import pytest

from rl_credit.envs.grid import sokoban_levels
from rl_credit.envs.make import make
from rl_credit.envs.text.turn import TextEnv


def test_tasks_are_different_levels_that_the_seed_draws():
    one, same, other = (make("sokoban", seed=s, tasks=50) for s in (1, 1, 2))
    assert isinstance(one, TextEnv)
    assert len(set(one.levels.tolist())) == 50
    np.testing.assert_array_equal(one.levels, same.levels)
    assert one.levels.tolist() != other.levels.tolist()


def test_commands_may_be_loud_and_spaced():
    env = make("sokoban", seed=1)
    first = env.walkthrough(0)[0]
    env.reset(0)
    quiet = env.step(first)
    env.reset(0)
    assert env.step(f"  {first.upper()}\n") == quiet
    assert quiet.observation == quiet.anchor  # nothing was said


def test_a_blocked_step_is_told_and_paid_as_in_the_grid():
    env = make("sokoban", seed=1, tasks=1)
    first = env.reset(0)
    for command in first.admissible:
        env.reset(0)
        turn = env.step(command)
        if turn.anchor == first.anchor:
            assert turn.observation.endswith("\nBlocked.")
            assert turn.reward == pytest.approx(-0.1)
            return
    raise AssertionError("no way is blocked; take another level")


def test_levels_without_solutions_are_searched(tmp_path):
    levels = sokoban_levels.load("6x6/1").take([4, 5])
    bare = sokoban_levels.Levels(levels.rooms, levels.boxes, levels.players)
    bare.save(tmp_path / "bare.npz")
    env = make("sokoban", levels=str(tmp_path / "bare.npz"), tasks=2)
    for task in range(2):
        env.reset(task)
        assert [env.step(action).won for action in env.walkthrough(task)][-1]


@pytest.mark.slow
def test_a_way_is_found_among_monsters_that_move_by_chance():
    env = make("minihack", task="WoD-Hard", seed=0, tasks=2, step_limit=99)
    way = env.walkthrough(1)
    env.reset(1)
    *before, last = [env.step(action) for action in way]
    assert last.won and last.reward == 1.0
    assert not any(turn.ended for turn in before)


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("sokoban", dict(tasks=0), "tasks is 0; this grid has 1 to 1000"),
        ("sokoban", dict(tasks=1001), "tasks is 1001; this grid has 1 to 1000"),
        ("sokoban", dict(step_limit=0), "step_limit is 0"),
        ("sokoban", dict(levels="6x6/2"), "did you mean '6x6/1'"),
        ("minihack", dict(task="KeyRoom-S6"), "did you mean 'KeyRoom-S5'"),
    ],
)
def test_options_that_cannot_be_are_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        make(name, **options)
