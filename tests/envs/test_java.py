"""The Java machine of a process: shared, ended, lost and missing."""

import os
import pathlib
import signal
import time

import pytest

from rl_credit.envs.make import make
from rl_credit.envs.pool import Pool
from rl_credit.envs.text import java
from rl_credit.envs.text.turn import Turn

NAME = "textworld_express"
OPTIONS = dict(game="simonsays", tasks=2)


@pytest.fixture(autouse=True)
def machines(monkeypatch):
    """No machine runs yet; those that start do so faster."""
    monkeypatch.setattr(java, "_machines", {})
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")


def children(pid):
    """The processes that a process has started and that run."""
    lists = pathlib.Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for path in lists for child in path.read_text().split()]


def gone(pid):
    try:
        status = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


@pytest.mark.java
def test_instances_share_a_machine_and_the_last_ends_it():
    one, other = make(NAME, **OPTIONS), make(NAME, **OPTIONS)
    machine = one._world._copy.machine
    assert other._world._copy.machine is machine and machine.alive
    assert one._world._copy is not other._world._copy
    one.close()
    one.close()
    assert machine.alive and other.walkthrough(0)
    other.close()
    assert not machine.alive and machine not in java._machines.values()


@pytest.mark.java
def test_after_the_loss_of_a_machine_there_is_a_new_one():
    lost = make(NAME, **OPTIONS)
    lost.reset(0)
    machine = lost._world._copy.machine
    machine.process.kill()
    machine.process.wait()
    with pytest.raises(Exception, match="(?i)network|connect|py4j"):
        lost.step(lost._last.admissible[0])
    env = make(NAME, **OPTIONS)
    assert env._world._copy.machine is not machine
    lost.close()
    assert not env.reset(0).ended
    env.close()


@pytest.mark.java
def test_other_processes_play_the_same_and_their_machines_die_with_them():
    env = make(NAME, **OPTIONS, seed=3)
    actions = env.walkthrough(1)
    turns = [env.reset(1), *map(env.step, actions)]
    env.close()
    with Pool(NAME, OPTIONS, workers=1, seed=3, restarts=1) as pool:
        assert pool.reset([1]) == turns[:1]
        worker = pool._processes[0]._popen.pid
        (machine,) = children(worker)
        assert b"java" in pathlib.Path(f"/proc/{machine}/cmdline").read_bytes()
        os.kill(worker, signal.SIGKILL)  # it alone, not the group of its processes
        while not gone(machine):
            time.sleep(0.05)
        pool.clear()
        assert pool.reset([1]) == turns[:1] and pool.restarted == 1
        heard = [pool.step([action])[0] for action in actions]
        assert all(isinstance(turn, Turn) for turn in heard) and heard == turns[1:]
        (machine,) = children(pool._processes[0]._popen.pid)
    assert gone(machine)


@pytest.mark.parametrize("program", [None, "#!/bin/sh\necho no runtime >&2\nexit 1\n"])
def test_without_java_the_remedy_is_named(program, tmp_path, monkeypatch):
    if program:  # as on systems where `java` only says where to get one
        (tmp_path / "java").write_text(program)
        (tmp_path / "java").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="install a Java runtime"):
        make(NAME, **OPTIONS)
    assert not java._machines
