"""Orthogonal initial weights, by products alone.

The usual way, a QR decomposition, waits on a CPU for tasks of its own in the pool of
threads that runs it: two batched ones in a program can wait for each other for ever.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

STEPS = 40  # a singular value grows by half a step until it is near 1


def orthogonal(scale: float = 1.0) -> Callable[..., Array]:
    """An initialiser: `(key, [rows, columns])` to `scale` times orthonormal vectors.

    They are the columns, or the rows where there are fewer of those. The orthogonal
    factor of a Gaussian matrix's polar decomposition is uniform (Haar) like that of its
    QR decomposition; Newton's iteration for it, with no inverse, is that of Bjorck and
    Bowie (SIAM J. Numer. Anal. 8, 1971).
    """

    def draw(key: Key[Array, ""], shape: Sequence[int], dtype: Any = jnp.float32):
        rows, columns = shape
        tall = max(rows, columns), min(rows, columns)
        drawn = jax.random.normal(key, tall, jnp.float32)
        # Singular values of a Gaussian matrix end near the sum of its sides' roots.
        start = drawn / (rows**0.5 + columns**0.5)
        found = scale * jax.lax.fori_loop(0, STEPS, _step, start)
        return (found if rows >= columns else found.T).astype(dtype)

    return draw


def _step(_: Any, now: Float[Array, "rows columns"]) -> Float[Array, "rows columns"]:
    """Each singular value s becomes (3 s - s^3) / 2, of which 1 is the fixed point."""
    return 1.5 * now - 0.5 * now @ (now.T @ now)
