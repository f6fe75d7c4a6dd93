"""Environments that go wrong on purpose; the pool's workers import them by path."""

import ctypes
import os
import pathlib
import sys
import time

from rl_credit.envs.text.panels import digest
from rl_credit.envs.text.scripted import Scripted
from rl_credit.envs.text.turn import Turn


def fault(seed: int, task: int, kinds: tuple[str, ...]) -> tuple[str, int]:
    """How a task goes wrong and at which step; the kinds take turns over the tasks."""
    return kinds[task % len(kinds)], digest("fault", seed, task)[0] % 6


class Misbehaving(Scripted):
    """`Scripted`, in which task t goes wrong in the way `fault` says; "" is none."""

    def __init__(self, *, seed: int, kinds: tuple[str, ...]):
        super().__init__(seed=seed)
        self.kinds = kinds

    def reset(self, task: int) -> Turn:
        self.kind, self.at = fault(self.seed, task, self.kinds)
        self.task, self.done = task, 0
        self.misbehave()
        return super().reset(task)

    def step(self, action: str) -> Turn:
        self.done += 1
        self.misbehave()
        return super().step(action)

    def misbehave(self):
        if self.done != self.at:
            return
        if self.kind == "hang":
            time.sleep(3600)
        elif self.kind == "freeze":
            ctypes.PyDLL(None).sleep(3600)  # in C, and no other thread can run
        elif self.kind == "exit":
            os._exit(7)
        elif self.kind == "raise":
            raise ArithmeticError(f"task {self.task} cannot count")


class Unfaithful(Misbehaving):
    """Says which process it runs in, so it is not the same when played again."""

    def step(self, action: str) -> Turn:
        return Turn(f"{super().step(action).observation} {os.getpid()}")


class Telling(Scripted):
    """Says what is asked for: "pid", "modules" that are imported, its "platforms"."""

    def step(self, action: str) -> Turn:
        if action == "freeze":
            ctypes.PyDLL(None).sleep(3600)
        told = {"pid": str(os.getpid()), "modules": " ".join(sys.modules)}
        told["platforms"] = os.environ.get("JAX_PLATFORMS", "any")
        return Turn(told[action])


class Marking(Scripted):
    """Makes the file that the action names."""

    def step(self, action: str) -> Turn:
        pathlib.Path(action).touch()
        return Turn("Done.")


class Costly(Scripted):
    """Pays what no episode can be paid."""

    def step(self, action: str) -> Turn:
        return Turn("Thank you.", reward=float("nan"))


class Unbuildable(Scripted):
    """Cannot be built."""

    def __init__(self, *, seed: int):
        raise LookupError(f"no house has seed {seed}")


def dies_at_once(*, seed: int):
    """Ends the process that calls it."""
    os._exit(9)
