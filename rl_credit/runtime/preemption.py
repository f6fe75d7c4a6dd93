"""A machine that is taken away says so with SIGTERM: save, and end in good order."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
from jax.experimental import multihost_utils

from rl_credit.runtime.checkpoint import Checkpoints

STATUS = 128 + signal.SIGTERM  # what a shell says of a program that SIGTERM ended


class Preempted(Exception):
    """The run was asked to stop; what it did is saved, and it can be gone on with."""


class Notice:
    """Whether the machine is about to be taken away."""

    def __init__(self) -> None:
        self._given = threading.Event()

    def give(self) -> None:
        """What a signal does; a second one changes nothing."""
        self._given.set()

    def given(self, step: int) -> bool:
        """Whether to stop after this step.

        Of several processes every one has to ask at every step: all of them get the
        same answer, at a step that none has passed, so that one checkpoint holds all.
        """
        if jax.process_count() > 1:  # JAX's own notifier hears the signal there
            return multihost_utils.reached_preemption_sync_point(step)
        return self._given.is_set()

    def after(
        self, step: int, last: int, due: bool, checkpoints: Checkpoints, state: Any
    ) -> None:
        """Saves what the next step begins with: where it is due, or the last, or now.

        Raises Preempted, once that is on disk, where the machine is about to be taken
        away and there is more to do.
        """
        done, stop = step + 1, self.given(step)
        if due or done == last or stop:
            checkpoints.save(done, state, {})
        if stop and done < last:
            checkpoints.wait()
            raise Preempted(
                f"SIGTERM came; step {done} of {last} is saved, and the same command "
                "goes on with it"
            )


@contextmanager
def noticed() -> Iterator[Notice]:
    """Inside, SIGTERM gives the notice and does not end the program.

    Outside the main thread, where Python hears no signals, and under several processes,
    where JAX hears them, nothing is changed.
    """
    notice = Notice()
    main = threading.current_thread() is threading.main_thread()
    if not main or jax.process_count() > 1:
        yield notice
        return
    before = signal.signal(signal.SIGTERM, lambda number, frame: notice.give())
    try:
        yield notice
    finally:
        signal.signal(signal.SIGTERM, before)
