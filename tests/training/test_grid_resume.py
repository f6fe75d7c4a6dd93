"""The grid agent, killed at any moment and started again, ends as one that was not."""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest

from tests.training import tiny, tiny_grid

CALLS, KILLS, LIMIT = 24, 2, 300.0  # seconds until a start must have come so far
CHANGES = {**tiny_grid.SMALL, "train.frames": 4 * 6 * 2 * CALLS, "evaluate.every": 4}


def command(workdir):
    """The command line, its config that of the small runs."""
    flat = {name: value for name, value in CHANGES.items() if name != "bonus"}
    flat |= {f"bonus.{name}": value for name, value in CHANGES["bonus"].items()}
    for name in ("bonus.options", "evaluate.threshold"):
        flat.pop(name)  # the smoke size's will do
    return [
        *(sys.executable, "-m", "experiments.grid_agent"),
        "--config=configs/grid/cartpole.py:smoke",
        f"--workdir={workdir}",
        *(f"--config.{name}={value}" for name, value in flat.items()),
    ]


def started(workdir, log):
    """A process that trains; all starts share what they have compiled."""
    compiled = pathlib.Path(tiny.FOLDERS.name) / "compiled_grid"
    cache = dict(
        JAX_COMPILATION_CACHE_DIR=str(compiled),
        JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0",
        JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES="-1",
    )
    return subprocess.Popen(
        command(workdir),
        cwd=tiny.ROOT,
        env=os.environ | {"JAX_PLATFORMS": "cpu"} | cache,
        stdout=log,
        stderr=log,
    )


def lines(workdir):
    """How many lines the metrics have."""
    path = workdir / "metrics.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def killed(workdir, log, count, seconds):
    """Kills a run so long after it has so many lines; how many it had in the end."""
    with started(workdir, log) as process:
        begun = time.monotonic()
        while lines(workdir) < count and process.poll() is None:
            assert time.monotonic() < begun + LIMIT, "it hangs"
            time.sleep(0.005)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    return lines(workdir)


def finished(workdir, log):
    """Trains to the end."""
    with started(workdir, log) as process:
        assert process.wait(LIMIT) == 0, pathlib.Path(log.name).read_text()


@pytest.mark.slow
def test_a_run_that_is_killed_and_started_again_equals_an_unbroken_one(tmp_path):
    draw = random.Random(0)
    broken, unbroken = tmp_path / "broken", tmp_path / "unbroken"
    with (tmp_path / "log").open("w") as log:
        finished(unbroken, log)
        had = [0]
        for _ in range(KILLS):
            wait = had[-1] + draw.randrange(2, 6), draw.uniform(0.0, 0.02)
            had.append(killed(broken, log, *wait))
        finished(broken, log)
    assert had == sorted(set(had)) and had[-1] < CALLS
    tiny_grid.assert_same_end(broken, unbroken)
    assert len(tiny.metrics(broken)) == CALLS + 1
    record = json.loads((broken / "run.json").read_text())
    assert len(record["starts"]) == KILLS + 1
