"""Which level an episode is played on: one of K fixed ones, or a fresh one."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32

SEEDS = 2**31 - 1  # the `size` where a level is a seed for cheap draws


class Contexts:
    """Draws the level of an episode: a number in [0, size).

    `count` K > 0: uniformly one of K distinct numbers, `numbers`, which `seed` fixes
    (K = 1 is the singleton MDP); 0: any number, a fresh one for every episode. This is
    the contextual MDP of arXiv 2306.03236, section 2.

    Raises ValueError where the count is negative or more than there are levels, or the
    seed is negative.
    """

    numbers: np.ndarray | None  # int32[count]: the levels that occur; None: all do

    def __init__(self, count: int, seed: int, size: int):
        if not 0 <= count <= size:
            raise ValueError(
                f"num_contexts is {count}; with {size} levels it must be from 1 to "
                f"{size}, or 0 for a fresh level every episode"
            )
        if seed < 0:
            raise ValueError(f"context_seed is {seed}; it must not be negative")
        self.count = count
        self.size = size
        self.numbers = None
        if count > 0:
            drawn = np.random.default_rng(seed).choice(size, count, replace=False)
            self.numbers = drawn.astype(np.int32)

    def draw(self, key: jax.Array) -> Int32[Array, ""]:
        """The level of the episode that begins with this key.

        One 32-bit draw and a remainder: no level is more than 1 + size / 2**32 times
        as likely as another.
        """
        choices = self.size if self.numbers is None else self.count
        bits = jax.random.bits(key, dtype=jnp.uint32)
        drawn = (bits % jnp.uint32(choices)).astype(jnp.int32)
        return drawn if self.numbers is None else jnp.asarray(self.numbers)[drawn]
