"""What a text environment is: `reset(task)` and `step(action)`, giving a `Turn`."""

import dataclasses
from typing import Protocol, runtime_checkable


@dataclasses.dataclass(frozen=True)
class Turn:
    """What the environment says, and what the action that led here was paid.

    `anchor` identifies the state for credit (GiGPO, arXiv 2505.10978, 3.2): equal
    states of a task have equal anchors, whatever was said on the way there. Left empty,
    it is the observation. `objective` is the part of a first observation that a prompt
    must repeat where it shows later turns alone.
    """

    observation: str
    reward: float = 0.0
    terminated: bool = False  # ended by itself: nothing follows
    truncated: bool = False  # cut off by the step limit: something would follow
    admissible: tuple[str, ...] | None = None  # what can be done now, where it is known
    anchor: str = ""
    objective: str = ""  # what the task asks for; given by the first turn
    won: bool = False  # terminated, and the task is done

    def __post_init__(self):
        if not self.anchor:
            object.__setattr__(self, "anchor", self.observation)

    @property
    def ended(self) -> bool:
        """Whether the episode is over, for either reason."""
        return self.terminated or self.truncated


@runtime_checkable
class TextEnv(Protocol):
    """A text environment; all that is random in it comes from its seed and the task.

    `reset` raises IndexError for a task outside `range(tasks)`; `step` raises
    RuntimeError where no episode is under way. An action that cannot be done is no
    error: the turn says so, pays nothing, and leaves the state (so the anchor) alone.
    """

    tasks: int  # how many there are; ids count from 0

    def reset(self, task: int) -> Turn:
        """Starts the task; the first observation states the objective."""
        ...

    def step(self, action: str) -> Turn:
        """Does one thing."""
        ...

    def walkthrough(self, task: int) -> list[str] | None:
        """Actions that win the task, or None where none are known."""
        ...

    def close(self) -> None:
        """Frees what the environment holds; it is not used afterwards."""
        ...


def check_task(task: int, tasks: int) -> None:
    """Raises IndexError naming the task if it is not in `range(tasks)`."""
    if not 0 <= task < tasks:
        raise IndexError(
            f"task {task} is out of range: this environment has {tasks} tasks, "
            f"0 to {tasks - 1}; raise its option `tasks` or choose another id"
        )


def check_running(last: Turn | None) -> None:
    """Raises RuntimeError unless `last` is a turn after which a step may follow."""
    if last is None or last.ended:
        state = "has not begun" if last is None else "has ended"
        raise RuntimeError(f"the episode {state}: call reset(task) before step(action)")
