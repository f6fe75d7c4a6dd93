"""Sums, means and deviations of rows that share an id, and ids for equal keys.

Rows are flat. Ids are integers in [0, rows) in any order; a table has one entry per
possible id, so its length is that of the rows and no shape depends on the data.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt32

from rl_credit.ops import hashing, masked

FLAT = 4 * float(jnp.finfo(jnp.float32).eps)  # a relative deviation that is rounding


def total(
    values: Float[Array, " rows"],
    ids: Int[Array, " rows"],
    where: Bool[Array, " rows"] | None = None,
) -> Float[Array, " rows"]:
    """Table of the sum of each id's rows."""
    return jax.ops.segment_sum(masked.keep(values, where), ids, values.shape[0])


def count(
    ids: Int[Array, " rows"], where: Bool[Array, " rows"] | None = None
) -> Float[Array, " rows"]:
    """Table of how many rows each id has."""
    return total(jnp.ones(ids.shape, jnp.float32), ids, where)


def mean(
    values: Float[Array, " rows"],
    ids: Int[Array, " rows"],
    where: Bool[Array, " rows"] | None = None,
) -> Float[Array, " rows"]:
    """Table of the mean of each id's rows; 0 for an id without rows."""
    return total(values, ids, where) / jnp.maximum(count(ids, where), 1.0)


def lowest(
    values: Float[Array, " rows"],
    ids: Int[Array, " rows"],
    where: Bool[Array, " rows"] | None = None,
) -> Float[Array, " rows"]:
    """Table of the lowest of each id's rows; inf without rows. Passes no gradient."""
    values = jax.lax.stop_gradient(values)
    kept = values if where is None else jnp.where(where, values, jnp.inf)
    return jax.ops.segment_min(kept, ids, values.shape[0])


def statistics(
    values: Float[Array, " rows"],
    ids: Int[Array, " rows"],
    where: Bool[Array, " rows"] | None = None,
    sample: Bool[Array, " rows"] | None = None,
    *,
    ddof: int = 1,
) -> tuple[Float[Array, " rows"], Float[Array, " rows"]]:
    """Each row less the mean of its id, and the table of the ids' deviations, two-pass.

    The id's lowest value goes first, so that an offset they share costs no precision.
    Where all are equal both are exactly 0; the deviation already where the rows differ
    by no more than the rounding of float32: where it is up to 4 eps (5e-7) of their
    size. Mean and deviation are those of the rows in `sample`, which are all kept rows
    if not given; an id without any gets 0.
    """
    counted = where if sample is None else sample
    members = count(ids, counted)
    lows = lowest(values, ids, counted)
    low = lows[ids]
    kept = jnp.isfinite(low) if where is None else where & jnp.isfinite(low)
    shifted = masked.keep(values - low, kept)
    means = total(shifted, ids, counted) / jnp.maximum(members, 1.0)
    centred = masked.keep(shifted - means[ids], kept)
    squares = total(jnp.square(centred), ids, counted)
    variances = squares / jnp.maximum(members - ddof, 1.0)
    spread = jnp.sqrt(jnp.where(squares > 0, variances, 1.0))
    varied = (squares > 0) & (spread > FLAT * jnp.abs(lows))
    return centred, jnp.where(varied, spread, 0.0)


def centre(
    values: Float[Array, " rows"],
    ids: Int[Array, " rows"],
    where: Bool[Array, " rows"] | None = None,
    sample: Bool[Array, " rows"] | None = None,
) -> Float[Array, " rows"]:
    """The first of `statistics`."""
    return statistics(values, ids, where, sample)[0]


def deviation(
    values: Float[Array, " rows"],
    ids: Int[Array, " rows"],
    where: Bool[Array, " rows"] | None = None,
    *,
    ddof: int = 1,
) -> Float[Array, " rows"]:
    """The second of `statistics`."""
    return statistics(values, ids, where, ddof=ddof)[1]


def divide(
    centred: Float[Array, " rows"], deviations: Float[Array, " rows"], epsilon: float
) -> Float[Array, " rows"]:
    """`centred / (deviations + epsilon)`, exactly 0 where there is no deviation."""
    varied = deviations > 0
    scaled = centred / (jnp.where(varied, deviations, 1.0) + epsilon)
    return jnp.where(varied, scaled, 0.0)


def firsts(
    ids: Int[Array, " rows"], where: Bool[Array, " rows"] | None = None
) -> Bool[Array, " rows"]:
    """True at the first kept row of each id."""
    rows = jnp.arange(ids.shape[0], dtype=jnp.int32)
    kept = rows if where is None else jnp.where(where, rows, ids.shape[0])
    return jax.ops.segment_min(kept, ids, ids.shape[0])[ids] == rows


def dense_ids(
    keys: UInt32[Array, "rows words"], where: Bool[Array, " rows"] | None = None
) -> Int[Array, " rows"]:
    """Numbers the distinct keys 0, 1, ... by first appearance: equal keys, equal id.

    Rows that `where` drops share the id after the last one in use.
    """
    rows = keys.shape[0]
    kept = jnp.ones(rows, bool) if where is None else where
    order = jnp.arange(rows, dtype=jnp.int32)
    opened = _first_equal(keys, kept)
    numbers = jnp.cumsum(kept & (opened == order), dtype=jnp.int32)
    unused = jnp.minimum(jnp.max(numbers, initial=0), rows - 1)
    return jnp.where(kept, numbers[opened] - 1, unused)


@jax.jit
def _first_equal(
    keys: UInt32[Array, "rows words"], where: Bool[Array, " rows"]
) -> Int[Array, " rows"]:
    """For each row the first kept one with the same key.

    A hash table: the first row that asks for a slot gets it, the rows with its key are
    done, all others ask for another slot. Two or three rounds; a sort takes ten times
    as long.
    """
    rows = keys.shape[0]
    slots = 1 << rows.bit_length()
    order = jnp.arange(rows, dtype=jnp.int32)
    start, step = hashing.fingerprint(keys).T

    def ask(state):
        attempt, first, waiting = state
        slot = (start + attempt * (step | 1)) & jnp.uint32(slots - 1)
        slot = slot.astype(jnp.int32)
        asking = jnp.where(waiting, order, rows - 1)
        owner = jnp.full(slots, rows - 1, jnp.int32).at[slot].min(asking)[slot]
        done = waiting & jnp.all(keys[owner] == keys, axis=1)
        return attempt + 1, jnp.where(done, owner, first), waiting & ~done

    start_state = jnp.uint32(0), order, where
    return jax.lax.while_loop(lambda state: jnp.any(state[2]), ask, start_state)[1]
