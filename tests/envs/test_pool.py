"""The pool of environments, with real processes."""

import os
import pathlib
import time

import pytest

from rl_credit.envs.pool import Failed, Pool, PoolError
from tests.envs import playing
from tests.envs.playing import PATH

TASKS = range(10)


@pytest.fixture(scope="module")
def plain():
    """The transcripts of the tasks, from one worker."""
    with playing.pool(workers=1) as pool:
        return playing.play(pool, TASKS)


@pytest.fixture
def shared():
    """A pool of two workers."""
    with playing.pool() as pool:
        yield pool


def test_the_number_of_workers_changes_nothing(plain):
    assert all(transcript[-1].reward == 1 for transcript in plain)
    for workers in (2, 4):
        with playing.pool(workers=workers) as pool:
            assert playing.play(pool, TASKS) == plain


def test_slots_begin_anew_and_in_any_number(shared, plain):
    assert playing.play(shared, TASKS) == plain
    assert playing.play(shared, range(3)) == plain[:3]
    assert playing.play(shared, TASKS) == plain


def test_halves_step_while_the_other_is_made_up(shared, plain):
    plans = playing.plans(TASKS)
    halves = [range(5), range(5, 10)]
    heard = [[turn] for turn in shared.reset(list(TASKS))]
    for half in halves:
        shared.send(half, [plans[slot][0] for slot in half])
    for turn in (1, 2):
        for half in halves:  # the other half is under way all the time
            for slot, result in zip(half, shared.receive(half)):
                heard[slot].append(result)
            shared.send(half, [plans[slot][turn] for slot in half])
    assert heard == [transcript[:3] for transcript in plain]
    assert shared.receive(TASKS) == [transcript[3] for transcript in plain]


def test_what_is_sent_is_done_without_being_asked_for(tmp_path):
    with playing.pool(f"{PATH}:Marking") as pool:
        pool.reset([0, 1])
        files = [tmp_path / "first", tmp_path / "second"]
        pool.send([0, 1], [str(file) for file in files])
        deadline = time.monotonic() + 60
        while not all(map(pathlib.Path.exists, files)):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert [turn.observation for turn in pool.receive([0, 1])] == ["Done."] * 2


def test_a_slot_can_begin_alone(shared, plain):
    shared.reset([0, 1, 2])
    shared.start([1], [7])
    assert shared.receive([1]) == plain[7][:1]
    assert shared.step([None, playing.plans([7])[0][0], None]) == [
        plain[0][0],
        plain[7][1],
        plain[2][0],
    ]


def test_workers_are_other_processes_and_know_nothing_of_jax():
    with playing.pool(f"{PATH}:Telling") as pool:
        pool.reset(range(4))
        pids = [turn.observation for turn in pool.step(["pid"] * 4)]
        assert len({*pids, str(os.getpid())}) == 3
        assert pids[:2] == pids[2:]
        modules = pool.step(["modules"] * 4)[0].observation.split()
        platforms = {turn.observation for turn in pool.step(["platforms"] * 4)}
    assert platforms == {"cpu"}  # the accelerator is the learner's
    assert "rl_credit.envs.text.scripted" in modules
    assert {"jax", "jaxlib", "numpy"}.isdisjoint(modules)


@pytest.mark.parametrize(
    "name, options, error, message",
    [
        ("scriptd", {}, ValueError, "did you mean 'scripted'"),
        ("scripted", dict(step_limt=3), TypeError, "did you mean 'step_limit'"),
        ("scripted", dict(tasks=0), ValueError, "tasks is 0"),
        (f"{PATH}:Unbuildable", {}, LookupError, "no house has seed 3"),
        (f"{PATH}:dies_at_once", {}, PoolError, "exited with code 9"),
    ],
)
def test_an_environment_that_cannot_be_built_stops_the_pool(
    name, options, error, message
):
    with pytest.raises(error, match=message):
        playing.pool(name, **options)


@pytest.mark.parametrize(
    "name, value, error",
    [
        ("workers", 0, ValueError),
        ("restarts", -1, ValueError),
        ("step_timeout", 0.0, ValueError),
        ("options", dict(seed=1), TypeError),
    ],
)
def test_an_argument_that_makes_no_sense_is_named(name, value, error):
    given = {"options": {}, "workers": 1, "seed": 0, name: value}
    with pytest.raises(error, match="seed" if name == "options" else name):
        Pool("scripted", **given)


def test_what_a_slot_cannot_do_is_refused_and_harms_no_other(shared, plain):
    shared.reset([0, 1])
    plan = playing.plans([0])[0]
    with pytest.raises(IndexError, match="task 1000 is out of range"):
        shared.start([0], [1000])
    with pytest.raises(RuntimeError, match="slot 5: its episode was never begun"):
        shared.send([5], ["look"])
    with pytest.raises(ValueError, match="a slot is named twice"):
        shared.send([0, 0], ["look", "look"])
    shared.send([0], plan[:1])
    with pytest.raises(RuntimeError, match="slot 0: its episode is under way"):
        shared.send([0], ["look"])
    assert shared.receive([0, 1]) == [plain[0][1], plain[1][0]]
    for action in plan[1:]:
        shared.step([action, None])
    with pytest.raises(RuntimeError, match="slot 0: its episode has ended"):
        shared.send([0], ["look"])


def test_a_reward_that_is_no_number_costs_the_episode():
    with playing.pool(f"{PATH}:Costly") as pool:
        pool.reset([4])
        (failed,) = pool.step(["smile"])
        assert isinstance(failed, Failed) and failed.task == 4
        assert "rewards must be finite" in failed.reason
        with pytest.raises(RuntimeError, match=r"has failed \(error\)"):
            pool.step(["smile"])


def test_a_closed_pool_says_so():
    pool = playing.pool()
    pool.close()
    with pytest.raises(PoolError, match="closed"):
        pool.reset([0])
