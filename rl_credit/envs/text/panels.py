"""Which tasks an agent trains on and which are held out, the same on every machine."""

import dataclasses
import hashlib


@dataclasses.dataclass(frozen=True)
class Panel:
    """Disjoint task ids; `dataclasses.asdict` makes them JSON for the run directory."""

    seed: int
    train: tuple[int, ...]
    held_out: tuple[int, ...]


def panel(seed: int, train: int, held_out: int) -> Panel:
    """Shuffles the ids below `train + held_out` and deals them out.

    Raises ValueError for a negative number of tasks, or where both are 0. The order
    comes from SHA-256 alone: no random generator, NumPy version or hash seed in it.
    """
    _check(train, held_out)
    tasks = range(train + held_out)
    ids = sorted(tasks, key=lambda task: digest("panel", seed, task))
    return Panel(seed, tuple(ids[:train]), tuple(ids[train:]))


def split(seed: int, train: int, held_out: int) -> Panel:
    """The ids in their order, the last `held_out` held out.

    For environments with splits of their own, which have the training split first.
    Raises what `panel` raises.
    """
    _check(train, held_out)
    ids = tuple(range(train + held_out))
    return Panel(seed, ids[:train], ids[train:])


def _check(train: int, held_out: int) -> None:
    for name, count in (("train", train), ("held_out", held_out)):
        if count < 0:
            raise ValueError(f"a panel cannot have {name}={count} tasks; give >= 0")
    if train + held_out == 0:
        raise ValueError("a panel needs a task: train and held_out are both 0")


def digest(*parts: int | str) -> bytes:
    """32 bytes that depend on `parts` and their order, and on nothing else."""
    return hashlib.sha256(repr(parts).encode()).digest()
