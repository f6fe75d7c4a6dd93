"""What stops a run that learns nothing any more: not finite, or nobody plays."""

import collections
import dataclasses
from collections.abc import Sequence

from rl_credit.rollout.episodes import Episode
from rl_credit.runtime import hosts
from rl_credit.runtime.errors import UserError


@dataclasses.dataclass(frozen=True)
class Guard:
    """How much may go wrong before a run stops; what it saved stays sound."""

    skipped: int  # updates in a row that are skipped, their gradient not being finite
    failed: float  # share of an iteration's episodes whose environments failed

    def __post_init__(self):
        if self.skipped < 1 or not 0 < self.failed <= 1:
            raise ValueError(
                f"guard: skipped={self.skipped}, failed={self.failed}: give 1 or more "
                "updates, and a share above 0, at most 1"
            )

    def check_updates(self, row: int, tasks: Sequence[int]) -> None:
        """Raises UserError where so many updates in a row have been skipped.

        Args:
            tasks: whose rows had no finite gradient in the last of them.
        """
        if row >= self.skipped:
            raise UserError(
                f"{row} updates in a row had a gradient that is not finite and were "
                f"skipped, the last for {blamed(tasks)}. No checkpoint holds any of "
                "it: look at rewards and transcripts of these tasks, lower "
                "train.learning_rate or train.clip, and start the same command "
                "again; guard.skipped says how many may be"
            )

    def check_episodes(self, episodes: Sequence[Episode]) -> None:
        """Raises UserError where too many of these, with those of all hosts, failed."""
        own = [dict(task=e.task, kind=e.failure, reason=e.reason) for e in episodes]
        told = hosts.told(own)
        faults = [one for one in told if one["kind"] is not None]
        if len(faults) <= self.failed * len(told):
            return
        kinds = collections.Counter(one["kind"] for one in faults)
        counted = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
        raise UserError(
            f"{len(faults)} of {len(told)} episodes failed ({counted}), more than "
            f"guard.failed={self.failed}. A hang may want a longer env.step_timeout, "
            "or fewer env.workers. The last checkpoint is sound: the same command goes "
            f"on with it. The last fault, in task {faults[-1]['task']}:\n"
            f"{faults[-1]['reason']}"
        )


def blamed(tasks: Sequence[int]) -> str:
    """A few of them, in words."""
    if not tasks:
        return "no single task: only their sum is not finite"
    few = ", ".join(map(str, tasks[:5]))
    more = f" and {len(tasks) - 5} more" if len(tasks) > 5 else ""
    return f"task {few}{more}" if len(tasks) == 1 else f"tasks {few}{more}"
