"""Times our code and a peer's alternately in one process."""

import dataclasses
import time
from collections.abc import Callable

import jax
import numpy as np

SECONDS = 4.0  # a pair of runs is repeated for about so long ...
ROUNDS = (3, 40)  # ... but at least and at most so often


@dataclasses.dataclass(frozen=True)
class Case:
    """The same work done by us and by a peer; both take no argument."""

    name: str
    size: str  # such as "10k rows"
    ours: Callable[[], object]
    peer_name: str
    peer: Callable[[], object] | None = None  # None: `peer_name` says why
    goal: str = ""  # what we hold ourselves to
    tolerance: float = 2e-3  # both sides must agree so far, or their times mean nothing


@dataclasses.dataclass(frozen=True)
class Timing:
    """Milliseconds after compilation; `compiled` is what the first call took longer."""

    name: str
    size: str
    ours: list[float]
    peer_name: str
    peer: list[float]
    compiled: float
    goal: str

    @property
    def ratio(self) -> float | None:
        """How many times as long the peer takes: the median over pairs of runs."""
        if not self.peer:
            return None
        return float(np.median(np.divide(self.peer, self.ours)))

    def as_json(self) -> dict:
        """All that was measured, and the medians."""
        medians = dict(
            ours_median=float(np.median(self.ours)),
            peer_median=float(np.median(self.peer)) if self.peer else None,
            ratio_median=self.ratio,
        )
        return {**dataclasses.asdict(self), **medians}


def measure(case: Case) -> Timing:
    """Runs ours and the peer in turn, each first once: to compile, and to compare.

    Raises AssertionError where the two do not do the same work.
    """
    first = _once(case.ours)
    if case.peer is not None:
        np.testing.assert_allclose(
            np.asarray(case.ours()),
            np.asarray(case.peer()),
            rtol=case.tolerance,
            atol=case.tolerance,
            err_msg=case.name,
        )
    ours: list[float] = []
    peer: list[float] = []
    start = time.perf_counter()
    while len(ours) < ROUNDS[0] or (
        len(ours) < ROUNDS[1] and time.perf_counter() - start < SECONDS
    ):
        ours.append(_once(case.ours))
        if case.peer is not None:
            peer.append(_once(case.peer))
    compiled = max(first - float(np.median(ours)), 0.0)
    return Timing(
        case.name, case.size, ours, case.peer_name, peer, compiled, case.goal
    )


def _once(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    jax.block_until_ready(run())
    return 1e3 * (time.perf_counter() - start)
