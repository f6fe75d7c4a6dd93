"""An agent in a grid, and what it carries from update to update."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from gymnax.environments import spaces
from jaxtyping import Array, Bool, Float, Key

from rl_credit.models.decoder import Params
from rl_credit.models.grid import GridNetwork, Judged, check_planes
from rl_credit.rollout import scan
from rl_credit.rollout.scan import Act, Playing, World
from rl_credit.training import grid_bonus
from rl_credit.training.grid_bonus import Curiosity, Known
from rl_credit.training.grid_placement import spread
from rl_credit.training.grid_settings import Settings
from rl_credit.training.state import TrainState
from rl_credit.types import record


@record
class Learner:
    """What an agent carries, and a checkpoint holds."""

    policy: TrainState
    playing: Playing  # the environments, and the agent's memory in them
    known: Known  # to the bonus


@dataclasses.dataclass(frozen=True, eq=False)
class Agent:
    """What does not change: environment, network, bonus and settings."""

    world: World
    network: GridNetwork
    curiosity: Curiosity
    settings: Settings

    @classmethod
    def made(cls, settings: Settings) -> "Agent":
        """Raises ValueError where the network does not fit what is observed."""
        world = settings.bonus.counted(settings.env.world())
        space = world.env.observation_space(world.params)
        check_planes(settings.model, tuple(space.shape))
        network = GridNetwork(
            actions=world.env.num_actions,
            classes=space.n if isinstance(space, spaces.Discrete) else 0,
            scale=_scale(space),
            sizes=settings.model,
        )
        return cls(world, network, settings.bonus.curiosity(world), settings)

    def init(self, key: Key[Array, ""]) -> Learner:
        """Before the first update."""
        key_params, key_worlds, key_bonus = jax.random.split(key, 3)
        play, width = self.settings.play, self.settings.model.memory
        playing = scan.begin(self.world, key_worlds, envs=play.num_envs, memory=width)
        shown = playing.memory, playing.observations[None], playing.starts[None]
        params = self.network.init(key_params, *shown)
        memory = self.settings.transformation.init(params)
        policy = TrainState(params, memory, jnp.zeros((), jnp.int32))
        features = self.judge(params, *shown).features[0]
        seen = grid_bonus.first(playing, features)
        return Learner(policy, playing, self.curiosity.init(key_bonus, seen))

    def judge(self, params: Params, memory: Any, seen: Any, starts: Any) -> Judged:
        """The network, of [time batch ...]."""
        judged: Any = self.network.apply(params, memory, seen, starts)
        return judged

    def act(self, params: Params) -> Act:
        """The policy, one step at a time."""

        def act(memory, seen, starts):
            judged = self.judge(params, memory, spread(seen[None]), starts[None])
            return judged.memory, judged.logits[0]

        return act

    def won(
        self,
        returns: Float[Array, "..."],
        terminated: Bool[Array, "..."],
        last_rewards: Float[Array, "..."],
    ) -> Bool[Array, "..."]:
        """Whether an episode that ended so was a success."""
        threshold = self.settings.evaluate.threshold
        if threshold is None:
            return terminated & (last_rewards > 0)
        return returns >= threshold


def _scale(space: Any) -> float:
    """What pixels are multiplied by; planes and vectors are left as they are."""
    pixels = space.dtype == jnp.uint8 and jnp.max(jnp.asarray(space.high)) > 1
    return 1.0 / 255.0 if pixels else 1.0
