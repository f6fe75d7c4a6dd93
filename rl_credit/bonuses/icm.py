"""The intrinsic curiosity module (arXiv 1705.05363)."""

import dataclasses
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from rl_credit.bonuses import dynamics, features, learning
from rl_credit.bonuses.bonus import Bonus
from rl_credit.bonuses.seen import Seen


@dataclasses.dataclass(frozen=True)
class ICM(Bonus):
    """Pays half the squared error of the predicted next features, equation 6.

    The paper's scale of it is left to the coefficient of the reward.

    Raises:
        ValueError: without actions to tell apart.
    """

    num_actions: int
    width: int = 256
    dim: int = 128
    learning_rate: float = 1e-3
    minibatches: int = 4

    def __post_init__(self):
        if self.num_actions < 1:
            raise ValueError(
                f"num_actions={self.num_actions}: give the number of actions, >= 1"
            )

    def init(self, key: Array, seen: Seen) -> Any:
        params = dynamics.init(
            key,
            features.flat_size(seen.observations.shape),
            width=self.width,
            dim=self.dim,
            num_actions=self.num_actions,
            forward=True,
        )
        return learning.init(params)

    def pay(self, state: Any, seen: Seen) -> tuple[Any, Float[Array, "time envs"]]:
        encoder = state.params["encoder"]
        before = features.encode(encoder, features.rows(seen.observations))
        after = features.encode(encoder, features.rows(seen.next_observations))
        predicted = dynamics.predict(state.params, before, features.rows(seen.actions))
        missed = 0.5 * jnp.sum(jnp.square(predicted - after), axis=1)
        return state, missed.reshape(seen.actions.shape)

    def learn(self, state: Any, seen: Seen, key: Array) -> tuple[Any, dict[str, Array]]:
        return dynamics.learn(
            state,
            seen,
            key,
            learning_rate=self.learning_rate,
            minibatches=self.minibatches,
        )
