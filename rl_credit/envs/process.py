"""The pool's side of one worker process: start it, watch it, find out why it died."""

import mmap
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection

from rl_credit.envs import worker

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
FIXED = {
    "PYTHONHASHSEED": "0",  # the order of sets is part of being deterministic
    "JAX_PLATFORMS": "cpu",  # a jitted world must not claim the learner's accelerator
}


class Process:
    """A fresh interpreter that runs `worker.main`.

    Neither forked, which is unsafe once JAX has threads, nor started by
    `multiprocessing`, which would import the launcher's `__main__`, and JAX with it,
    in every worker.
    """

    def __init__(self, name: str, options: Mapping):
        ours, theirs = socket.socketpair()
        end, self._lifeline = os.pipe()
        self._log = tempfile.TemporaryFile()
        with tempfile.TemporaryFile() as mark:
            mark.write(worker.MARK.pack(worker.IDLE, 0.0))
            mark.flush()
            self._mark = mmap.mmap(mark.fileno(), worker.MARK.size)
            files = (theirs.fileno(), end, mark.fileno(), self._log.fileno())
            self._popen = _interpreter(files)
        theirs.close()
        os.close(end)
        self.connection = Connection(ours.detach())
        self.asked = time.monotonic()  # when the last message was sent
        self.send((name, dict(options)))

    def send(self, message) -> bool:
        """Sends; False where the process is no longer there to read."""
        self.asked = time.monotonic()
        try:
            self.connection.send(message)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def receive(self):
        """The next message, or None where the process died instead of sending it."""
        try:
            return self.connection.recv()
        except (EOFError, ConnectionResetError):
            return None

    @property
    def at_work(self) -> tuple[int | None, float]:
        """The slot that is being stepped, if any, and since when (`monotonic`)."""
        slot, since = worker.MARK.unpack_from(self._mark)
        return (None if slot == worker.IDLE else slot), max(since, self.asked)

    def end(self, patience: float = 5.0) -> None:
        """Lets the process close its environments, then kills what is left of it."""
        self.connection.close()
        try:
            self._popen.wait(patience)
        except subprocess.TimeoutExpired:
            pass  # it is killed next
        self._kill()

    def autopsy(self, hangs: bool) -> str:
        """Kills the process; says how it ended, or where in its code it hangs."""
        if hangs:
            _signal(self._popen.pid, signal.SIGUSR1)  # writes its stack, then dies
        try:
            ended = f"it {_exit(self._popen.wait(1.0))}"
        except subprocess.TimeoutExpired:
            ended = "it did not react to a signal"
        self.connection.close()
        self._log.seek(0)
        stack = self._log.read().decode(errors="replace").strip()
        self._kill()
        return stack if hangs and stack else f"{ended}\n{stack}".strip()

    def _kill(self) -> None:
        if self._log.closed:
            return
        _signal(-self._popen.pid, signal.SIGKILL)  # and what the simulator started
        self._popen.wait()
        os.close(self._lifeline)
        self._mark.close()
        self._log.close()


def _interpreter(files: tuple[int, ...]) -> subprocess.Popen:
    code = (
        f"import sys; sys.path[:] = {[path or os.getcwd() for path in sys.path]!r}\n"
        f"from rl_credit.envs import worker; worker.main{files}"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code],
        pass_fds=files,
        stdin=subprocess.DEVNULL,
        stdout=2,  # what a simulator prints must not mix with the run's own output
        start_new_session=True,  # Ctrl-C is for the parent alone
        env={name: "1" for name in ONE_THREAD} | os.environ | FIXED,
    )


def _signal(target: int, number: int) -> None:
    try:
        os.killpg(-target, number) if target < 0 else os.kill(target, number)
    except ProcessLookupError:
        pass  # it has ended by itself, which is what the signal was for


def _exit(code: int) -> str:
    if code >= 0:
        return f"exited with code {code}"
    name = signal.Signals(-code).name
    memory = " (was the machine out of memory?)" if name == "SIGKILL" else ""
    return f"was ended by {name}{memory}"
