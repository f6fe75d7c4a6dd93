"""Which tasks are handed out, and which episodes an iteration keeps."""

import jax
import pytest

from rl_credit.rollout.episodes import Episode, Step
from rl_credit.training import collect

PANEL = (3, 1, 4, 15, 9, 2, 6)
KEY = jax.random.key(0)


def episode(task, group, reward, failure=None):
    """One turn that was paid so much."""
    step = Step("seen", "seen", [1], [2], [-0.5], "said", "done", reward)
    return Episode(task, group, [step], failure=failure)


def playing(scores, log):
    """Plays as `scores` says, task -> what each attempt scores; None is a fault."""

    def play(key, tasks):
        log.append((jax.random.key_data(key).tolist(), list(tasks)))
        return [
            episode(task, group, *((0.0, "death") if s is None else (s,)))
            for group, task in enumerate(tasks)
            for s in scores(task)
        ]

    return play


def collected(scores, count, resample=0, start=0):
    """What is collected, and the calls of `play`."""
    log = []
    knobs = dict(seed=5, start=start, count=count, resample=resample)
    return collect.collect(playing(scores, log), KEY, PANEL, **knobs), log


def test_a_pass_hands_out_every_task_once_and_each_in_its_own_order():
    count = len(PANEL)
    passes = [collect.tasks(PANEL, 0, count * n, count) for n in range(6)]
    assert all(sorted(each) == sorted(PANEL) for each in passes)
    assert len({tuple(each) for each in passes}) > 4


def test_slices_compose_and_depend_on_their_arguments_alone():
    whole = collect.tasks(PANEL, 7, 0, 40)
    for start, count in [(0, 5), (5, 5), (3, 0), (6, 20), (39, 1)]:
        assert collect.tasks(PANEL, 7, start, count) == whole[start : start + count]
    first, second = collect.tasks(PANEL, 7, 0, 5), collect.tasks(PANEL, 7, 5, 5)
    assert first + second == collect.tasks(PANEL, 7, 0, 10)
    assert collect.tasks(PANEL, 8, 0, 40) != whole


def test_without_resampling_everything_that_did_not_fail_is_kept():
    scores = {task: (float(task % 2), 0.0) for task in PANEL} | {PANEL[0]: (None, 1.0)}
    found, log = collected(scores.get, count=len(PANEL))
    wanted = collect.tasks(PANEL, 5, 0, len(PANEL))
    assert [tasks for _, tasks in log] == [wanted]
    assert found.handed == found.groups == len(PANEL) and found.failed == 1
    assert len(found.episodes) == 2 * len(PANEL) - 1
    assert all(episode.failure is None for episode in found.episodes)
    assert [episode.failure for episode in found.dropped] == ["death"]
    even = sum(task % 2 == 0 for task in PANEL)
    assert found.flat == even + (PANEL[0] % 2 == 1)  # one of its two attempts is left
    share = found.flat / len(PANEL)
    assert found.scalars() == {"train/failed": 1.0, "train/flat_groups": share}


def test_groups_without_spread_give_way_to_the_next_tasks():
    scores = {task: (0.0, float(task > 5)) for task in PANEL}
    found, log = collected(scores.get, count=3, resample=9, start=2)
    good = [t for t in collect.tasks(PANEL, 5, 2, found.handed) if t > 5]
    assert [episode.task for episode in found.episodes[::2]] == good
    assert len(good) == 3 and found.flat == found.handed - 3 == found.groups - 3
    assert sum((tasks for _, tasks in log), []) == collect.tasks(
        PANEL, 5, 2, found.handed
    )
    groups = [episode.group for episode in found.episodes]
    assert groups[::2] == groups[1::2] and len(set(groups)) == 3
    assert len(found.dropped) == 2 * found.flat
    assert {episode.score for episode in found.dropped} == {0.0}
    keys = [tuple(key) for key, _ in log]
    assert len(keys) > 1 and len(set(keys)) == len(keys)


def test_what_is_flat_in_the_last_round_stays():
    found, log = collected(lambda task: (0.0, 0.0), count=3, resample=2)
    assert [len(tasks) for _, tasks in log] == [3, 3, 3]
    assert (found.handed, found.groups, found.flat) == (9, 9, 9)
    last = collect.tasks(PANEL, 5, 6, 3)
    assert [episode.task for episode in found.episodes[::2]] == last


def test_resampling_stops_when_every_group_has_spread():
    found, log = collected(lambda task: (0.0, 1.0), count=4, resample=5)
    assert len(log) == 1 and found.handed == 4 and found.flat == 0
    assert len(found.episodes) == 8


def test_a_task_that_comes_twice_makes_two_groups():
    found, _ = collected(lambda task: (0.0, 1.0), count=len(PANEL) + 2)
    groups = {}
    for one in found.episodes:
        groups.setdefault(one.group, []).append(one.task)
    assert len(groups) == len(PANEL) + 2
    assert all(len(tasks) == 2 and len(set(tasks)) == 1 for tasks in groups.values())


@pytest.mark.parametrize("resample", [0, 2])
def test_an_iteration_in_which_all_fails_stops_the_run(resample):
    count = 2 * 3 * (resample + 1)
    with pytest.raises(RuntimeError, match=f"all {count} episodes.*step_timeout"):
        collected(lambda task: (None, None), count=3, resample=resample)
