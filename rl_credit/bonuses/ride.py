"""Rewarding impact-driven exploration, RIDE (arXiv 2002.12292)."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rl_credit.bonuses import features
from rl_credit.bonuses.counts import EpisodicCount
from rl_credit.bonuses.icm import ICM
from rl_credit.bonuses.seen import Seen
from rl_credit.types import record


@record
class RIDEState:
    """What was learned, and where the episode has been."""

    dynamics: Any  # Learner of encoder, inverse and forward model
    tables: Any  # of EpisodicCount


@dataclasses.dataclass(frozen=True)
class RIDE(ICM):
    """Pays `||phi(s_(t+1)) - phi(s_t)|| / sqrt(visits of s_(t+1) in the episode)`.

    Features are learned as those of ICM, visits counted as in `EpisodicCount`.
    """

    num_keys: int = 0
    buckets: int = EpisodicCount.buckets

    def __post_init__(self):
        super().__post_init__()
        self._visits  # checks `num_keys` and `buckets`

    @property
    def _visits(self) -> EpisodicCount:
        return EpisodicCount("inverse_sqrt", self.num_keys, self.buckets)

    def init(self, key: Array, seen: Seen) -> Any:
        key_dynamics, key_tables = jax.random.split(key)
        tables = self._visits.init(key_tables, seen)
        return RIDEState(super().init(key_dynamics, seen), tables)

    def pay(self, state: Any, seen: Seen) -> tuple[Any, Float[Array, "time envs"]]:
        encoder = state.dynamics.params["encoder"]
        before = features.encode(encoder, features.rows(seen.observations))
        after = features.encode(encoder, features.rows(seen.next_observations))
        impact = jnp.sqrt(jnp.sum(jnp.square(after - before), axis=1))
        tables, weights = self._visits.pay(state.tables, seen)
        paid = impact.reshape(weights.shape) * weights
        return dataclasses.replace(state, tables=tables), paid

    def learn(self, state: Any, seen: Seen, key: Array) -> tuple[Any, dict[str, Array]]:
        learner, scalars = super().learn(state.dynamics, seen, key)
        return dataclasses.replace(state, dynamics=learner), scalars
