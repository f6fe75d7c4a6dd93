"""The grid agent beside PPO written as one plain loop, with the same sizes.

The peer is our own writing of what PureJaxRL (single-file PPO in JAX) does at every
step: keys split and actions drawn within the loop, log-probability and value of the
acting network kept, all that was played permuted anew for every epoch. Networks,
optimiser, environments and numbers of updates are the same; it bootstraps from nothing
at a time limit, which saves it a pass that the right answer needs.
"""

import dataclasses
import functools
from collections.abc import Iterator

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from configs.grid import cartpole
from experiments.benchmarks.timing import Case
from rl_credit.models.heads import HIDDEN, POLICY, VALUE
from rl_credit.rollout.scan import World
from rl_credit.runtime.sections import sections
from rl_credit.training import grid_lanes
from rl_credit.training.grid_settings import Settings

MLP = dict(
    channels=(), stride=1, features=0, memory=0, hidden=(64, 64), activation="tanh"
)
ANNEALED = dict(anneal=True, clip=0.5)
SIZES = {  # the published single-file examples
    "CartPole-v1": (
        dict(num_envs=4, horizon=128),
        dict(epochs=4, minibatches=4, learning_rate=2.5e-4) | ANNEALED,
        20,  # updates in a call
    ),
    "Breakout-MinAtar": (
        dict(num_envs=64, horizon=128),
        dict(epochs=4, minibatches=8, learning_rate=5e-3) | ANNEALED,
        1,
    ),
}
CALLS = 100  # of a run, so that the rate stays what it is


def cases() -> Iterator[Case]:
    """Calls of some updates, compiled, of one seed."""
    for name, (play, train, updates) in SIZES.items():
        settings = _settings(name, play, train, updates)
        yield Case(
            f"PPO on {name}",
            f"{settings.frames_per_call} steps, {play['num_envs']} environments",
            _Ours(settings),
            "one plain loop, as PureJaxRL's",
            _Peer(settings),
            ">= 1",
        )


def _settings(name: str, play: dict, train: dict, updates: int) -> Settings:
    given = cartpole.full()
    frames = CALLS * updates * play["num_envs"] * play["horizon"]
    changes = dict(
        seeds=1,
        env=dict(name=f"gymnax:{name}", options={}, params={}),
        model=MLP,
        play=play,
        train=train | dict(frames=frames, updates_per_call=updates),
    )
    return sections(Settings, given | changes)


class _Ours:
    """Goes on with each call; the steps it took."""

    def __init__(self, settings: Settings):
        self._programs = grid_lanes.programs(settings)
        self._learner = self._programs.init()

    def __call__(self) -> int:
        self._learner, seen = self._programs.call(self._learner, 0)
        jax.block_until_ready(seen)
        return self._programs.agent.settings.frames_per_call


class _Peer:
    """The same of the plain loop."""

    def __init__(self, settings: Settings):
        self._frames = settings.frames_per_call
        loop = _Loop(settings, settings.env.world())
        self._carry = jax.jit(loop.begin)(jax.random.key(0))
        self._call = jax.jit(loop.updates, donate_argnums=0)

    def __call__(self) -> int:
        self._carry, seen = self._call(self._carry)
        jax.block_until_ready(seen)
        return self._frames


class _ActorCritic(nn.Module):
    actions: int

    @nn.compact
    def __call__(self, seen):
        seen = seen.reshape(seen.shape[0], -1)
        outputs = []
        for scale, width in ((POLICY, self.actions), (VALUE, 1)):
            features = seen
            for hidden in MLP["hidden"]:  # type: ignore[attr-defined]
                start = nn.initializers.orthogonal(HIDDEN)
                features = jnp.tanh(nn.Dense(hidden, kernel_init=start)(features))
            start = nn.initializers.orthogonal(scale)
            outputs.append(nn.Dense(width, kernel_init=start)(features))
        return outputs[0], outputs[1][:, 0]


