"""Random network distillation (arXiv 1810.12894)."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from rl_credit.bonuses import features, learning
from rl_credit.bonuses.bonus import Bonus
from rl_credit.bonuses.seen import Seen
from rl_credit.types import record


@record
class RNDState:
    """Two networks that look at an observation."""

    target: features.Params  # drawn once
    learner: learning.Learner  # the predictor of its outputs


@dataclasses.dataclass(frozen=True)
class RND(Bonus):
    """Pays for s_(t+1) what the predictor misses of the target there.

    That is `||predictor - target||^2` as in the paper, summed over `dim` outputs, or
    with `squared=False` its root: what NovelD (arXiv 2012.05568) and the released code
    of the study (facebookresearch/e3b) take, hence its published numbers.
    """

    width: int = 256
    dim: int = 128
    squared: bool = True
    learning_rate: float = 3e-4
    minibatches: int = 4

    def init(self, key: Array, seen: Seen) -> Any:
        key_target, key_predictor = jax.random.split(key)
        inputs = features.flat_size(seen.observations.shape)
        target = features.init(key_target, inputs, self.width, self.dim)
        sizes = inputs, self.width, self.width, self.dim
        return RNDState(target, learning.init(features.init(key_predictor, *sizes)))

    def pay(self, state: Any, seen: Seen) -> tuple[Any, Float[Array, "time envs"]]:
        return state, self.novelty(state, seen.next_observations)

    def novelty(
        self, state: RNDState, observations: Shaped[Array, "time envs ..."]
    ) -> Float[Array, "time envs"]:
        """What the predictor misses of the target at each observation."""
        inputs = features.flat(features.rows(observations))
        target = features.apply(state.target, inputs)
        squares = _squares(state.learner.params, inputs, target)
        missed = squares if self.squared else jnp.sqrt(squares)
        return missed.reshape(observations.shape[:2])

    def learn(self, state: Any, seen: Seen, key: Array) -> tuple[Any, dict[str, Array]]:
        inputs = features.flat(features.rows(seen.next_observations))
        target = features.apply(state.target, inputs)

        def loss(params, batch):
            value = jnp.mean(_squares(params, **batch))
            return value, dict(rnd_loss=value)

        learner, scalars = learning.descend(
            loss,
            state.learner,
            dict(inputs=inputs, target=target),
            key,
            learning_rate=self.learning_rate,
            minibatches=self.minibatches,
        )
        return dataclasses.replace(state, learner=learner), scalars


def _squares(
    params: features.Params,
    inputs: Float[Array, "rows inputs"],
    target: Float[Array, "rows dim"],
) -> Float[Array, " rows"]:
    return jnp.sum(jnp.square(features.apply(params, inputs) - target), axis=1)
