"""Agents of several seeds in one program: a lane each, spread over the devices."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from rl_credit.rollout import scan
from rl_credit.rollout.scan import Episodes
from rl_credit.training import grid_update
from rl_credit.training.grid_placement import Placement
from rl_credit.training.grid_settings import Settings
from rl_credit.training.grid_state import Agent, Learner

INIT, UPDATE, JUDGE = range(3)  # what random numbers are drawn for
Lanes = dict[str, Float[Array, " seeds"]]


class Programs:
    """The compiled programs of an agent; every array has the seeds as its first axis.

    A lane sees no other, so that one of several is the agent that its seed alone would
    be (to the rounding of another order of sums). Where all of it lies, `Placement`
    says.
    """

    def __init__(self, agent: Agent):
        self.agent = agent
        settings = agent.settings
        self.placement = Placement.of(settings.seeds, settings.play.num_envs)
        self._seeds = self.placement.placed(settings.seed + np.arange(settings.seeds))
        lanes: Any = self.placement.lanes
        envs: Any = self.placement.envs
        learner = Learner(policy=lanes, playing=envs, known=lanes)  # a tree's prefix
        compiled = self.placement.compiled
        self._init = compiled(functools.partial(_init, agent), learner)
        called = functools.partial(_call, agent)
        self._call = compiled(called, (learner, lanes), donate_argnums=0)
        self._judge = compiled(functools.partial(_judge, agent), lanes)

    def init(self) -> Learner:
        """Before the first update."""
        return self._init(self._seeds)

    def call(self, learner: Learner, number: int) -> tuple[Learner, Lanes]:
        """The updates of a call, and means over them; `learner` is used up."""
        numbers = self.placement.placed(np.full(self._seeds.shape, number))
        return self._call(learner, self._seeds, numbers)

    def judge(self, learner: Learner, number: int) -> Lanes:
        """How fresh episodes end."""
        numbers = self.placement.placed(np.full(self._seeds.shape, number))
        return self._judge(learner.policy.params, self._seeds, numbers)


@functools.lru_cache(maxsize=8)
def programs(settings: Settings) -> Programs:
    """Those of the settings; of equal ones the same, so that they are compiled once."""
    return Programs(Agent.made(settings))


def _key(seed: Int[Array, ""], purpose: int) -> Key[Array, ""]:
    return jax.random.fold_in(jax.random.key(seed), purpose)


def _init(agent: Agent, seed: Int[Array, ""]) -> Learner:
    return agent.init(_key(seed, INIT))


def _call(
    agent: Agent, learner: Learner, seed: Int[Array, ""], number: Int[Array, ""]
) -> tuple[Learner, grid_update.Scalars]:
    """All updates of a call; sums of episodes, and means of the rest."""
    updates = agent.settings.train.updates_per_call

    def step(learner, place):
        key = jax.random.fold_in(_key(seed, UPDATE), number * updates + place)
        return grid_update.update(agent, learner, key)

    learner, seen = jax.lax.scan(step, learner, jnp.arange(updates))
    sums = {name: jnp.sum(v) for name, v in seen.items() if name[:4] == "sum/"}
    means = {name: jnp.mean(v) for name, v in seen.items() if name not in sums}
    count = sums.pop("sum/episodes")
    shares = {f"train/{n[4:]}": s / count for n, s in sums.items()}
    return learner, means | shares | {"train/episodes": count}


def _judge(
    agent: Agent, params, seed: Int[Array, ""], number: Int[Array, ""]
) -> grid_update.Scalars:
    """Means over fresh episodes."""
    how = agent.settings.evaluate
    found: Episodes = scan.episodes(
        agent.world,
        agent.act(params),
        jax.random.fold_in(_key(seed, JUDGE), number),
        envs=how.episodes,
        memory=agent.settings.model.memory,
        greedy=how.greedy,
    )
    won = agent.won(found.returns, found.terminated, found.last_rewards)
    return {
        "return": jnp.mean(found.returns),
        "success": jnp.mean(won.astype(jnp.float32)),
        "length": jnp.mean(found.lengths.astype(jnp.float32)),
    }
