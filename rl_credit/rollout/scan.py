"""Plays gymnax environments side by side, compiled: `horizon` steps, or an episode."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from gymnax.environments.environment import Environment
from jaxtyping import Array, Bool, Float, Int, Key, Shaped

from rl_credit.types import record

Act = Callable[[Any, Any, Any], tuple[Any, Any]]  # memory, seen, starts; memory, logits


@dataclasses.dataclass(frozen=True, eq=False)
class World:
    """A gymnax 1.x environment and its parameters."""

    env: Environment
    params: Any
    count: str = ""  # what count keys are of: a method of `env` and a name in `info`


@record
class Playing:
    """Where the environments stand between two rollouts."""

    state: Any  # of the environments, [envs ...]
    observations: Shaped[Array, "envs ..."]
    starts: Bool[Array, " envs"]  # True: the next step is the first of its episode
    memory: Float[Array, "envs memory"] | None  # of the agent; None: it has none
    returns: Float[Array, " envs"]  # what the episode has paid so far
    lengths: Int[Array, " envs"]  # steps it has taken so far


@record
class Steps:
    """What was played, time first."""

    observations: Shaped[Array, "time envs ..."]
    next_observations: Shaped[Array, "time envs ..."]  # true successors, not resets
    memories: Float[Array, "time envs memory"] | None  # of the agent before the step
    actions: Int[Array, "time envs"]
    rewards: Float[Array, "time envs"]
    starts: Bool[Array, "time envs"]  # first step of its episode
    terminated: Bool[Array, "time envs"]  # nothing comes after: no bootstrapping
    truncated: Bool[Array, "time envs"]  # cut off: the successor has a value
    returns: Float[Array, "time envs"]  # of the episode so far, this step included
    lengths: Int[Array, "time envs"]  # steps of the episode so far, this one included
    start_keys: Int[Array, "time envs"]  # count key before the step; 0 for no `count`
    keys: Int[Array, "time envs"]  # count key of the successor; 0 for no `count`

    @property
    def ends(self) -> Bool[Array, "time envs"]:
        """Whether the step is the last of its episode."""
        return self.terminated | self.truncated


@record
class Episodes:
    """The first episode of each environment."""

    returns: Float[Array, " envs"]
    lengths: Int[Array, " envs"]
    terminated: Bool[Array, " envs"]  # by itself; else it was cut off
    last_rewards: Float[Array, " envs"]


def begin(world: World, key: Key[Array, ""], *, envs: int, memory: int) -> Playing:
    """Before the first step: of an agent with a memory so wide, 0 for none."""
    reset = jax.vmap(lambda key: world.env.reset(key, world.params))
    observations, state = reset(jax.random.split(key, envs))
    return Playing(
        state=jax.tree.map(_strong, state),
        observations=_strong(observations),
        starts=jnp.ones(envs, bool),
        memory=jnp.zeros((envs, memory), jnp.float32) if memory else None,
        returns=jnp.zeros(envs, jnp.float32),
        lengths=jnp.zeros(envs, jnp.int32),
    )


def play(
    world: World, act: Act, playing: Playing, key: Key[Array, ""], *, horizon: int
) -> tuple[Playing, Steps]:
    """Plays on for `horizon` steps; an episode that ends is followed by the next.

    Args:
        act: (memory [envs memory] or None, observations [envs ...], starts [envs]) to
            the memory after it and logits [envs actions], of which actions are drawn.
    """
    key_actions, key_worlds = jax.random.split(key)
    envs = playing.starts.shape[0]
    keys = jax.random.split(key_worlds, (horizon, envs))
    actions = world.env.num_actions
    # All at once: a draw within the loop costs more than the environment's step.
    noise = jax.random.gumbel(key_actions, (horizon, envs, actions))

    def step(playing, drawn):
        return _step(world, act, playing, *drawn)

    return jax.lax.scan(step, playing, (noise, keys))


def episodes(
    world: World, act: Act, key: Key[Array, ""], *, envs: int, memory: int, greedy: bool
) -> Episodes:
    """Plays one episode in each environment; of a `greedy` agent, no action is drawn.

    Runs until the last has ended, so the environment must have a time limit.
    """
    key_begin, key_steps = jax.random.split(key)
    playing = begin(world, key_begin, envs=envs, memory=memory)
    zeros = jnp.zeros(envs, jnp.float32)
    shape = envs, world.env.num_actions
    nothing = Episodes(zeros, jnp.zeros(envs, jnp.int32), jnp.zeros(envs, bool), zeros)

    def going(carry):
        return ~jnp.all(carry[2])

    def step(carry):
        time, playing, ended, found = carry
        key_action, key_worlds = jax.random.split(jax.random.fold_in(key_steps, time))
        noise = jnp.zeros(shape) if greedy else jax.random.gumbel(key_action, shape)
        keys = jax.random.split(key_worlds, envs)
        playing, now = _step(world, act, playing, noise, keys)
        last = Episodes(now.returns, now.lengths, now.terminated, now.rewards)
        ends = playing.starts  # what comes next is another episode
        first = ends & ~ended
        found = jax.tree.map(lambda new, old: jnp.where(first, new, old), last, found)
        return time + 1, playing, ended | ends, found

    start = jnp.zeros((), jnp.int32), playing, jnp.zeros(envs, bool), nothing
    return jax.lax.while_loop(going, step, start)[3]


def _step(
    world: World,
    act: Act,
    playing: Playing,
    noise: Float[Array, "envs actions"],
    keys: Key[Array, " envs"],
) -> tuple[Playing, Steps]:
    """One step of every environment; `Steps` without the axis of time."""
    memory, logits = act(playing.memory, playing.observations, playing.starts)
    actions = jnp.argmax(logits + noise, axis=-1).astype(jnp.int32)

    def one(key, state, action):
        return world.env.step(key, state, action, world.params)

    seen, state, rewards, terminated, truncated, info = jax.vmap(one)(
        keys, playing.state, actions
    )
    start_keys, reached = _counted(world, playing.state, info, playing.lengths)
    rewards = jnp.asarray(rewards, jnp.float32)
    returns, lengths = playing.returns + rewards, playing.lengths + 1
    ends = terminated | truncated
    done = Steps(
        observations=playing.observations,
        next_observations=_strong(info["final_observation"]),
        memories=playing.memory,
        actions=actions,
        rewards=rewards,
        starts=playing.starts,
        terminated=terminated,
        truncated=truncated,
        returns=returns,
        lengths=lengths,
        start_keys=start_keys,
        keys=reached,
    )
    after = Playing(
        state=jax.tree.map(_strong, state),
        observations=_strong(seen),
        starts=ends,
        memory=memory,
        returns=jnp.where(ends, 0.0, returns),
        lengths=jnp.where(ends, 0, lengths),
    )
    return after, done


def _counted(
    world: World, state: Any, info: dict[str, Any], like: Int[Array, " envs"]
) -> tuple[Int[Array, " envs"], Int[Array, " envs"]]:
    """Count keys before and after a step."""
    if not world.count:
        return jnp.zeros_like(like), jnp.zeros_like(like)
    before = jax.vmap(getattr(world.env, world.count))(state)
    return before.astype(jnp.int32), info[world.count].astype(jnp.int32)


def _strong(leaf: Any) -> Any:
    """The same array with a dtype of its own, not one that a Python number lent it."""
    if jax.dtypes.issubdtype(jnp.result_type(leaf), jax.dtypes.prng_key):
        return leaf
    return jnp.asarray(leaf, jnp.result_type(leaf))
