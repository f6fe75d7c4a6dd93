"""What runs in a worker process of the pool: its environments, one after another."""

import faulthandler
import fcntl
import math
import mmap
import os
import pickle
import signal
import struct
import time
import traceback
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import NamedTuple

from rl_credit.envs.make import make
from rl_credit.envs.text.turn import TextEnv, Turn

IDLE = -1
MARK = struct.Struct("=qd")  # the slot that is being stepped or IDLE, and since when


class Job(NamedTuple):
    """Begin `task` in the slot, unless it is None, then do the actions."""

    slot: int
    episode: int  # tells the episodes of a slot apart
    task: int | None
    actions: tuple[str, ...]


class Ready(NamedTuple):
    """The worker's first message: its environment has been built."""

    tasks: int


class Broken(NamedTuple):
    """The worker's first message where the environment cannot be built."""

    error: BaseException
    trace: str


class Outcome(NamedTuple):
    """What came of a job: its last one or two turns, or what it raised."""

    job: Job
    turns: list[Turn]
    trace: str | None


def main(pipe: int, lifeline: int, mark: int, log: int) -> None:
    """Answers batches of jobs until the parent closes the pipe or dies."""
    _die_with_parent(lifeline)
    faulthandler.enable(log)
    faulthandler.register(signal.SIGUSR1, log, chain=True)  # then the signal kills
    with Connection(pipe) as connection:
        name, options = connection.recv()
        try:
            spare = make(name, **options)
            connection.send(Ready(spare.tasks))
        except Exception as error:
            connection.send(Broken(_sendable(error), traceback.format_exc()))
            return
        bench = Bench(name, options, spare, mmap.mmap(mark, MARK.size))
        try:
            while True:
                connection.send([bench.outcome(job) for job in connection.recv()])
        except (EOFError, BrokenPipeError, ConnectionResetError):
            bench.close()


class Bench:
    """The environments of one worker, each built when its slot is first used."""

    def __init__(self, name: str, options: Mapping, spare: TextEnv, mark: mmap.mmap):
        self._name, self._options, self._mark = name, options, mark
        self._spare: TextEnv | None = spare
        self._envs: dict[int, TextEnv] = {}

    def outcome(self, job: Job) -> Outcome:
        """Does a job; what the environment raises ends its episode and no other."""
        turns: list[Turn] = []
        try:
            for turn in self._turns(job):
                turns = [*turns[-1:], turn]
            return Outcome(job, turns, None)
        except (Exception, SystemExit):
            trace = traceback.format_exc()
            self._discard(job.slot)  # its state can no longer be trusted
            return Outcome(job, [], trace)
        finally:
            self._note(IDLE)

    def close(self) -> None:
        """Closes every environment."""
        for env in [*self._envs.values(), *filter(None, [self._spare])]:
            env.close()

    def _turns(self, job: Job):
        self._note(job.slot)
        if job.task is not None:
            if job.slot not in self._envs:
                self._envs[job.slot] = self._spare or make(self._name, **self._options)
                self._spare = None
            yield _checked(self._envs[job.slot].reset(job.task))
        for action in job.actions:
            self._note(job.slot)
            yield _checked(self._envs[job.slot].step(action))

    def _discard(self, slot: int) -> None:
        env = self._envs.pop(slot, None)
        try:
            if env is not None:
                env.close()
        except Exception:
            traceback.print_exc()  # the episode is lost already; the rest goes on

    def _note(self, slot: int) -> None:
        MARK.pack_into(self._mark, 0, slot, time.monotonic())


def _checked(turn: Turn) -> Turn:
    if not isinstance(turn, Turn):
        raise TypeError(f"the environment gave {turn!r}; it must give a Turn")
    if not isinstance(turn.observation, str) or not isinstance(turn.anchor, str):
        raise TypeError(f"the observation and the anchor must be texts, not {turn!r}")
    if not math.isfinite(turn.reward):
        raise ValueError(f"the environment paid {turn.reward}; rewards must be finite")
    return turn


def _sendable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # an exception class that cannot be rebuilt from its arguments
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _die_with_parent(lifeline: int) -> None:
    """Has the kernel end this process group when the other end of the pipe closes.

    The parent alone holds that end, and a closing pipe raises SIGIO, which kills also
    what hangs in C code where no Python thread could notice.
    """
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
    flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | os.O_ASYNC)
