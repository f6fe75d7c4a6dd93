"""How much the contexts of a task share, measured with exact values.

Source: arXiv 2306.03236, section 4, which asks how much the value of a feature varies
over contexts, V*_c(z) = inf over the states s with feature z of V*_c(s). The paper
gives no number; `shared_variance` is ours.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from rl_credit.envs.grid import room_models
from rl_credit.envs.grid.room_models import LOST, Model
from rl_credit.envs.grid.rooms import Rooms
from rl_credit.envs.grid.rooms_words import Message

TOLERANCE = 1e-7  # of a sweep's largest change, at which values stand
SAMPLED = 128  # levels that stand for those of fresh episodes


class Features(NamedTuple):
    """The least value of each feature in each context."""

    values: Float[np.ndarray, "contexts features"]
    occurs: Bool[np.ndarray, "contexts features"]  # some reachable state has it


def measured(env: Rooms, *, discount: float) -> dict[str, float]:
    """`shared_variance` by "position" and by "message", over a task's contexts.

    Where episodes are fresh, `SAMPLED` levels stand for all.

    Raises ValueError for a task that has no tables (`room_models.check`).
    """
    models = room_models.models(env, levels(env))
    known, worth = np.asarray(reachable(models)), np.asarray(values(models, discount))
    return {
        "position": shared_variance(positions(env, known, worth)),
        "message": shared_variance(messages(env, models, known, worth)),
    }


def tabulated(env: Rooms) -> bool:
    """Whether the task has tables, so that it can be `measured`."""
    try:
        room_models.check(env)
    except ValueError:
        return False
    return True


def levels(env: Rooms) -> np.ndarray:
    """The contexts of the environment; of fresh ones, `SAMPLED` drawn with seed 0."""
    if env.contexts.numbers is not None:
        return env.contexts.numbers
    random = np.random.default_rng(0)
    count = min(SAMPLED, env.contexts.size)
    return random.choice(env.contexts.size, count, replace=False).astype(np.int32)


@jax.jit
def values(
    models: Model, discount: float | Float[Array, ""]
) -> Float[Array, "levels states"]:
    """V* of every state, by value iteration: the discounted chance of the staircase.

    A deterministic level gives discount ** (steps - 1). Time has no limit here.
    """

    def backup(model: Model, old: Array) -> Array:
        reached = jnp.where(model.ahead == LOST, 0.0, old[model.ahead])
        stayed = old[:, None]
        expected = model.chance * reached + (1.0 - model.chance) * stayed
        return jnp.max(jnp.where(model.paid, 1.0, discount * expected), axis=1)

    def sweep(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        old, _ = carry
        new = jax.vmap(backup)(models, old)
        return new, jnp.max(jnp.abs(new - old))

    nothing = jnp.zeros(models.ahead.shape[:2], jnp.float32)
    start = nothing, jnp.float32(1.0)
    return jax.lax.while_loop(lambda carry: carry[1] > TOLERANCE, sweep, start)[0]


@jax.jit
def reachable(models: Model) -> Bool[Array, "levels states"]:
    """The states that some play comes to; where an episode ends is none of them."""

    def spread(model: Model, old: Array) -> Array:
        goes = old[:, None] & (model.ahead != LOST)
        ahead = jnp.maximum(model.ahead, 0)
        return old.at[ahead].max(goes)

    def sweep(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        old, _ = carry
        new = jax.vmap(spread)(models, old)
        return new, jnp.any(new != old)

    states = jnp.arange(models.ahead.shape[1])
    start = states[None] == models.start[:, None]
    carry = start, jnp.bool_(True)
    return jax.lax.while_loop(lambda carry: carry[1], sweep, carry)[0]


def positions(
    env: Rooms,
    known: Bool[np.ndarray, "levels states"],
    worth: Float[np.ndarray, "levels states"],
) -> Features:
    """The feature is the cell; the staircase, where nothing is to come, is left out."""
    least = np.where(known, worth, np.inf)
    least = least.reshape(len(least), -1, env.num_positions).min(axis=1)
    return _features(least)


def messages(
    env: Rooms,
    models: Model,
    known: Bool[np.ndarray, "levels states"],
    worth: Float[np.ndarray, "levels states"],
) -> Features:
    """The feature is what the last action brought up; those of an end are left out."""
    says, chance = np.asarray(models.says), np.asarray(models.chance)
    ahead = np.asarray(models.ahead)
    level = np.arange(len(worth))[:, None, None]
    goes = known[:, :, None] & (ahead != LOST)
    reached = np.where(goes, worth[level, ahead], np.inf)
    fails = goes & (chance < 1)
    resists = np.where(fails, worth[:, :, None], np.inf).min((1, 2))
    least = np.full((len(worth), env.num_messages), np.inf, np.float32)
    np.minimum.at(least, (level, says), reached)
    least[:, Message.DOOR_RESISTS] = np.minimum(least[:, Message.DOOR_RESISTS], resists)
    begins = worth[level[:, 0, 0], np.asarray(models.start)]
    least[:, Message.SILENCE] = np.minimum(least[:, Message.SILENCE], begins)
    return _features(least)


def shared_variance(features: Features) -> float:
    """The part of the values' variance that is between contexts, not between features.

    E_z[Var_c(V_c(z) | z occurs in c)] / Var_{c,z}(V_c(z)), features weighed by how
    often they occur: 0 where a feature is worth the same in every context (shared
    structure: what was visited once need not be again), 1 where it says nothing.
    Features of one context only count as shared; no variance at all is 0.
    """
    values, occurs = features
    weights = occurs.astype(np.float64)
    count = np.maximum(weights.sum(0), 1.0)
    kept = np.where(occurs, values, 0.0)
    means = kept.sum(0) / count
    within = np.sum(weights * (kept - means) ** 2)
    centre = kept.sum() / weights.sum()
    total = np.sum(weights * (kept - centre) ** 2)
    return float(within / total) if total > 1e-12 else 0.0


def _features(least: np.ndarray) -> Features:
    occurs = np.isfinite(least)
    return Features(np.where(occurs, least, 0.0), occurs)
