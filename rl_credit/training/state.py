"""What training changes, and the optimiser that changes it."""

import dataclasses
import functools
from typing import Any

import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

from rl_credit.types import record


@dataclasses.dataclass(frozen=True)
class Optimiser:
    """AdamW (arXiv 1711.05101) after clipping the global norm; hashable, for jit."""

    learning_rate: float
    warmup: int = 0  # updates over which the rate rises from 0
    updates: int = 0  # over which it then falls to 0 by a cosine; 0: it stays
    weight_decay: float = 0.0
    clip: float = 1.0  # largest norm of a gradient
    decay: float = 0.95  # beta_2; the papers' 0.999 forgets too slowly for short runs

    @functools.cached_property
    def transformation(self) -> optax.GradientTransformation:
        """As optax has it."""
        rate: Any = self.learning_rate
        if self.updates:
            rate = optax.warmup_cosine_decay_schedule(
                0.0, rate, self.warmup, max(self.updates, self.warmup + 1)
            )
        elif self.warmup:
            rate = optax.linear_schedule(rate / self.warmup, rate, self.warmup - 1)
        adam = optax.adamw(rate, b2=self.decay, weight_decay=self.weight_decay)
        return optax.chain(optax.clip_by_global_norm(self.clip), adam)


@record
class TrainState:
    """Parameters and the memory of their optimiser."""

    params: Any
    memory: Any  # of the optimiser
    updates: Int[Array, ""]  # made so far, those skipped as not finite left out


def init(params: Any, optimiser: Optimiser) -> TrainState:
    """The state before the first update."""
    memory = optimiser.transformation.init(params)
    return TrainState(params, memory, jnp.zeros((), jnp.int32))
