"""One update of one agent: play, pay, credit, and minibatches of PPO."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, Key

from rl_credit.credit import returns
from rl_credit.losses import penalties, policy, value
from rl_credit.models.decoder import Params
from rl_credit.models.grid import Judged
from rl_credit.ops import masked
from rl_credit.rollout import scan
from rl_credit.rollout.scan import Playing, Steps
from rl_credit.training import grid_bonus
from rl_credit.training.grid_placement import reshaped, whole
from rl_credit.training.grid_settings import Settings
from rl_credit.training.grid_state import Agent, Learner
from rl_credit.training.state import TrainState
from rl_credit.types import record

Scalars = dict[str, Float[Array, ""]]


@record
class Batch:
    """What PPO learns from; a column is a row of steps, of one step without memory."""

    observations: Array  # [time columns ...]
    starts: Array  # bool[time columns]
    actions: Array  # int32[time columns]
    numbers: Array  # float32[time columns 4]: logps, values, advantages, returns
    memories: Array | None  # float32[columns memory]: before the first step, if any

    def columns(self, chosen: Int[Array, " columns"]) -> "Batch":
        """Some of them."""
        return Batch(
            self.observations[:, chosen],
            self.starts[:, chosen],
            self.actions[:, chosen],
            self.numbers[:, chosen],
            jax.tree.map(lambda memory: memory[chosen], self.memories),
        )


def update(
    agent: Agent, learner: Learner, key: Key[Array, ""]
) -> tuple[Learner, Scalars]:
    """Plays a rollout and learns from it; what was seen on the way."""
    key_play, key_bonus, key_order = jax.random.split(key, 3)
    params = learner.policy.params
    playing, steps = scan.play(
        agent.world,
        agent.act(params),
        learner.playing,
        key_play,
        horizon=agent.settings.play.horizon,
    )
    judged = looked_at(agent, params, steps)
    features = reshaped(judged.features, *steps.rewards.shape, -1)
    seen = grid_bonus.seen(steps, features)
    known, earned, paid = agent.curiosity.pay(learner.known, seen, key_bonus)
    rewards = steps.rewards + earned
    batch = assessed(agent, params, judged, steps, playing, rewards)
    order = minibatches(agent, key_order)
    policy, scalars = improved(agent, learner.policy, batch, order)
    scalars |= paid | _explained(batch) | ended(agent, steps)
    return Learner(policy, playing, known), scalars


def passes(settings: Settings) -> dict[str, float]:
    """Observations of a seed that the network reads in a call, for metrics.

    Each step is acted on, judged, and its successor judged; then every epoch of PPO
    reads it with a gradient. Networks of a bonus come on top.
    """
    steps = settings.frames_per_call
    return {
        "passes/forward": 3.0 * steps,
        "passes/gradient": float(settings.train.epochs * steps),
    }


def looked_at(agent: Agent, params: Params, steps: Steps) -> Judged:
    """What the network said of every step, as one row: [1 time*envs]."""
    seen = _rows(steps.observations), _rows(steps.starts)
    return agent.judge(params, _flat(steps.memories), *seen)


def assessed(
    agent: Agent,
    params: Params,
    judged: Judged,
    steps: Steps,
    after: Playing,
    rewards: Float[Array, "time envs"],
) -> Batch:
    """Advantages and returns of what was played, in columns.

    Every successor is judged, so that a step after which the episode was cut off
    bootstraps from the state it led to, with the memory it led to.
    """
    settings = agent.settings
    shape = rewards.shape
    left = jax.tree.map(_left, steps.memories, after.memory)
    ahead = agent.judge(
        params,
        _flat(left),
        _rows(steps.next_observations),
        jnp.zeros_like(_rows(steps.starts)),
    )
    values = reshaped(judged.values, *shape)
    advantages = returns.gae(
        rewards.T,
        values.T,
        reshaped(ahead.values, *shape).T,
        steps.terminated.T,
        jnp.ones(shape[::-1], bool),
        discount=settings.credit.discount,
        trace=settings.credit.trace,
        truncated=steps.truncated.T,
    ).T
    logps = reshaped(_logps(judged, _rows(steps.actions)), *shape)
    numbers = (logps, values, advantages, advantages + values)
    columns = _rows if steps.memories is None else _unchanged
    return Batch(
        observations=columns(steps.observations),
        starts=columns(steps.starts),
        actions=columns(steps.actions),
        numbers=columns(jnp.stack(numbers, axis=-1)),
        memories=None if steps.memories is None else steps.memories[0],
    )


def minibatches(agent: Agent, key: Key[Array, ""]) -> Int[Array, "updates columns"]:
    """The columns of every minibatch of every epoch, each column once an epoch."""
    how, columns = agent.settings.train, agent.settings.columns
    keys = jax.random.split(key, how.epochs)
    orders = jax.vmap(lambda key: jax.random.permutation(key, columns))(keys)
    return reshaped(orders, how.epochs * how.minibatches, -1)


def improved(
    agent: Agent,
    before: TrainState,
    batch: Batch,
    order: Int[Array, "updates columns"],
) -> tuple[TrainState, Scalars]:
    """The policy after a step of the optimiser for each minibatch; means of scalars."""
    optimiser = agent.settings.transformation
    batch = jax.tree.map(whole, batch)  # once, not for every minibatch

    def step(now, chosen):
        slopes = jax.grad(loss, argnums=1, has_aux=True)
        gradients, scalars = slopes(agent, now.params, batch.columns(chosen))
        changes, memory = optimiser.update(gradients, now.memory, now.params)
        params = optax.apply_updates(now.params, changes)
        scalars |= {"gradient": optax.tree.norm(gradients)}
        return TrainState(params, memory, now.updates + 1), scalars

    after, scalars = jax.lax.scan(step, before, order)
    return after, jax.tree.map(jnp.mean, scalars)


def loss(
    agent: Agent, params: Params, batch: Batch
) -> tuple[Float[Array, ""], Scalars]:
    """PPO's clipped objective, the clipped value loss and the entropy, weighted."""
    how = agent.settings.loss
    judged = agent.judge(params, batch.memories, batch.observations, batch.starts)
    logps = _logps(judged, batch.actions)
    old_logps, old_values, advantages, targets = jnp.moveaxis(batch.numbers, -1, 0)
    every = jnp.ones(logps.shape, bool)
    advantages = masked.whiten(advantages, every)
    acting = policy.ppo_clip(
        logps,
        old_logps,
        advantages,
        every,
        clip_low=how.clip,
        clip_high=how.clip,
    ).mean()
    judging = value.clipped_regression(
        judged.values, old_values, targets, every, clip=how.value_clip
    ).mean()
    narrow = penalties.entropy(_entropies(judged), every).mean()
    total = acting + how.value * judging + how.entropy * narrow
    ratios = jnp.exp(logps - old_logps)
    scalars = {
        "loss/policy": acting,
        "loss/value": judging,
        "entropy": -narrow,
        "kl": jnp.mean(ratios - 1.0 - (logps - old_logps)),
        "clipped": jnp.mean(jnp.abs(ratios - 1.0) > how.clip),
    }
    return total, scalars


