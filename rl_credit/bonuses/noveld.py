"""NovelD (arXiv 2012.05568): the gain of novelty, paid once per state and episode."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rl_credit.bonuses.counts import EpisodicCount
from rl_credit.bonuses.rnd import RND
from rl_credit.bonuses.seen import Seen
from rl_credit.types import record


@record
class NovelDState:
    """Novelty, and where the episode has been."""

    rnd: Any  # RNDState
    tables: Any  # of EpisodicCount; None without ERIR


@dataclasses.dataclass(frozen=True)
class NovelD(RND):
    """`max(n(s_(t+1)) - scale * n(s_t), 0)` at the first visit of s_(t+1).

    Novelty n is that of RND, un-squared as in the paper unless `squared`. `erir` is
    the episodic restriction to first visits, counted as in `EpisodicCount`; products
    with another episodic bonus go without. The paper takes a scale of 0.5, the study
    (arXiv 2306.03236) 0.1.
    """

    squared: bool = False
    scale: float = 0.1
    erir: bool = True
    num_keys: int = 0
    buckets: int = EpisodicCount.buckets

    def __post_init__(self):
        self._first  # checks `num_keys` and `buckets`

    @property
    def _first(self) -> EpisodicCount:
        return EpisodicCount("indicator", self.num_keys, self.buckets)

    def init(self, key: Array, seen: Seen) -> Any:
        key_rnd, key_tables = jax.random.split(key)
        tables = self._first.init(key_tables, seen) if self.erir else None
        return NovelDState(super().init(key_rnd, seen), tables)

    def pay(self, state: Any, seen: Seen) -> tuple[Any, Float[Array, "time envs"]]:
        before = self.novelty(state.rnd, seen.observations)
        after = self.novelty(state.rnd, seen.next_observations)
        gained = gain(before, after, scale=self.scale)
        if not self.erir:
            return state, gained
        tables, first = self._first.pay(state.tables, seen)
        return dataclasses.replace(state, tables=tables), gained * first

    def learn(self, state: Any, seen: Seen, key: Array) -> tuple[Any, dict[str, Array]]:
        rnd, scalars = super().learn(state.rnd, seen, key)
        return dataclasses.replace(state, rnd=rnd), scalars


def gain(
    before: Float[Array, "time envs"], after: Float[Array, "time envs"], *, scale: float
) -> Float[Array, "time envs"]:
    """What novelty has risen by; `scale` says how much of the old one is taken off."""
    return jnp.maximum(after - scale * before, 0.0)
