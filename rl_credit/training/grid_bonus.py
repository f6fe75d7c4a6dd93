"""What an agent earns for what is new to it, on top of what the environment pays."""

import dataclasses
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from rl_credit.bonuses import normalise
from rl_credit.bonuses.bonus import Bonus
from rl_credit.bonuses.seen import Seen
from rl_credit.ops.moments import Moments
from rl_credit.rollout.scan import Playing, Steps
from rl_credit.types import record


@record
class Known:
    """What the bonus has learned."""

    state: Any  # of the bonus
    scale: Moments  # of what it paid, before it was weighed


@dataclasses.dataclass(frozen=True)
class Curiosity:
    """`coefficient * bonus / its deviation` (arXiv 2306.03236, section 2)."""

    bonus: Bonus
    coefficient: float
    formula: str  # of the deviation; see `normalise.update`

    def init(self, key: Key[Array, ""], seen: Seen) -> Known:
        """Of `seen` only the shapes matter."""
        return Known(self.bonus.init(key, seen), normalise.init())

    def pay(
        self, known: Known, seen: Seen, key: Key[Array, ""]
    ) -> tuple[Known, Float[Array, "time envs"], dict[str, Array]]:
        """What a rollout earns by networks that have not seen it; then they learn."""
        state, paid = self.bonus.pay(known.state, seen)
        scale, scaled = normalise.update(known.scale, paid, formula=self.formula)
        state, scalars = self.bonus.learn(state, seen, key)
        scalars = {f"bonus/{name}": value for name, value in scalars.items()}
        scalars |= {"bonus/mean": jnp.mean(paid), "bonus/scaled": jnp.mean(scaled)}
        return Known(state, scale), self.coefficient * scaled, scalars


def first(playing: Playing, features: Float[Array, "envs features"]) -> Seen:
    """The shapes of a rollout of one step."""
    zeros = jnp.zeros_like(playing.lengths)[None]
    starts, seen = playing.starts[None], playing.observations[None]
    return Seen(seen, seen, zeros, starts, ~starts, zeros, zeros, features[None])


def seen(steps: Steps, features: Float[Array, "time envs features"]) -> Seen:
    """What a bonus may look at of a rollout."""
    return Seen(
        observations=steps.observations,
        next_observations=steps.next_observations,
        actions=steps.actions,
        starts=steps.starts,
        ends=steps.ends,
        start_keys=steps.start_keys,
        keys=steps.keys,
        features=features,
    )