def ended(agent: Agent, steps: Steps) -> Scalars:
    """Sums over the episodes that ended in a rollout."""
    last = steps.ends
    won = agent.won(steps.returns, steps.terminated, steps.rewards)
    sums = {
        "episodes": last,
        "return": jnp.where(last, steps.returns, 0.0),
        "length": jnp.where(last, steps.lengths, 0),
        "success": last & won,
    }
    return {f"sum/{n}": jnp.sum(v, dtype=jnp.float32) for n, v in sums.items()}


def _explained(batch: Batch) -> Scalars:
    """Share of the returns' variance that the values knew before."""
    _, values, advantages, targets = jnp.moveaxis(batch.numbers, -1, 0)
    spread = jnp.maximum(jnp.var(targets), 1e-8)
    return {"explained": 1.0 - jnp.var(advantages) / spread}


def _logps(judged: Judged, actions: Int[Array, "time batch"]) -> Array:
    logps = jax.nn.log_softmax(judged.logits)
    return jnp.take_along_axis(logps, actions[..., None], axis=-1)[..., 0]


def _entropies(judged: Judged) -> Array:
    logps = jax.nn.log_softmax(judged.logits)
    return -jnp.sum(jnp.exp(logps) * logps, axis=-1)


def _left(memories: Array, last: Array) -> Array:
    """After each step: what was before the next, and the last."""
    return jnp.concatenate([memories[1:], last[None]])


def _flat(memories: Array | None) -> Array | None:
    """[time envs memory] as [time*envs memory], if there is any."""
    return None if memories is None else _rows(memories)[0]


def _unchanged(leaf: Array) -> Array:
    return leaf


def _rows(leaf: Array) -> Array:
    """[time envs ...] as one row: [1 time*envs ...]."""
    time, envs, *rest = leaf.shape
    return reshaped(leaf, 1, time * envs, *rest)
