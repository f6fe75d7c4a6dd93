"""reasoning-gym: one question, one answer."""

import sys

import pytest

from rl_credit.envs.make import make
from rl_credit.envs.text.turn import TextEnv


def built(data="chain_sum", **options):
    return make("reasoning_gym", **{**dict(data=data, seed=1, tasks=4), **options})


@pytest.mark.parametrize("data", ["chain_sum", "maze", "word_sorting", "zebra_puzzles"])
def test_the_answer_of_the_data_set_wins_in_one_turn(data):
    one, other = built(data), built(data)
    assert isinstance(one, TextEnv)
    for task in range(one.tasks):
        first, answer = one.reset(task), one.walkthrough(task)
        assert first == other.reset(task) and answer == other.walkthrough(task)
        assert first.objective == first.observation and not first.ended
        last = one.step(*answer)
        assert last.won and last.terminated and last.reward == 1.0
        assert other.step(f" {answer[0]}\n") == last
    assert len({one.reset(task).observation for task in range(4)}) == 4


@pytest.mark.parametrize("answer", ["", "fly", "go \N{SNOWMAN}", "x " * 2000])
@pytest.mark.parametrize("data", ["chain_sum", "maze", "zebra_puzzles"])
def test_a_wrong_answer_ends_the_episode_and_is_not_won(data, answer):
    env = built(data)
    env.reset(0)
    last = env.step(answer)
    assert last.terminated and not last.won and 0 <= last.reward < 1


def test_an_answer_that_the_scorer_fails_on_scores_nothing(monkeypatch):
    env = built()
    env.reset(0)
    score = env._items.score_answer

    def failing(answer, entry):
        if answer == "words":
            raise KeyError(answer)
        return score(answer, entry)

    monkeypatch.setattr(env._items, "score_answer", failing)
    last = env.step("words")
    assert last.reward == 0.0 and not last.won and last.terminated
    assert last.observation == "The answer scores 0. Reading it failed: KeyError."


def test_a_scorer_that_fails_on_the_right_answer_costs_the_episode(monkeypatch):
    env = built()
    env.reset(0)

    def failing(answer, entry):
        raise KeyError(answer)

    monkeypatch.setattr(env._items, "score_answer", failing)
    with pytest.raises(KeyError):
        env.step("words")


def test_neighbouring_seeds_share_no_question():
    asked = [{e.reset(t).observation for t in range(20)} for e in _neighbours()]
    assert not asked[0] & asked[1]


def _neighbours():
    settings = dict(min_digits=4, max_digits=4)
    return [built(seed=seed, tasks=20, settings=settings) for seed in (1, 2)]


def test_a_question_may_come_without_an_answer():
    assert built("graph_color").walkthrough(0) is None


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(data="chain_sun"), "did you mean 'chain_sum'"),
        (dict(settings=dict(min_digit=2)), "did you mean 'min_digits'"),
        (dict(settings=dict(seed=2)), "unknown setting of 'chain_sum' 'seed'"),
        (dict(tasks=0), "tasks is 0"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        built(**options)


def test_steps_out_of_turn_and_tasks_out_of_range_are_errors():
    env = built()
    with pytest.raises(RuntimeError, match="has not begun"):
        env.step("1")
    env.reset(0)
    env.step("1")
    with pytest.raises(RuntimeError, match="has ended"):
        env.step("1")
    for method in (env.reset, env.walkthrough):
        with pytest.raises(IndexError, match="task 4 .* 4 tasks"):
            method(4)


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "reasoning_gym.factory", None)
    with pytest.raises(ImportError, match=r"pip install 'rl_credit\[reasoning_gym\]'"):
        built()
