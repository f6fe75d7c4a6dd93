"""Which tasks an iteration plays, and which of its episodes it learns from."""

import dataclasses
from collections.abc import Callable, Sequence

import jax
import numpy as np
from jaxtyping import Array, Key

from rl_credit.rollout.episodes import Episode
from rl_credit.runtime import hosts

Play = Callable[[Key[Array, ""], Sequence[int]], list[Episode]]


@dataclasses.dataclass(frozen=True)
class Collected:
    """The episodes of an iteration."""

    episodes: list[Episode]  # that did not fail, attempts at a task side by side
    handed: int  # tasks handed out for them
    failed: int  # episodes dropped for a fault of their environment
    flat: int  # groups whose attempts all scored the same
    groups: int  # groups played
    dropped: list[Episode]  # played besides: failed, or of a group without spread

    def scalars(self) -> dict[str, float]:
        """For metrics."""
        flat = self.flat / max(self.groups, 1)
        return {"train/failed": float(self.failed), "train/flat_groups": flat}


def tasks(panel: Sequence[int], seed: int, start: int, count: int) -> list[int]:
    """Tasks `start` to `start + count` of an endless round, each pass in a new order.

    Depends on the arguments alone, so that a run goes on where it stopped.
    """
    chosen = []
    for place in range(start, start + count):
        turn, number = divmod(place, len(panel))
        order = np.random.default_rng([seed, turn]).permutation(len(panel))
        chosen.append(panel[order[number]])
    return chosen


def collect(
    play: Play,
    key: Key[Array, ""],
    panel: Sequence[int],
    *,
    seed: int,
    start: int,
    count: int,
    resample: int,
) -> Collected:
    """Plays `count` tasks, from the `start`-th on.

    With `resample` it plays up to that many rounds more while groups without spread,
    which teach most estimators nothing, take the place of others; DAPO's dynamic
    sampling (arXiv 2503.14476, 3.2). What is left in the last round stays.

    Of several hosts each plays every so-manieth task, and as many rounds as the others:
    a round has as many tasks for each as the neediest wants, so that all have handed
    out the same and none is played twice or left out. `count` and what is `handed` are
    those of all hosts; the rest is this host's.

    Raises RuntimeError where every episode failed.
    """
    count //= jax.process_count()
    kept: list[Episode] = []
    dropped: list[Episode] = []
    handed = failed = flat = groups = 0
    for trial in range(resample + 1):
        lacking = count - len({episode.group for episode in kept})
        missing = int(hosts.largest(np.asarray(lacking))) * jax.process_count()
        if missing <= 0:
            break
        chosen = hosts.own(tasks(panel, seed, start + handed, missing))
        episodes = play(_own(jax.random.fold_in(key, trial)), chosen)
        for episode in episodes:
            episode.group += handed
        handed += missing
        whole = [episode for episode in episodes if episode.failure is None]
        failed += len(episodes) - len(whole)
        scores = _scores(whole)
        dull = {group for group, own in scores.items() if len(own) == 1}
        flat, groups = flat + len(dull), groups + len(scores)
        last = trial == resample
        stay = whole if last else [e for e in whole if e.group not in dull]
        kept += stay
        dropped += [e for e in episodes if not any(e is one for one in stay)]
    if not kept:
        raise RuntimeError(
            f"all {failed} episodes of an iteration failed: see `env.step_timeout` "
            "and what the environment printed"
        )
    return Collected(kept, handed, failed, flat, groups, dropped)


def _own(key: Key[Array, ""]) -> Key[Array, ""]:
    """Another key on every host; with one host, the key."""
    host = jax.process_index()
    return jax.random.fold_in(key, host) if jax.process_count() > 1 else key


def _scores(episodes: Sequence[Episode]) -> dict[int, set[float]]:
    """The different scores of each group."""
    scores: dict[int, set[float]] = {}
    for episode in episodes:
        scores.setdefault(episode.group, set()).add(episode.score)
    return scores
