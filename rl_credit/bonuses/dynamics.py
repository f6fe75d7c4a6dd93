"""Features by inverse dynamics and, on top of them, a forward model.

The encoder learns to tell which action led from one observation to the next, so that
its features hold what the agent controls (arXiv 1705.05363). Only true successors are
shown to it, hence no pair spans two episodes. The forward model predicts the next
features from these and the action; its error teaches the encoder nothing.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from rl_credit.bonuses import features, learning
from rl_credit.bonuses.seen import Seen


def init(
    key: Array, inputs: int, *, width: int, dim: int, num_actions: int, forward: bool
) -> dict[str, features.Params]:
    """Networks: encoder, inverse and, if asked for, forward."""
    key_encoder, key_inverse, key_forward = jax.random.split(key, 3)
    params = dict(
        encoder=features.init(key_encoder, inputs, width, dim),
        inverse=features.init(key_inverse, 2 * dim, width, num_actions),
    )
    if forward:
        sizes = dim + num_actions, width, dim
        params["forward"] = features.init(key_forward, *sizes)
    return params


def predict(
    params: dict[str, features.Params],
    encoded: Float[Array, "rows dim"],
    actions: Int[Array, " rows"],
) -> Float[Array, "rows dim"]:
    """The features after the action, by the forward model."""
    num_actions = params["inverse"][-1]["biases"].shape[0]
    chosen = jax.nn.one_hot(actions, num_actions, dtype=jnp.float32)
    return features.apply(params["forward"], jnp.concatenate([encoded, chosen], axis=1))


def loss(
    params: dict[str, features.Params], batch: learning.Batch
) -> tuple[Array, dict[str, Array]]:
    """Cross entropy of the actions, plus half the squared error of the prediction."""
    before = features.encode(params["encoder"], batch["observations"])
    after = features.encode(params["encoder"], batch["next_observations"])
    logits = features.apply(
        params["inverse"], jnp.concatenate([before, after], axis=1)
    )
    actions = batch["actions"].astype(jnp.int32)
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), actions[:, None], axis=1)
    inverse = -jnp.mean(chosen)
    right = jnp.argmax(logits, axis=1).astype(jnp.int32) == actions
    scalars = dict(
        inverse_loss=inverse, inverse_accuracy=jnp.mean(right, dtype=jnp.float32)
    )
    if "forward" not in params:
        return inverse, scalars
    before, after = jax.lax.stop_gradient((before, after))
    missed = predict(params, before, actions) - after
    forward = 0.5 * jnp.mean(jnp.sum(jnp.square(missed), axis=1))
    return inverse + forward, scalars | dict(forward_loss=forward)


def learn(
    learner: learning.Learner, seen: Seen, key: Array, **knobs: Any
) -> tuple[learning.Learner, dict[str, Array]]:
    """One pass over the rollout; knobs are those of `learning.descend`."""
    batch = dict(
        observations=features.rows(seen.observations),
        next_observations=features.rows(seen.next_observations),
        actions=features.rows(seen.actions),
    )
    return learning.descend(loss, learner, batch, key, **knobs)
