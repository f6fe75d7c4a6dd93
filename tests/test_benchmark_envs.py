"""The suite `envs`: runs of a peer in a process of its own, without any peer."""

import json
import sys

import jax
import numpy as np
import pytest

from experiments import benchmark
from experiments.benchmarks import envs, peer_process, peers, timing
from rl_credit.envs.grid import minihack, register

FAKE = """
import runpy, sys
script = runpy.run_path(sys.argv[1])
runs = iter(range(1, 4))

def fake(steps):
    def play():
        print("chatter of a library")
        return steps * next(runs)
    return play

script["PEERS"]["fake"] = fake
script["main"]("fake", '{"steps": 10}')
"""


@pytest.fixture
def fake():
    command = [sys.executable, "-I", "-c", FAKE, str(peer_process.SCRIPT)]
    with peer_process.Process(lambda: command) as process:
        yield process


def test_a_peer_plays_once_to_compile_and_once_for_every_question(fake):
    first, second = fake.run(), fake.run()
    assert (first.steps, second.steps) == (20, 30)  # 10 before it was asked
    assert min(first.wall, first.cpu, second.wall, second.cpu) >= 0


def test_a_peer_that_fails_is_reported_with_its_command(fake):
    fake.run(), fake.run()
    with pytest.raises(RuntimeError, match=r"(?s)status 1 and no.*peers\.py"):
        fake.run()
    with pytest.raises(RuntimeError, match="status 1"):  # also where it has long ended
        fake.run()


def test_a_peer_is_started_when_it_is_asked_and_not_before():
    def command():
        raise AssertionError("started")

    with peer_process.Process(command) as process:
        with pytest.raises(AssertionError, match="started"):
            process.run()


@pytest.mark.parametrize("clock, seconds", [("wall", 1.0), ("cpu", 2.0)])
def test_times_of_a_peer_are_scaled_to_our_number_of_steps(clock, seconds):
    answer = json.dumps({"steps": 50, "wall": 0.5, "cpu": 1.0})
    code = f"import sys\nfor _ in sys.stdin: print({answer!r}, flush=True)"
    with peer_process.Process(lambda: [sys.executable, "-c", code]) as process:
        assert envs.scaled(process, clock, 100)() == timing.Took(seconds)


def test_a_run_that_measures_itself_is_believed_and_not_compared(monkeypatch):
    monkeypatch.setattr(timing, "SECONDS", 0.0)
    ours, peer = (lambda: timing.Took(0.002)), (lambda: timing.Took(0.006))
    row = timing.measure(timing.Case("own", "", ours, "peer", peer, steps=4000))
    assert row.ratio == pytest.approx(3.0) and row.compiled == 0.0
    assert row.as_json()["ours_rate"] == pytest.approx(2e6)
    assert "2 (2 to 2), 2 M/s | peer | 6 (6 to 6), 0.667 M/s" in benchmark.table([row])


def test_cpu_time_counts_work_and_not_waiting(monkeypatch):
    clock = iter([5.0, 5.25])
    monkeypatch.setattr(envs.time, "process_time", lambda: next(clock))
    assert envs.cpu_timed(lambda: np.zeros(1))() == timing.Took(0.25)


def test_every_grid_is_a_case_and_no_peer_is_started_for_it(monkeypatch):
    monkeypatch.setattr(peer_process.Process, "_started", None)  # fails when called
    by_clock, by_core = list(envs.cases()), list(envs.per_core())
    cases = by_clock + by_core
    assert {case.name for case in cases} == set(register.GRID)
    assert {case.name for case in cases if case.peer is None} == set(envs.ALONE)
    alone = set(envs.ALONE) & set(minihack.TASKS)
    assert len(by_core) == len(minihack.TASKS) - len(alone)
    assert all(case.peer_name.endswith("CPU time") for case in by_core)
    assert set(envs.SKILLS) < set(minihack.TASKS)
    named = {case.peer_name for case in cases}
    assert "MiniHack-WoD-Hard-Restricted-v0, CPU time" in named
    assert "MiniHack-River-v0, CPU time" in named
    assert set(peers.PEERS) == set(peer_process.PEERS)


def test_our_runs_play_on_and_reset_themselves(monkeypatch):
    monkeypatch.setattr(envs, "STEPS", {3: 130})  # the limit of Sokoban is 120 steps
    ours = envs.Ours(register.make("Sokoban-6x6-1"), 3)
    rewards = ours()
    state, seen = ours._carry
    assert ours.steps == 390 and rewards.shape == () and float(rewards) < 0
    assert seen.shape == (3, 6, 6, 4) and np.all(state.time < 120)
    jax.block_until_ready(ours())
    assert not np.array_equal(ours._carry[0].time, state.time)


def test_what_is_there_is_used_and_a_failure_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv(peer_process.FOLDER, str(tmp_path))
    python = tmp_path / "peer-1" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert peer_process.Peer("2.0", ("peer==1",)).interpreter() == python
    absent = peer_process.Peer("2.0", ("absent==1", "other==2"))
    with pytest.raises(RuntimeError) as error:
        absent.interpreter()
    for part in ("python2.0 -m venv", "absent==1 other==2", peer_process.FOLDER):
        assert part in str(error.value)
    assert not (tmp_path / "absent-1-other-2").exists()


def test_an_installation_that_fails_names_the_pip_command(tmp_path, monkeypatch):
    monkeypatch.setenv(peer_process.FOLDER, str(tmp_path))
    peer = peer_process.Peer("{}.{}".format(*sys.version_info), ("./nowhere==1",))
    with pytest.raises(RuntimeError, match="-m pip install ./nowhere==1"):
        peer.interpreter()
    assert not any(tmp_path.iterdir())


def test_without_a_folder_of_our_own_the_cache_is_used(tmp_path, monkeypatch):
    monkeypatch.delenv(peer_process.FOLDER, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    parent = peer_process.PEERS["navix"].folder.parent
    assert parent == tmp_path / "rl_credit" / "peers"
