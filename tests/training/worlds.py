"""A text world of eight tokens a turn, which the pool's workers import by its path."""

import dataclasses

from rl_credit.envs.text.turn import Turn, check_running, check_task

WORDS = ("red", "blue", "gold")  # the one that is asked for, by the room's number


class Rooms:
    """Pays for the letters of an answer; one that begins with the room's word wins.

    Args:
        silent: nobody knows the way.
        broken: tasks in which `reset` raises.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        tasks: int = 1000,
        step_limit: int = 3,
        silent: bool = False,
        broken: tuple[int, ...] = (),
    ):
        self.seed, self.tasks, self.step_limit = seed, tasks, step_limit
        self.silent, self.broken = silent, broken
        self._last: Turn | None = None

    def reset(self, task: int) -> Turn:
        check_task(task, self.tasks)
        if task in self.broken:
            raise ArithmeticError(f"task {task} is broken")
        self._task, self._steps = task, 0
        self._last = Turn(f"room {task % len(WORDS)}")
        return self._last

    def step(self, action: str) -> Turn:
        check_running(self._last)
        self._steps += 1
        won = action.split()[:1] == self.walk(self._task)
        self._last = Turn(
            f"room {self._task % len(WORDS)}",
            reward=1.0 if won else len(action) % 4 / 8,
            terminated=won,
            truncated=not won and self._steps >= self.step_limit,
            won=won,
        )
        return self._last

    def walk(self, task: int) -> list[str]:
        """The one action that wins."""
        return [WORDS[task % len(WORDS)]]

    def walkthrough(self, task: int) -> list[str] | None:
        return None if self.silent else self.walk(task)

    def close(self) -> None:
        self._last = None


class Wings(Rooms):
    """Rooms with a split of their own: the last `held_out` are told as such."""

    def __init__(self, *, held_out: int = 0, **options):
        super().__init__(**options)
        self.held_out = held_out

    def reset(self, task: int) -> Turn:
        wing = "new" if task >= self.tasks - self.held_out else "old"
        self._last = Turn(f"{super().reset(task).observation} {wing}")
        return self._last


class Counted(Rooms):
    """Rooms that look the same at every step, and are not: the state counts them."""

    def reset(self, task: int) -> Turn:
        return self._counted(super().reset(task))

    def step(self, action: str) -> Turn:
        return self._counted(super().step(action))

    def _counted(self, turn: Turn) -> Turn:
        self._last = dataclasses.replace(turn, anchor=f"step {self._steps}")
        return self._last
