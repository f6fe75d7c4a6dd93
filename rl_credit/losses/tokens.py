"""What the number of tokens costs."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def overlong_penalty(
    lengths: Int[Array, " batch"], *, max_length: int, buffer: int
) -> Float[Array, " batch"]:
    """DAPO's soft punishment of long responses, in [-1, 0] (arXiv 2503.14476, eq. 13).

    0 up to `max_length - buffer` tokens, -1 from `max_length` on, linear between. verl
    multiplies this by a factor and does not stop at -1.
    """
    over = (lengths - (max_length - buffer)).astype(jnp.float32)
    return -jnp.clip(over / buffer, 0.0, 1.0)
