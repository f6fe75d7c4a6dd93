"""What a fault in one environment costs: its episode, and nothing else."""

import collections
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from rl_credit.envs.pool import Failed, PoolError
from tests.envs import misbehaving, playing
from tests.envs.playing import PATH, SEED

CAUSES = {"hang": "hang", "freeze": "hang", "exit": "death", "raise": "error"}
ORPHANS = f"""
import time
from tests.envs import playing
pool = playing.pool("{PATH}:Telling")
pool.reset([0, 1])
print(*(turn.observation for turn in pool.step(["pid", "pid"])), flush=True)
pool.send([1], ["freeze"])
time.sleep(3600)
"""


def expected(tasks, kinds):
    """Task -> (its kind of failure, the turns before it); others do not fail."""
    failures = {}
    for task, plan in zip(tasks, playing.plans(tasks)):
        kind, at = misbehaving.fault(SEED, task, kinds)
        if kind and at <= len(plan):
            failures[task] = (CAUSES[kind], at)
    return failures


def compare(tasks, kinds, **limits):
    """Plays with faults and without; returns how often each kind of them struck."""
    with playing.pool(workers=1) as pool:
        plain = playing.play(pool, tasks)
    with playing.faulty(kinds, **limits) as pool:
        heard = playing.play(pool, tasks)
        failures, restarted = pool.failures, pool.restarted
    lost = expected(tasks, kinds)
    for task, transcript, reference in zip(tasks, heard, plain, strict=True):
        if task in lost:
            kind, turns = lost[task]
            *transcript, failed = transcript
            reference = reference[:turns]
            assert isinstance(failed, Failed)
            assert (failed.kind, failed.task) == (kind, task)
        assert playing.written(transcript) == playing.written(reference)
    counted = collections.Counter(kind for kind, _ in lost.values())
    assert failures == counted
    assert restarted == counted["hang"] + counted["death"]
    return counted


@pytest.mark.parametrize("workers", [1, 3])
def test_faults_cost_their_own_episodes(workers):
    kinds = ("", "hang", "", "exit", "", "raise", "", "freeze")
    struck = compare(range(16), kinds, workers=workers, step_timeout=4.0)
    assert min(struck[kind] for kind in ("hang", "death", "error")) >= 1


@pytest.mark.slow
def test_two_hundred_hangs_and_crashes_leave_the_others_alone():
    kinds = ("", "exit", "", "exit", "exit", "", "exit", "hang", "exit")
    struck = compare(range(340), kinds, workers=8, step_timeout=3.0)
    assert struck.total() >= 200 and struck["hang"] >= 30, struck


def test_an_action_waits_for_its_episode_to_be_played_again():
    """Sent when a worker has died and the new one has not yet caught up."""
    kinds = ("", "exit")
    plan, *_ = playing.plans([0])
    doomed = next(
        task
        for task in range(1, 100, 2)
        if task in expected([task], kinds)
        and 2 <= expected([task], kinds)[task][1] < len(plan)
    )
    last = expected([doomed], kinds)[doomed][1]
    with playing.pool(workers=1) as pool:
        (reference,) = playing.play(pool, [0])
    with playing.faulty(kinds, workers=1) as pool:
        heard = pool.reset([0, doomed])[:1]
        for number, action in enumerate(plan):
            pool.send([0], [action])
            heard += pool.receive([0])
            if number < last:
                pool.send([1], ["fly"])
                (other,) = pool.receive([1])
        assert isinstance(other, Failed) and pool.failures == {"death": 1}
    assert playing.written(heard) == playing.written(reference)


def test_the_reason_says_where_it_happened():
    with playing.faulty(("hang", "exit", "raise"), step_timeout=4.0) as pool:
        heard = playing.play(pool, range(3))
    hang, death, error = (transcript[-1].reason for transcript in heard)
    assert "timed out" in hang and "misbehaving.py" in hang and "task 0" in hang
    assert "exited with code 7" in death and "task 1" in death
    assert "ArithmeticError: task 2 cannot count" in error


def test_a_failed_slot_begins_anew():
    with playing.faulty(("raise", ""), workers=1) as pool:
        heard = playing.play(pool, range(2))
        assert isinstance(heard[0][-1], Failed)
        pool.start([0], [3])
        assert pool.receive([0])[0] == playing.play(pool, [3])[0][0]


def test_an_episode_that_comes_out_different_is_not_trusted():
    kinds = ("", "exit")
    with playing.pool(f"{PATH}:Unfaithful", workers=1, kinds=kinds) as pool:
        tasks = [task for task in range(1, 40) if expected([task], kinds)]
        late = next(t for t in tasks if misbehaving.fault(SEED, t, kinds)[1] >= 2)
        first, second = playing.play(pool, [0, late])
        assert first[-1].kind == "replay" and second[-1].kind == "death"
        assert "not deterministic" in first[-1].reason


def test_restarts_are_bounded_and_the_last_fault_is_shown():
    with playing.faulty(("exit",), restarts=2) as pool:
        message = "all 2 restarts(.|\n)*exited with code 7(.|\n)*`restarts`"
        with pytest.raises(PoolError, match=message):
            playing.play(pool, range(30))
        with pytest.raises(PoolError, match="closed"):
            pool.reset([0])


def test_a_worker_killed_while_idle_costs_nothing():
    with playing.pool(f"{PATH}:Telling", workers=1) as pool:
        first = pool.reset([0, 1])
        (killed, _) = pool.step(["pid", None])
        pool.start([0], [0])  # Telling tells another pid when played again
        pool.receive([0])
        os.kill(int(killed.observation), signal.SIGKILL)
        wait_until_gone(int(killed.observation))
        (told, second) = pool.step(["pid", None])
        assert told.observation != killed.observation
        assert second == first[1]
        assert pool.restarted == 1 and not pool.failures


def test_no_worker_outlives_a_closed_pool():
    with playing.pool(f"{PATH}:Telling") as pool:
        pool.reset([0, 1])
        pids = [int(turn.observation) for turn in pool.step(["pid", "pid"])]
        pool.send([1], ["freeze"])
    for pid in pids:
        wait_until_gone(pid)


def test_no_worker_outlives_a_killed_parent():
    with subprocess.Popen(
        [sys.executable, "-c", ORPHANS],
        cwd=pathlib.Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        time.sleep(0.5)  # one worker is idle, the other stuck in C
        parent.kill()
    for pid in pids:
        wait_until_gone(pid)


def wait_until_gone(pid):
    """Returns when the process is dead, buried or not; fails after a minute."""
    deadline = time.monotonic() + 60
    while alive(pid):
        assert time.monotonic() < deadline, f"process {pid} lives on"
        time.sleep(0.02)


def alive(pid):
    status = pathlib.Path(f"/proc/{pid}/stat")
    if pathlib.Path("/proc").exists():
        said = status.read_text() if status.exists() else ") Z"
        return said.rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
