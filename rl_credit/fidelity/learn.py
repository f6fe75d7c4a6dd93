"""What a policy comes to that learns by an estimator's credit."""

import functools

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from rl_credit.fidelity import exact, metrics
from rl_credit.fidelity.case import Case
from rl_credit.fidelity.plan import Plan
from rl_credit.fidelity.play import Key
from rl_credit.fidelity.score import Room

LOOKS = 20  # at the return


def returns(
    plan: Plan,
    case: Case,
    room: Room,
    *,
    seeds: int,
    updates: int,
    rate: float,
    seed: int = 0,
) -> Float[Array, "seeds looks"]:
    """Exact return of the policy, its mean over the tasks, on the way and at the end.

    At most `LOOKS`, equally far apart; updates that do not go into them are left out.

    It starts from the case's policy. An update plays what `room` affords and is one
    step of Adam along the mean gradient, so that the unit of the credit does not
    matter. Sources learn on the way.
    """
    keys = jax.random.split(jax.random.key(seed), seeds)
    return _learned(plan, room.units, updates, rate)(
        case, jnp.int32(room.afforded), keys
    )


def expected(case: Case, logits: Array) -> Float[Array, ""]:
    """The policy's exact return, its mean over the tasks that there are."""
    policy = exact.chances(case.tables, logits)

    def backup(_: Array, values: Array) -> Array:
        return jnp.sum(policy * exact.backed_up(case.tables, values), axis=1)

    nothing = jnp.zeros(policy.shape[0], jnp.float32)
    values = jax.lax.fori_loop(0, case.horizon, backup, nothing)
    tasks = jnp.arange(case.expected.size) < case.num_tasks
    return jnp.sum(jnp.where(tasks, case.tables.starts @ values, 0)) / case.num_tasks


@functools.cache
def _learned(plan: Plan, units: int, updates: int, rate: float):
    """The compiled program of one estimator."""
    looks = min(LOOKS, updates)
    adam = optax.adam(rate, eps=1e-6)

    def alone(case: Case, afforded: Int[Array, ""], key: Key) -> Float[Array, " n"]:
        def update(carry: tuple, key: Key) -> tuple[tuple, None]:
            logits, moments, states = carry
            batch, _, states = plan.feed.batch(
                case, logits, units, afforded, states, key
            )
            where, actions = batch.trajectories.where, batch.played.actions
            credit = metrics.settled(plan.credit(batch.trajectories), where)
            uphill = metrics.policy_gradient(credit, logits, batch.seen, actions, where)
            change, moments = adam.update(-uphill, moments)
            logits = logits + change
            return (logits, moments, states), None

        def look(carry: tuple, keys: Key) -> tuple[tuple, Array]:
            carry, _ = jax.lax.scan(update, carry, keys)
            return carry, expected(case, carry[0])

        start = case.logits, adam.init(case.logits), plan.feed.init(case)
        keys = jax.random.split(key, (looks, updates // looks))
        return jax.lax.scan(look, start, keys)[1]

    return jax.jit(jax.vmap(alone, in_axes=(None, None, 0)))
