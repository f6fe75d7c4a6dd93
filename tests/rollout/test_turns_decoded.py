"""Episodes of a decoder, against whole conversations and full forwards."""

import dataclasses

import numpy as np
import pytest

from rl_credit.rollout import prompts, turns
from rl_credit.rollout.prompts import Prompts
from rl_credit.rollout.turns import Rules
from rl_credit.training import batching, update
from tests.envs import playing
from tests.rollout import tiny

# Prompts of these tasks are of like length, so that few shapes are compiled.
TASKS = [2, 3]
STYLES = {
    "grown": Prompts(admissible=False),
    "alone": Prompts(history=1, admissible=False),
}
SPEAKERS = {"grown": tiny.conversation, "alone": tiny.alone}


@pytest.fixture(scope="module")
def pool():
    """Two workers; every test begins new episodes in them."""
    with playing.pool() as running:
        yield running


def spoken(pool, name, tasks=TASKS, attempts=2, seed=2, **changes):
    """Three turns of the decoder."""
    rules = Rules(STYLES[name], turns=3)
    speaker = SPEAKERS[name](seed, **changes)
    return turns.play(pool, speaker, tiny.BYTES, rules, tasks, attempts=attempts)


@pytest.fixture(scope="module")
def said(pool):
    """The episodes that others are compared with."""
    return {name: spoken(pool, name) for name in STYLES}


def words(episodes):
    """What was read and said, in tokens, and what came of it."""
    bare = [dataclasses.replace(s, logps=[]) for e in episodes for s in e.steps]
    return bare, [(e.task, e.won, e.terminated, e.failure) for e in episodes]


def numbers(episodes):
    """All log-probabilities."""
    return np.concatenate([s.logps for e in episodes for s in e.steps])


def conversation(episode, style):
    """The messages, told from what was said and the environment stepped by hand."""
    sent = [step.action or step.text for step in episode.steps]
    seen = tiny.by_hand(episode.task, sent)
    messages = []
    for turn, step in zip(seen, episode.steps):
        assert turn.observation == step.observation and turn.anchor == step.anchor
        messages.append({"role": "user", "content": style.shown(turn)})
        messages.append({"role": "assistant", "content": step.text})
    return messages


@pytest.mark.parametrize("name", STYLES)
def test_attempts_begin_alike_and_go_apart(said, name):
    for one, other in (said[name][:2], said[name][2:]):
        assert one.task == other.task and one.group == other.group
        assert one.steps[0].prompt == other.steps[0].prompt
        assert [s.answer for s in one.steps] != [s.answer for s in other.steps]


def test_a_conversation_has_the_tokens_of_its_messages(said):
    kinds = set()
    for episode in said["grown"]:
        tokens = sum((s.prompt + s.answer for s in episode.steps), [])
        *_, last = episode.steps
        assert len(episode.steps) == 3
        whole = tiny.BYTES.chat(conversation(episode, STYLES["grown"]), answer=False)
        assert tokens == (whole if last.stopped else whole[:-1])
        kinds.update(step.stopped for step in episode.steps[:-1])
    assert kinds == {True, False}  # answers that end, and some that are cut off


def test_an_answer_that_was_cut_off_is_ended_by_the_environment(said):
    end = tiny.BYTES.end
    for episode in said["grown"]:
        for step, after in zip(episode.steps, episode.steps[1:]):
            assert step.stopped == (step.answer[-1] == end)
            assert len(step.answer) == tiny.LIMIT or step.stopped
            assert (after.prompt[0] == end) == (not step.stopped)


def test_prompts_that_stand_alone_are_whole_and_repeat_the_objective(said):
    style = STYLES["alone"]
    for episode in said["alone"]:
        seen = tiny.by_hand(episode.task, [step.text for step in episode.steps])
        done = [step.action or "" for step in episode.steps]
        for number, step in enumerate(episode.steps):
            text = style.alone(seen[: number + 1], done[:number], 1)
            assert step.prompt == prompts.opening(tiny.BYTES, text)
            assert text.startswith(seen[0].objective)


@pytest.mark.parametrize("name", STYLES)
def test_log_probabilities_are_those_of_a_full_forward(said, name):
    advantages = np.ones((4, 3))
    rows = batching.rows(said[name], advantages, grown=name == "grown")
    (batch,) = batching.microbatches(rows, 10**5)
    actual, _ = update.score(tiny.MODEL, tiny.params(), batch, 1.0)
    assert batch.trained.sum() == sum(e.tokens for e in said[name])
    where = np.asarray(batch.trained)
    np.testing.assert_allclose(
        np.asarray(actual)[where], batch.old_logps[where], atol=1e-4
    )
    assert np.std(batch.old_logps[where]) > 0.5


@pytest.mark.parametrize("name", STYLES)
def test_the_key_decides_and_the_number_of_workers_does_not(pool, said, name):
    assert words(spoken(pool, name)) == words(said[name])
    with playing.pool(workers=1) as single:
        again = spoken(single, name)
    assert words(again) == words(said[name])
    np.testing.assert_array_equal(numbers(again), numbers(said[name]))
    assert words(spoken(pool, name, seed=1)) != words(said[name])


@pytest.mark.parametrize("name", STYLES)
def test_an_episode_does_not_depend_on_the_tasks_beside_it(pool, said, name):
    others = spoken(pool, name, tasks=[2, 4, 5, 3], attempts=1)
    expected = said[name]
    for place in (0, 3):
        one, other = others[place], expected[place]
        assert words([one]) == words([other])
        np.testing.assert_allclose(numbers([one]), numbers([other]), atol=2e-5)
    assert words(others[1:3]) != words(expected[1:3])


def test_an_episode_that_outgrows_the_window_is_overlong_and_not_terminated(pool, said):
    for episode, whole in zip(spoken(pool, "grown", window=256), said["grown"]):
        assert episode.overlong and not episode.terminated and not episode.won
        assert episode.steps == whole.steps[:1]  # which fits
    assert not any(e.overlong for e in said["grown"])


@pytest.mark.parametrize("name", STYLES)
def test_a_first_prompt_that_does_not_fit_names_the_task(name):
    with playing.pool(workers=1) as pool:
        with pytest.raises(ValueError, match="first prompt of task 0 .* the window"):
            spoken(pool, name, tasks=[7, 0, 7], attempts=1, window=180)
