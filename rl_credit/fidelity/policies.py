"""Policies at which estimators are scored: knowing nothing, and having learned some."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from rl_credit.fidelity import exact
from rl_credit.fidelity.process import Process, Tables
from rl_credit.types import record

STEPS = 400  # of the ascent
# The epsilon keeps rounding from moving the logits of states where nothing matters.
ADAM = optax.adam(0.05, eps=1e-4)


@record
class Ascent:
    """Where an ascent stands."""

    step: Int[Array, ""]
    logits: Float[Array, "observations actions"]
    reached: Float[Array, ""]  # the return of these logits, its mean over the tasks
    best: Float[Array, ""]  # the highest return so far
    moments: Any  # of Adam


def uniform(process: Process) -> Float[Array, "observations actions"]:
    """The logits of the policy to which all actions are alike."""
    return jnp.zeros((process.num_observations, process.num_actions), jnp.float32)


def halfway(
    process: Process, *, share: float = 0.5
) -> Float[Array, "observations actions"]:
    """The logits of a policy that has learned a share of what there is to learn.

    From the uniform policy, `STEPS` steps of Adam climb the exact gradient of the
    return, its mean over the tasks. The policy is the first on the way that has gained
    `share` of what the best on the way gains. Nothing is drawn.

    Raises ValueError for a share that is not above 0 and at most 1.
    """
    check_share(share)
    tables, horizon = process.tables, process.horizon
    begun = uniform(process)
    nothing = climb(tables, begun, jnp.float32(-jnp.inf), horizon).reached
    most = climb(tables, begun, jnp.float32(jnp.inf), horizon).best
    return climb(tables, begun, nothing + share * (most - nothing), horizon).logits


def check_share(share: float) -> None:
    """Raises ValueError as `halfway` does."""
    if not 0.0 < share <= 1.0:
        raise ValueError(f"share is {share}; it must be above 0 and at most 1")


@functools.partial(jax.jit, static_argnames="horizon")
def climb(
    tables: Tables,
    logits: Float[Array, "observations actions"],
    target: Float[Array, ""],
    horizon: int,
) -> Ascent:
    """Climbs from these logits until the return is `target`, or after `STEPS` steps."""

    def reached(logits: Array) -> Array:
        return jnp.mean(exact.solve(tables, logits, horizon).returns)

    def going(now: Ascent) -> Array:
        return (now.reached < target) & (now.step < STEPS)

    def step(now: Ascent) -> Ascent:
        uphill = exact.gradient(tables, now.logits, horizon)
        change, moments = ADAM.update(-uphill, now.moments)
        logits = now.logits + change
        value = reached(logits)
        best = jnp.maximum(now.best, value)
        return Ascent(now.step + 1, logits, value, best, moments)

    logits = logits.astype(tables.chance.dtype)
    value = reached(logits)
    begun = Ascent(jnp.int32(0), logits, value, value, ADAM.init(logits))
    return jax.lax.while_loop(going, step, begun)
