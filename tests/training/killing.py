"""Runs as programs of their own, stopped at random moments and started again.

RL_CREDIT_KILLS is how often a run is killed; the whole suite does it twice.
"""

import dataclasses
import os
import pathlib
import random
import signal
import subprocess
import time
from collections.abc import Callable

from rl_credit.runtime import preemption
from tests.training import tiny

KILLS = int(os.environ.get("RL_CREDIT_KILLS", "2"))
STEPS = 6 * KILLS + 6  # of a run, so that the last kill still finds some to do
LIMIT = 300.0  # seconds until a start must have come so far


@dataclasses.dataclass(frozen=True)
class Program:
    """A run of some trainer; all its starts share what they have compiled."""

    name: str
    command: Callable[[pathlib.Path], list[str]]  # that runs it in a folder
    log: pathlib.Path

    def started(self, workdir):
        """A process that trains."""
        compiled = pathlib.Path(tiny.FOLDERS.name) / f"compiled_{self.name}"
        cache = dict(
            JAX_COMPILATION_CACHE_DIR=str(compiled),
            JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0",
            JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES="-1",
        )
        with self.log.open("a") as log:
            return subprocess.Popen(
                self.command(workdir),
                cwd=tiny.ROOT,
                env=os.environ | {"JAX_PLATFORMS": "cpu"} | cache,
                stdout=log,
                stderr=log,
            )

    def finished(self, workdir):
        """Trains to the end."""
        with self.started(workdir) as process:
            assert process.wait(LIMIT) == 0, self.log.read_text()

    def stopped(self, workdir, count, seconds, number):
        """Sends a signal so long after there are so many lines; how many in the end.

        SIGKILL ends it where it stands, SIGTERM when the step under way is saved.
        """
        with self.started(workdir) as process:
            begun = time.monotonic()
            while lines(workdir) < count and process.poll() is None:
                assert time.monotonic() < begun + LIMIT, "it hangs"
                time.sleep(0.005)
            time.sleep(seconds)
            process.send_signal(number)
        ends = {signal.SIGKILL: -signal.SIGKILL, signal.SIGTERM: preemption.STATUS}
        assert process.returncode == ends[number], self.log.read_text()
        return lines(workdir)

    def broken(self, workdir):
        """Trains to the end, asked to stop once and killed `KILLS` times on the way.

        Gives how many steps were done at each stop.
        """
        draw = random.Random(0)
        had = [self.stopped(workdir, 2, 0.0, signal.SIGTERM)]
        assert saved(workdir) == had[0]  # nothing that was done is done again
        for _ in range(KILLS):
            wait = had[-1] + draw.randrange(2, 6), draw.uniform(0.0, 0.03)
            had.append(self.stopped(workdir, *wait, signal.SIGKILL))
        self.finished(workdir)
        assert had == sorted(set(had)) and had[-1] < STEPS
        return had


def lines(workdir):
    """How many lines the metrics have."""
    path = workdir / "metrics.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def saved(workdir):
    """The step of the last checkpoint."""
    folders = (workdir / "checkpoints").iterdir()
    return max(int(path.name) for path in folders if path.name.isdigit())
