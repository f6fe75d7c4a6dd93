"""Exploration by elliptical episodic bonuses, E3B (arXiv 2210.05805)."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rl_credit.bonuses import dynamics, elliptical, features, learning
from rl_credit.bonuses.bonus import Bonus
from rl_credit.bonuses.elliptical import bonus
from rl_credit.bonuses.seen import Seen
from rl_credit.ops import names
from rl_credit.types import record

__all__ = ["E3B", "E3BState", "bonus"]
ENCODERS = ("inverse", "policy", "random")


@record
class E3BState:
    """An encoder and the memory of its features."""

    learner: Any  # of inverse dynamics; else fixed parameters, or None for a policy's
    memory: Array  # [envs dim dim] inverse covariances; of a life its [dim dim]


@dataclasses.dataclass(frozen=True)
class E3B(Bonus):
    """Pays a step the elliptical bonus of s_t, the state its action was chosen in.

    That is `r_t + coefficient * b(s_t)`, the reward of the study (arXiv 2306.03236).
    The first state of an episode is paid for, too: the released code counts it, but
    pays 0. What follows an episode's last action is not looked at.

    Features are `features.unit` of `encoder`: "inverse" learns inverse dynamics,
    "random" is the same network as it was drawn, "policy" takes `Seen.features`.
    With `lifelong` the covariance is that of all environments since training began,
    one state after the other, step by step; in the order of environments within one.

    Raises:
        ValueError: for an encoder nobody knows, for one that lacks what it needs, and
            for a ridge that is not positive.
    """

    encoder: str = "inverse"
    num_actions: int = 0  # for "inverse"
    ridge: float = 0.1
    lifelong: bool = False
    width: int = 256
    dim: int = 128
    learning_rate: float = 1e-3
    minibatches: int = 4

    def __post_init__(self):
        if self.encoder not in ENCODERS:
            raise ValueError(names.unknown("encoder", self.encoder, ENCODERS))
        if self.encoder == "inverse" and self.num_actions < 1:
            raise ValueError(
                f"num_actions={self.num_actions}: encoder='inverse' wants the number "
                "of actions; 'random' and 'policy' do without"
            )
        if self.ridge <= 0:
            raise ValueError(f"ridge={self.ridge} must be positive, such as 0.1")

    def init(self, key: Array, seen: Seen) -> Any:
        learner, dim = self._encoder(key, seen)
        if self.lifelong:
            return E3BState(learner, self.ridge * jnp.eye(dim))
        envs = seen.starts.shape[1]
        return E3BState(learner, elliptical.init(envs, dim, ridge=self.ridge))

    def pay(self, state: Any, seen: Seen) -> tuple[Any, Float[Array, "time envs"]]:
        phi = self._phi(state.learner, seen)
        if self.lifelong:
            memory, paid = elliptical.lifelong(state.memory, phi)
        else:
            memory, paid = elliptical.advance(
                state.memory, phi, seen.ends, ridge=self.ridge
            )
        return dataclasses.replace(state, memory=memory), paid

    def learn(self, state: Any, seen: Seen, key: Array) -> tuple[Any, dict[str, Array]]:
        if self.encoder != "inverse":
            return state, {}
        learner, scalars = dynamics.learn(
            state.learner,
            seen,
            key,
            learning_rate=self.learning_rate,
            minibatches=self.minibatches,
        )
        return dataclasses.replace(state, learner=learner), scalars

    def _encoder(self, key: Array, seen: Seen) -> tuple[Any, int]:
        """What changes with learning, and the number of features."""
        inputs = features.flat_size(seen.observations.shape)
        if self.encoder == "policy":
            if seen.features is None:
                raise ValueError(
                    "encoder='policy' wants Seen.features: hand in the policy's "
                    "trunk, or take 'inverse' or 'random'"
                )
            return None, seen.features.shape[-1]
        if self.encoder == "random":
            return features.init(key, inputs, self.width, self.dim), self.dim
        params = dynamics.init(
            key,
            inputs,
            width=self.width,
            dim=self.dim,
            num_actions=self.num_actions,
            forward=False,
        )
        return learning.init(params), self.dim

    def _phi(self, learner: Any, seen: Seen) -> Float[Array, "time envs dim"]:
        if seen.features is not None and self.encoder == "policy":
            return features.unit(jax.lax.stop_gradient(seen.features))
        params = learner if self.encoder == "random" else learner.params["encoder"]
        outputs = features.apply(
            params, features.flat(features.rows(seen.observations))
        )
        return features.unit(outputs).reshape(*seen.actions.shape, -1)