@dataclasses.dataclass(frozen=True)
class _Loop:
    """PPO, from the first line to the last."""

    settings: Settings
    world: World

    @property
    def _network(self) -> _ActorCritic:
        return _ActorCritic(self.world.env.num_actions)

    def begin(self, key):
        key, key_params, key_worlds = jax.random.split(key, 3)
        keys = jax.random.split(key_worlds, self.settings.play.num_envs)
        env, params = self.world.env, self.world.params
        seen, state = jax.vmap(env.reset, in_axes=(0, None))(keys, params)
        weights = self._network.init(key_params, seen)
        memory = self.settings.transformation.init(weights)
        zeros = jnp.zeros(self.settings.play.num_envs)
        return weights, memory, state, seen, zeros, key

    def updates(self, carry):
        count = self.settings.train.updates_per_call
        return jax.lax.scan(lambda carry, _: self._update(carry), carry, None, count)

    def _update(self, carry):
        weights, memory, *rest = carry
        horizon, how = self.settings.play.horizon, self.settings.train
        step = functools.partial(self._step, weights)
        (state, seen, paid, key), played = jax.lax.scan(
            step, tuple(rest), None, horizon
        )
        *_, values, rewards, ends, returned = played
        last = self._network.apply(weights, seen)[1]
        advantages = self._advantages(values, rewards, ends, last)
        batch = (*played[:4], advantages, advantages + values)
        rows = horizon * self.settings.play.num_envs
        batch = jax.tree.map(lambda leaf: leaf.reshape(rows, *leaf.shape[2:]), batch)

        def epoch(carry, _):
            weights, memory, key = carry
            key, key_order = jax.random.split(key)
            order = jax.random.permutation(key_order, rows)
            mixed = jax.tree.map(lambda leaf: jnp.take(leaf, order, axis=0), batch)
            parts = jax.tree.map(
                lambda leaf: leaf.reshape(how.minibatches, -1, *leaf.shape[1:]), mixed
            )
            done, losses = jax.lax.scan(self._improve, (weights, memory), parts)
            return (*done, key), losses

        start = weights, memory, key
        (weights, memory, key), losses = jax.lax.scan(epoch, start, None, how.epochs)
        after = weights, memory, state, seen, paid, key
        return after, (jnp.mean(losses), jnp.sum(returned), jnp.sum(ends))

    def _step(self, weights, carry, _):
        state, seen, paid, key = carry
        key, key_action, key_worlds = jax.random.split(key, 3)
        logits, values = self._network.apply(weights, seen)
        actions = jax.random.categorical(key_action, logits)
        logps = _logps(logits, actions)
        keys = jax.random.split(key_worlds, seen.shape[0])
        step = jax.vmap(self.world.env.step, in_axes=(0, 0, 0, None))
        after, state, rewards, terminated, truncated, _ = step(
            keys, state, actions, self.world.params
        )
        ends, paid = terminated | truncated, paid + rewards
        returned = jnp.where(ends, paid, 0.0)
        played = (seen, actions, logps, values, rewards, ends, returned)
        return (state, after, jnp.where(ends, 0.0, paid), key), played

    def _advantages(self, values, rewards, ends, last):
        how = self.settings.credit

        def back(carry, now):
            later, ahead = carry
            value, reward, end = now
            going = 1.0 - end
            delta = reward + how.discount * ahead * going - value
            later = delta + how.discount * how.trace * going * later
            return (later, value), later

        start = jnp.zeros_like(last), last
        return jax.lax.scan(back, start, (values, rewards, ends), reverse=True)[1]

    def _improve(self, carry, part):
        weights, memory = carry
        loss, slopes = jax.value_and_grad(self._loss)(weights, part)
        changes, memory = self.settings.transformation.update(slopes, memory, weights)
        return (optax.apply_updates(weights, changes), memory), loss

    def _loss(self, weights, part):
        seen, actions, old_logps, old_values, advantages, targets = part
        how = self.settings.loss
        logits, values = self._network.apply(weights, seen)
        ratios = jnp.exp(_logps(logits, actions) - old_logps)
        scaled = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        held = jnp.clip(ratios, 1.0 - how.clip, 1.0 + how.clip)
        acting = -jnp.minimum(ratios * scaled, held * scaled).mean()
        moved = old_values + (values - old_values).clip(-how.value_clip, how.value_clip)
        errors = jnp.square(values - targets), jnp.square(moved - targets)
        judging = 0.5 * jnp.maximum(*errors).mean()
        logps = jax.nn.log_softmax(logits)
        entropy = -jnp.sum(jnp.exp(logps) * logps, axis=-1).mean()
        return acting + how.value * judging - how.entropy * entropy


def _logps(logits, actions):
    logps = jax.nn.log_softmax(logits)
    return jnp.take_along_axis(logps, actions[:, None], axis=-1)[:, 0]
