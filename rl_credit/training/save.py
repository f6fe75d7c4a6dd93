"""How often a run of any trainer is saved."""

import dataclasses


def at_least(low: int, **values: int) -> None:
    """Raises ValueError naming a value that is lower."""
    for name, value in values.items():
        if value < low:
            raise ValueError(f"{name} is {value}; give {low} or more")


@dataclasses.dataclass(frozen=True)
class Save:
    """How often a checkpoint is written, in steps of the run, and which are kept."""

    every: int
    keep: int  # the last ones
    best: bool  # also the one that did best on held-out tasks or fresh episodes

    def __post_init__(self):
        at_least(1, every=self.every, keep=self.keep)
