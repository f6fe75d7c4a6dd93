"""An episode as the pool keeps it: enough to play it again in another worker."""

import dataclasses

from rl_credit.envs.text.turn import Turn
from rl_credit.envs.worker import Job


@dataclasses.dataclass(frozen=True)
class Failed:
    """An episode lost to a fault: it has no reward and counts in no average."""

    kind: str  # "hang", "death", "error" or "replay"
    task: int
    reason: str


@dataclasses.dataclass
class Slot:
    """One episode at a time: all that is needed to play it again elsewhere."""

    task: int
    episode: int
    actions: list[str] = dataclasses.field(default_factory=list)
    last: Turn | Failed | None = None  # None: not yet begun
    pending: bool = True
    told: bool = False  # whether the caller has seen `last`

    def settle(self, result: Turn | Failed) -> None:
        """Takes what the last job came to."""
        self.last, self.pending, self.told = result, False, False

    def covered(self, job: Job) -> bool:
        """Whether the job came to the last action, and not only to those before it.

        An action may be sent while its episode is played again without it.
        """
        return job.task is None or len(job.actions) == len(self.actions)

    @property
    def alive(self) -> bool:
        """Whether the episode goes on, so that a new worker must play it again."""
        return self.pending or (isinstance(self.last, Turn) and not self.last.ended)
