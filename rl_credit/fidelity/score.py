"""An estimator's scores against the truth, over many seeds in one program."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from rl_credit.fidelity import metrics
from rl_credit.fidelity.case import Case
from rl_credit.fidelity.feed import Feed
from rl_credit.fidelity.plan import Plan
from rl_credit.fidelity.play import Key
from rl_credit.fidelity.sources import Batch, Cost
from rl_credit.types import record

PILOTS = 64  # units by which the cost of one is estimated
BLOCKS = 8  # groups of seeds, each with a bias and a variance of its own


@record
class Cells:
    """Sums over the visits of each step: time, state, action."""

    visits: Float[Array, "*seeds horizon states actions"]
    credit: Float[Array, "*seeds horizon states actions"]
    squares: Float[Array, "*seeds horizon states actions"]


@record
class Scores:
    """What is known of an estimator in a case. The first axis is that of seeds."""

    spearman: Float[Array, " seeds"]
    sign: Float[Array, " seeds"]
    ranking: Float[Array, " seeds"]
    cosine: Float[Array, " seeds"]  # of the batch's gradient and the exact one
    products: Float[Array, "seeds 3"]  # sums: credit * truth, credit^2, truth^2
    gram: Float[Array, "seeds seeds"]  # inner products of the seeds' gradients
    along: Float[Array, " seeds"]  # gradient * exact gradient / its length
    bias: Float[Array, " blocks"]  # squared, a share of the squared truth
    variance: Float[Array, " blocks"]  # likewise
    cost: Float[Array, "seeds 3"]  # steps, resets, forwards, of the whole batch


class Room(NamedTuple):
    """How much of a batch a budget has room for."""

    units: int  # that are compiled for
    afforded: int  # that are played


def afforded(feed: Feed, case: Case, budget: float) -> int:
    """Units (episodes or trees) that cost `budget` steps; whole groups if it can be."""
    count = int(budget / price(feed, case) + 1e-3)
    group = feed.how.group if feed.tree is None else 1
    return count // group * group if count >= group else count


def price(feed: Feed, case: Case) -> float:
    """Mean cost of a unit, in steps, found by playing `PILOTS`."""
    units = max(feed.how.group, PILOTS // feed.unit)
    return float(_priced(feed, units)(case))


def scores(
    plan: Plan, case: Case, room: Room, *, seeds: int, warmup: int, seed: int = 0
) -> Scores:
    """Scores of `seeds` batches, each of its own seed.

    Estimators that need the same sources see the same batches.

    Args:
      room: see `afforded`.
      warmup: batches of the same policy from which the sources that learn have learned
        before; what they cost is not in `cost`, which is that of one batch.
    """
    keys = jax.random.split(jax.random.key(seed), seeds)
    play = gathered(plan.feed, room.units, warmup if plan.feed.learns else 0)
    batch, cost = play(case, jnp.int32(room.afforded), keys)
    return measured(case, batch, cost, _credited(plan)(batch.trajectories))


@functools.cache
def _priced(feed: Feed, units: int):
    """The mean cost of that many units."""

    @jax.jit
    def price(case: Case) -> Float[Array, ""]:
        whole, states, key = jnp.int32(units), feed.init(case), jax.random.key(0)
        _, cost, _ = feed.batch(case, case.logits, units, whole, states, key)
        return jnp.sum(feed.how.price(cost)) / units

    return price


@functools.cache
def gathered(feed: Feed, units: int, warmup: int):
    """One batch a key, after as many before it as the sources are to learn from."""

    def one(case: Case, afforded: Int[Array, ""], key: Key) -> tuple[Batch, Cost]:
        def play(states: tuple, key: Key) -> tuple[Batch, Cost, tuple]:
            return feed.batch(case, case.logits, units, afforded, states, key)

        *earlier, last = jax.random.split(key, warmup + 1)
        states = feed.init(case)
        if earlier:
            learn = lambda states, key: (play(states, key)[2], None)  # noqa: E731
            states, _ = jax.lax.scan(learn, states, jnp.stack(earlier))
        return play(states, last)[:2]

    return jax.jit(jax.vmap(one, in_axes=(None, None, 0)))


@functools.cache
def _credited(plan: Plan):
    """Advantages of many batches."""
    return jax.jit(jax.vmap(plan.credit))


@jax.jit
def measured(
    case: Case,
    batch: Batch,
    cost: Cost,
    credit: Float[Array, "seeds rows spans"],
) -> Scores:
    """The scores of that credit."""
    found, gradients, cells = jax.vmap(functools.partial(_one, case))(batch, credit)
    flat = gradients.reshape(gradients.shape[0], -1)
    gram = jnp.matmul(flat, flat.T, precision="highest")
    length = jnp.sqrt(jnp.sum(jnp.square(case.gradient)))
    along = flat @ case.gradient.reshape(-1) / jnp.where(length > 0, length, 1.0)
    bias, variance = _errors(case, cells)
    spent = jnp.stack([jnp.sum(x, axis=1) for x in vars(cost).values()], axis=1)
    known = dict(gram=gram, along=along, bias=bias, variance=variance, cost=spent)
    return Scores(**known, **found)


def _one(
    case: Case, batch: Batch, credit: Float[Array, "rows spans"]
) -> tuple[dict[str, Array], Array, Cells]:
    """The metrics, the gradient and the cells of one seed."""
    where, played = batch.trajectories.where, batch.played
    credit = metrics.settled(credit, where)
    place = played.times, played.states, played.actions
    truth = jnp.where(where, case.advantages[place], 0.0)
    gradient = metrics.policy_gradient(
        credit, case.logits, batch.seen, played.actions, where
    )
    pairs = (credit, truth), (credit, credit), (truth, truth)
    found = dict(
        products=jnp.stack([jnp.sum(one * other) for one, other in pairs]),
        spearman=metrics.spearman(credit, truth, where),
        sign=metrics.sign_agreement(credit, truth, where),
        ranking=metrics.ranking(credit, truth, played, where),
        cosine=metrics.cosine(gradient, case.gradient),
    )
    nothing, kept = jnp.zeros_like(case.advantages), where.astype(jnp.float32)
    sums = (nothing.at[place].add(kept * x) for x in (1.0, credit, credit**2))
    return found, gradient, Cells(*sums)


def _errors(
    case: Case, cells: Cells
) -> tuple[Float[Array, " blocks"], Float[Array, " blocks"]]:
    """Squared bias and variance, as shares of the mean squared advantage.

    Of each step (time, state, action) that a block of seeds came to at least twice,
    weighed by visits; a squared mean is less what it owes to chance. Methods that
    divide by a deviation have no unit of their own, so credit is first brought to that
    in which its means are nearest to the truth over all blocks.
    """
    blocks = min(BLOCKS, cells.visits.shape[0])
    whole = cells.visits.shape[0] // blocks * blocks
    visits, sums, squares = (
        x[:whole].reshape(blocks, -1, *x.shape[1:]).sum(1)
        for x in (cells.visits, cells.credit, cells.squares)
    )
    weights = jnp.where(visits > 1, visits, 0.0)
    count = jnp.maximum(weights, 2.0)
    mean = sums / count
    variance = jnp.maximum(squares / count - mean**2, 0.0) * count / (count - 1)
    truth = case.advantages[None]
    both = jnp.sum(weights * mean * truth)
    own = jnp.sum(weights * mean**2)
    unit = jnp.maximum(both, 0.0) / jnp.where(own > 0, own, 1.0)
    bias = (unit * mean - truth) ** 2 - unit**2 * variance / count
    axes = (1, 2, 3)
    power = jnp.sum(weights * truth**2, axes)
    power = jnp.where(power > 0, power, jnp.nan)
    return (
        jnp.sum(weights * bias, axes) / power,
        jnp.sum(weights * unit**2 * variance, axes) / power,
    )


def host(found: Scores) -> dict[str, np.ndarray]:
    """The arrays by name, as NumPy's."""
    return {name: np.asarray(array) for name, array in vars(found).items()}
