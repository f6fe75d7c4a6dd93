"""Counts of visited states, within the episode and over the whole of training.

The study (arXiv 2306.03236, section 3) pays the first visit of an episode, the inverse
square root of all visits, or the product of both. A visit is counted once, wherever
rollouts are cut. The state in which an episode begins is visited, though no step is
paid for it. Environments that visit one state in the same step are counted in their
order, all beginnings of a step before its successors; hence the visits of a state
are 1, 2, 3, ... whatever the number of environments.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rl_credit.bonuses.bonus import Bonus
from rl_credit.bonuses.seen import Seen
from rl_credit.ops import hashing, names

KINDS = {
    "indicator": lambda visits: (visits == 1).astype(jnp.float32),
    "inverse_sqrt": lambda visits: jax.lax.rsqrt(visits.astype(jnp.float32)),
}
ROWS = 2  # of a hashed table, one for each word of a fingerprint
WORD = 1 << 32


@dataclasses.dataclass(frozen=True)
class Count(Bonus):
    """A table of visits and what a visit is worth.

    With `num_keys` the table has an entry for each of `Seen.keys`, which are in
    [0, num_keys), and is exact. With 0 it counts observations by their fingerprints: a
    state's visits are the smaller of the entries in two rows of `buckets` (a count-min
    sketch). A state that was never visited then looks as if it was with a probability
    of `(1 - (1 - 1 / buckets)^n)^2` after n different ones; no count is ever too low.

    Raises:
        ValueError: for a kind nobody knows, and a table without entries.
    """

    kind: str
    num_keys: int
    buckets: int

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(names.unknown("kind of count", self.kind, KINDS))
        if self.num_keys < 0 or self.buckets < 1:
            raise ValueError(
                f"num_keys={self.num_keys} and buckets={self.buckets}: give the number "
                "of keys, or num_keys=0 and at least one bucket"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and entries of one table."""
        return (1, self.num_keys) if self.num_keys else (ROWS, self.buckets)

    def places(self, seen: Seen) -> Int[Array, "rows time 2 envs"]:
        """The entry of each step's state, which counts if it starts, and successor."""
        if self.num_keys:
            return jnp.stack([seen.start_keys, seen.keys], axis=1)[None]
        both = jnp.stack([seen.observations, seen.next_observations], axis=1)
        words = hashing.fingerprint(both.reshape(*both.shape[:3], -1))
        places = (words % jnp.uint32(self.buckets)).astype(jnp.int32)
        return jnp.moveaxis(places, -1, 0)


@dataclasses.dataclass(frozen=True)
class EpisodicCount(Count):
    """Visits since the episode began, a table for each environment."""

    kind: str = "indicator"
    num_keys: int = 0
    buckets: int = 1024

    def init(self, key: Array, seen: Seen) -> Int[Array, "rows envs entries"]:
        rows, entries = self.shape
        return jnp.zeros((rows, seen.starts.shape[1], entries), jnp.int32)

    def pay(self, state: Any, seen: Seen) -> tuple[Any, Float[Array, "time envs"]]:
        state, visits = self.visits(state, seen)
        return state, KINDS[self.kind](visits)

    def visits(
        self, tables: Int[Array, "rows envs entries"], seen: Seen
    ) -> tuple[Int[Array, "rows envs entries"], Int[Array, "time envs"]]:
        """How often each successor was visited in its episode, this visit included."""
        where = jnp.stack([seen.starts, jnp.ones_like(seen.starts)], axis=1)
        opens = jnp.stack([seen.starts, jnp.zeros_like(seen.starts)], axis=1)
        where, opens = (_by_environment(flags) for flags in (where, opens))
        places = jax.vmap(_by_environment)(self.places(seen))
        each = jax.vmap(visit)  # over environments, then rows
        tables, counts = jax.vmap(each, in_axes=(0, 0, None, None))(
            tables, places, where, opens
        )
        return tables, jnp.min(counts, axis=0)[:, 1::2].T


@dataclasses.dataclass(frozen=True)
class GlobalCount(Count):
    """Visits since training began, one table for all environments."""

    kind: str = "inverse_sqrt"
    num_keys: int = 0
    buckets: int = 1 << 16

    def init(self, key: Array, seen: Seen) -> Int[Array, "rows entries"]:
        return jnp.zeros(self.shape, jnp.int32)

    def pay(self, state: Any, seen: Seen) -> tuple[Any, Float[Array, "time envs"]]:
        state, visits = self.visits(state, seen)
        return state, KINDS[self.kind](visits)

    def visits(
        self, tables: Int[Array, "rows entries"], seen: Seen
    ) -> tuple[Int[Array, "rows entries"], Int[Array, "time envs"]]:
        """How often each successor was visited in all, this visit included."""
        where = jnp.stack([seen.starts, jnp.ones_like(seen.starts)], axis=1)
        places = self.places(seen)
        flat = places.reshape(places.shape[0], -1)
        count = jax.vmap(visit, in_axes=(0, 0, None))
        tables, counts = count(tables, flat, where.reshape(-1))
        return tables, jnp.min(counts, axis=0).reshape(where.shape)[:, 1]


def visit(
    table: Int[Array, " entries"],
    places: Int[Array, " visits"],
    where: Bool[Array, " visits"],
    opens: Bool[Array, " visits"] | None = None,
) -> tuple[Int[Array, " entries"], Int[Array, " visits"]]:
    """Counts visits in their order; each gets the number of those of its entry.

    Args:
        where: False: no visit, and its number means nothing.
        opens: True: all entries go back to 0 before this visit.
    """
    entries, count = table.shape[0], places.shape[0]
    if opens is None:
        since, most = jnp.zeros_like(places), 1
    else:
        since, most = jnp.cumsum(opens, dtype=jnp.int32), count + 1
    ids = jnp.where(where, since * entries + places, most * entries)
    numbers = 1 + ranks(ids, most * entries + 1)
    numbers += jnp.where(since == 0, table[places], 0)
    kept = where & (since == since[-1])
    table = jnp.where(since[-1] == 0, table, 0)
    return table.at[places].add(kept.astype(jnp.int32)), numbers


def ranks(ids: Int[Array, " rows"], limit: int) -> Int[Array, " rows"]:
    """How many rows before each have the same id, by a sort; ids in [0, limit)."""
    rows = ids.shape[0]
    order = jnp.arange(rows, dtype=jnp.int32)
    if limit * rows <= WORD:  # one word holds both: a sort several times as fast
        packed = ids.astype(jnp.uint32) * jnp.uint32(rows) + order.astype(jnp.uint32)
        packed = jnp.sort(packed)
        ordered = packed // jnp.uint32(rows)
        origin = (packed % jnp.uint32(rows)).astype(jnp.int32)
    else:
        ordered, origin = jax.lax.sort((ids, order), num_keys=1, is_stable=True)
    changed = jnp.concatenate([jnp.ones(1, bool), ordered[1:] != ordered[:-1]])
    first = jax.lax.cummax(jnp.where(changed, order, 0))
    return jnp.zeros(rows, jnp.int32).at[origin].set(
        order - first, unique_indices=True
    )


def _by_environment(array: Array) -> Array:
    """[time, 2, envs] to [envs, 2 * time]."""
    return array.reshape(-1, array.shape[-1]).T
