"""Times our code and a peer's alternately."""

import dataclasses
import time
from collections.abc import Callable

import jax
import numpy as np

SECONDS = 4.0  # a pair of runs is repeated for about so long ...
ROUNDS = (3, 40)  # ... but at least and at most so often


@dataclasses.dataclass(frozen=True)
class Took:
    """What a run returns if it measures itself, in another process or by CPU time."""

    seconds: float


@dataclasses.dataclass(frozen=True)
class Case:
    """The same work done by us and by a peer; both take no argument.

    They return the result of the work, or a `Took`, which has none to compare.
    """

    name: str
    size: str  # such as "10k rows"
    ours: Callable[[], object]
    peer_name: str
    peer: Callable[[], object] | None = None  # None: `peer_name` says why
    goal: str = ""  # what we hold ourselves to
    tolerance: float = 2e-3  # both sides must agree so far, or their times mean nothing
    steps: int = 0  # of the environments, in a run; 0: it is not about steps


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
    steps: int = 0

    @property
    def ratio(self) -> float | None:
        """How many times as long the peer takes: the median over pairs of runs."""
        if not self.peer:
            return None
        return float(np.median(np.divide(self.peer, self.ours)))

    def rate(self, times: list[float]) -> float:
        """Steps in a second at the median of these times."""
        return 1e3 * self.steps / float(np.median(times))

    def as_json(self) -> dict:
        """All that was measured, and the medians."""
        medians = dict(
            ours_median=float(np.median(self.ours)),
            peer_median=float(np.median(self.peer)) if self.peer else None,
            ratio_median=self.ratio,
        )
        if self.steps:
            medians["ours_rate"] = self.rate(self.ours)
            medians["peer_rate"] = self.rate(self.peer) if self.peer else None
        return {**dataclasses.asdict(self), **medians}


def measure(case: Case) -> Timing:
    """Runs ours and the peer in turn, each first once: to compile, and to compare.

    Raises AssertionError where the two do not do the same work.
    """
    first = _once(case.ours)
    if case.peer is not None:
        _compare(case, case.ours(), case.peer())
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
        case.name,
        case.size,
        ours,
        case.peer_name,
        peer,
        compiled,
        case.goal,
        case.steps,
    )


def _compare(case: Case, ours: object, peer: object) -> None:
    if isinstance(ours, Took) or isinstance(peer, Took):
        return
    np.testing.assert_allclose(
        np.asarray(ours),
        np.asarray(peer),
        rtol=case.tolerance,
        atol=case.tolerance,
        err_msg=case.name,
    )


def _once(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    result = jax.block_until_ready(run())
    if isinstance(result, Took):
        return 1e3 * result.seconds
    return 1e3 * (time.perf_counter() - start)
