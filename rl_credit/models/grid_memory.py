"""A memory along time that begins anew with every episode."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rl_credit.models.orthogonal import orthogonal


class Memory(nn.Module):
    """A gated recurrent unit (arXiv 1406.1078; reset after the product, as in cuDNN).

    What depends on the input alone is computed for all of time at once.
    """

    width: int

    @nn.compact
    def __call__(
        self,
        memory: Float[Array, "batch width"],
        inputs: Float[Array, "time batch features"],
        starts: Bool[Array, "time batch"],
    ) -> tuple[Float[Array, "batch width"], Float[Array, "time batch width"]]:
        """The memory after the last step, and what it was after each.

        Where `starts`, nothing from before the step is remembered.
        """
        glorot, zeros = nn.initializers.glorot_uniform(), nn.initializers.zeros
        gates = nn.Dense(3 * self.width, kernel_init=glorot, name="inputs")(inputs)
        shape = self.width, 3 * self.width
        weights = self.param("memory", orthogonal(), shape)
        bias = self.param("bias", zeros, (self.width,))

        def step(before, now):
            gate, start = now
            before = jnp.where(start[:, None], 0.0, before)
            forget, keep, new = jnp.split(gate, 3, axis=-1)
            recalled = jnp.split(before @ weights, 3, axis=-1)
            forget = jax.nn.sigmoid(forget + recalled[0])
            keep = jax.nn.sigmoid(keep + recalled[1])
            new = jnp.tanh(new + forget * (recalled[2] + bias[None]))
            after = keep * before + (1.0 - keep) * new
            return after, after

        return jax.lax.scan(step, memory, (gates, starts))
