"""Episodes played on the device are those that the host plays, token for token."""

import dataclasses

import jax
import numpy as np
import pytest

from rl_credit.envs.pool import Pool
from rl_credit.rollout import grid_turns, turns
from rl_credit.rollout.prompts import Prompts
from rl_credit.rollout.speakers import Alone, Voice
from tests.rollout import grid

TASKS, ATTEMPTS = [3, 1, 4], 5


@pytest.fixture(scope="module", params=["sokoban", "minihack"])
def name(request):
    """The environment."""
    return request.param


@pytest.fixture(scope="module")
def device(name):
    """What was played on the device."""
    return grid.spoken(grid.stage(name), TASKS, ATTEMPTS)


@pytest.fixture(scope="module")
def host(name):
    """What was played through a pool, prompt by prompt."""
    stage = grid.stage(name)
    params, key = grid.drawn(stage), jax.random.key(0)
    with Pool(name, grid.options(name), workers=1, seed=grid.SEED) as pool:
        return turns.play(
            pool,
            lambda rows: Alone(stage.voice, params, key),
            stage.voice.tokenizer,
            stage.rules,
            TASKS,
            attempts=ATTEMPTS,
        )


def bare(episodes):
    """Everything but the log-probabilities."""
    steps = [
        [dataclasses.replace(step, logps=[]) for step in episode.steps]
        for episode in episodes
    ]
    return [dataclasses.replace(e, steps=s) for e, s in zip(episodes, steps)]


def logps(episodes):
    """The log-probabilities, in order."""
    return np.concatenate([step.logps for e in episodes for step in e.steps])


def test_the_device_plays_what_the_host_plays(device, host):
    assert bare(device) == bare(host)
    np.testing.assert_allclose(logps(device), logps(host), atol=1e-5)


def test_the_episodes_are_worth_comparing(device):
    steps = [step for episode in device for step in episode.steps]
    done = {step.action for step in steps}
    assert len(done) >= 4 and None in done  # commands, and answers that are none
    assert {step.stopped for step in steps} == {True, False}
    assert {step.text != step.text.lower() for step in steps if step.valid} == {
        True,
        False,
    }
    assert len({step.anchor for step in steps}) > len(device)
    assert len({step.reward for step in steps}) > 1


def test_attempts_begin_alike_and_go_apart(device):
    for first in range(0, len(device), ATTEMPTS):
        one, other, *_ = device[first : first + ATTEMPTS]
        assert one.steps[0].prompt == other.steps[0].prompt
        assert [s.answer for s in one.steps] != [s.answer for s in other.steps]


def test_episodes_end_where_they_are_won_or_the_steps_are_used_up(name, device):
    assert any(episode.won for episode in device) == (name == "sokoban")
    for episode in device:
        assert episode.won == (episode.steps[-1].reward > 1) == episode.terminated
        assert episode.terminated or len(episode.steps) == grid.TURNS
        assert not any(step.reward > 1 for step in episode.steps[:-1])
    assert len({len(e.steps) for e in device}) > 2 * (name == "sokoban")


def test_the_key_decides(device):
    stage = grid.stage("sokoban")
    again = grid.spoken(stage, TASKS, ATTEMPTS)
    other = grid.spoken(stage, TASKS, ATTEMPTS, seed=1)
    assert bare(other) != bare(again)
    assert bare(grid.spoken(stage, TASKS, ATTEMPTS)) == bare(again)


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(prompts=Prompts(history=1)), "history=1.*give history=0"),
        (dict(prompts=Prompts()), "history=None.*give history=0"),
        (dict(prompts=Prompts(history=0, recalled=2)), "recalled=2"),
        (dict(prompts=Prompts("action", history=0)), "format='action'"),
        (dict(invalid="noop"), "invalid='noop'"),
    ],
)
def test_rules_that_only_the_host_can_keep_to_are_refused(changes, message):
    stage = grid.stage("sokoban")
    rules = dataclasses.replace(grid.RULES, **changes)
    with pytest.raises(ValueError, match=message):
        grid_turns.Stage(stage.world, stage.voice, rules)


def test_a_window_that_is_too_short_is_refused():
    stage = grid.stage("sokoban")
    voice = Voice(stage.voice.decoder, stage.voice.tokenizer, limit=2, window=80)
    with pytest.raises(ValueError, match="up to 85 tokens.*window of 80"):
        grid_turns.Stage(stage.world, voice, grid.RULES)


def test_a_task_out_of_range_is_named():
    with pytest.raises(IndexError, match="task 6 is out of range"):
        grid.spoken(grid.stage("sokoban"), [6], 1)
