"""Elliptical bonuses of features, the arithmetic of E3B (arXiv 2210.05805).

`b_t = phi_t' C_(t-1)^-1 phi_t` (equation 6 of arXiv 2306.03236), where C is `ridge`
times the identity plus the outer products of the features that the episode has shown
so far. There are two ways to it, and the shapes choose the cheaper one:

- one step after the other: b_t, then the inverse is updated (Sherman and Morrison);
- a block of steps at once. With `K_ts = phi_t' C_0^-1 phi_s`, 0 across episodes, and L
  the Cholesky factor of `I + K`, the determinant lemma gives
  `1 + b_t = det(C_t) / det(C_(t-1)) = L_tt^2`. It is computed as
  `b_t = K_tt - sum_(s<t) L_ts^2`, which loses nothing beside the 1. The rows
  `V = L^-1 (Phi C_0^-1)` take the inverse to the end of the block: `C_0^-1 - V' V`.
"""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

DIM, TIME = 64, 8  # up to here, steps one after the other are faster
BLOCK = 128  # steps at once, when the inverse is carried from one to the next
Ridge = float | Float[Array, ""]
matmul = functools.partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)


def bonus(
    features: Float[Array, "time envs dim"],
    done: Bool[Array, "time envs"],
    *,
    ridge: Ridge = 0.1,
) -> Float[Array, "time envs"]:
    """The bonus of each step, no step before the first one.

    Features should have a length near 1: see `features.unit`.

    Args:
        done: True at the last step of an episode, which still counts to it.
    """
    time, envs, dim = features.shape
    if time <= 2 * dim and dim > DIM // 2:  # one block, and nothing to carry
        batch, episodes = jnp.swapaxes(features, 0, 1), _episodes(done)
        products = matmul(batch, jnp.swapaxes(batch, 1, 2)) / ridge
        return _factor(products, episodes)[1].T
    start = init(envs, dim, ridge=ridge)
    return advance(start, features, done, ridge=ridge)[1]


def init(envs: int, dim: int, *, ridge: Ridge = 0.1) -> Float[Array, "envs dim dim"]:
    """The inverse covariances at the beginning of an episode."""
    return jnp.broadcast_to(jnp.eye(dim) / ridge, (envs, dim, dim))


def advance(
    inverse: Float[Array, "envs dim dim"],
    features: Float[Array, "time envs dim"],
    done: Bool[Array, "time envs"],
    *,
    ridge: Ridge = 0.1,
) -> tuple[Float[Array, "envs dim dim"], Float[Array, "time envs"]]:
    """As `bonus`, but from the inverse covariances that the last rollout left.

    Returns those for the next one, too.
    """
    time, envs, dim = features.shape
    if dim <= DIM or time < TIME:
        return rank_one(inverse, features, done, ridge=ridge)
    if time <= BLOCK:
        return gram(inverse, features, done, ridge=ridge)
    count = time // BLOCK
    whole = count * BLOCK

    def step(inverse, block):
        return gram(inverse, *block, ridge=ridge)

    blocks = (
        features[:whole].reshape(count, BLOCK, envs, dim),
        done[:whole].reshape(count, BLOCK, envs),
    )
    inverse, paid = jax.lax.scan(step, inverse, blocks)
    paid = paid.reshape(whole, envs)
    if whole == time:
        return inverse, paid
    inverse, rest = gram(inverse, features[whole:], done[whole:], ridge=ridge)
    return inverse, jnp.concatenate([paid, rest])


def lifelong(
    covariance: Float[Array, "dim dim"], features: Float[Array, "time envs dim"]
) -> tuple[Float[Array, "dim dim"], Float[Array, "time envs"]]:
    """Bonuses under one covariance for all environments that no episode resets.

    States follow each other step by step and, within one, in the order of the
    environments. Carried is the covariance, from `ridge` times the identity on, since
    an inverse that were updated for ever would gather rounding errors for ever.
    """
    time, envs, dim = features.shape
    factor = jnp.linalg.cholesky(covariance)
    inverse = jax.scipy.linalg.cho_solve((factor, True), jnp.eye(dim))
    rows = features.reshape(-1, 1, dim)
    _, paid = advance(inverse[None], rows, jnp.zeros((time * envs, 1), bool))
    products = matmul(rows[:, 0].T, rows[:, 0])
    return covariance + products, paid.reshape(time, envs)


def rank_one(
    inverse: Float[Array, "envs dim dim"],
    features: Float[Array, "time envs dim"],
    done: Bool[Array, "time envs"],
    *,
    ridge: Ridge = 0.1,
) -> tuple[Float[Array, "envs dim dim"], Float[Array, "time envs"]]:
    """`advance`, one step after the other."""
    fresh = jnp.eye(features.shape[-1])[None] / ridge

    def step(inverse, now):
        phi, ended = now
        solved = matmul(inverse, phi[:, :, None])[:, :, 0]
        paid = jnp.maximum(jnp.sum(phi * solved, axis=1), 0.0)
        scaled = solved / (1.0 + paid)[:, None]
        later = inverse - solved[:, :, None] * scaled[:, None, :]
        return jnp.where(ended[:, None, None], fresh, later), paid

    return jax.lax.scan(step, inverse, (features, done))


def gram(
    inverse: Float[Array, "envs dim dim"],
    features: Float[Array, "time envs dim"],
    done: Bool[Array, "time envs"],
    *,
    ridge: Ridge = 0.1,
) -> tuple[Float[Array, "envs dim dim"], Float[Array, "time envs"]]:
    """`advance`, all steps at once."""
    batch, episodes = jnp.swapaxes(features, 0, 1), _episodes(done)
    count = jnp.sum(done, axis=0, dtype=jnp.int32)  # also the number of the last
    carried = (episodes == 0)[:, :, None]
    solved = jnp.where(carried, matmul(batch, inverse), batch / ridge)
    products = matmul(solved, jnp.swapaxes(batch, 1, 2))
    factor, paid = _factor(products, episodes)
    open_rows = jnp.where((episodes == count[:, None])[:, :, None], solved, 0.0)
    identity = jnp.broadcast_to(jnp.eye(factor.shape[-1]), factor.shape)
    unfactor = jax.lax.linalg.triangular_solve(
        factor, identity, left_side=True, lower=True
    )  # then a product: on a CPU three times as fast as solving for all of `dim`
    rows = matmul(unfactor, open_rows)
    fresh = jnp.eye(features.shape[-1])[None] / ridge
    start = jnp.where((count == 0)[:, None, None], inverse, fresh)
    return start - matmul(jnp.swapaxes(rows, 1, 2), rows), paid.T


def _episodes(done: Bool[Array, "time envs"]) -> Array:
    """[envs, time]: how many episodes ended before this step."""
    return (jnp.cumsum(done, axis=0, dtype=jnp.int32) - done.astype(jnp.int32)).T


def _factor(
    products: Float[Array, "envs time time"], episodes: Array
) -> tuple[Float[Array, "envs time time"], Float[Array, "envs time"]]:
    """The Cholesky factor of `I + K` and the bonuses; episodes do not know of others.

    The products are those of `K` before anything is masked.
    """
    same = episodes[:, :, None] == episodes[:, None, :]
    masked = jnp.where(same, products, 0.0)
    factor = jax.lax.linalg.cholesky(
        masked + jnp.eye(masked.shape[-1])[None], symmetrize_input=False
    )
    explained = jnp.sum(jnp.square(jnp.tril(factor, -1)), axis=2)
    own = jnp.diagonal(masked, axis1=1, axis2=2)
    return factor, jnp.maximum(own - explained, 0.0)
