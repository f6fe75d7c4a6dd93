"""Which tokens are trained, and what their number costs."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


def prob_mask(
    old_logps: Float[Array, "batch time"],
    where: Bool[Array, "batch time"],
    *,
    threshold: float = 0.9,
) -> Bool[Array, "batch time"]:
    """Keeps the tokens sampled with a probability below `threshold`.

    SPO (arXiv 2505.23564) trains only these: at the others nothing was decided.
    """
    return where & (jnp.exp(old_logps) < threshold)


def overlong_penalty(
    lengths: Int[Array, " batch"], *, max_length: int, buffer: int
) -> Float[Array, " batch"]:
    """DAPO's soft punishment of long responses, in [-1, 0] (arXiv 2503.14476, eq. 13).

    0 up to `max_length - buffer` tokens, -1 from `max_length` on, linear between. verl
    multiplies this by a factor and does not stop at -1.
    """
    over = (lengths - (max_length - buffer)).astype(jnp.float32)
    return -jnp.clip(over / buffer, 0.0, 1.0)
