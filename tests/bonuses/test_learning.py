import jax
import jax.numpy as jnp
import numpy as np
import optax

from rl_credit.bonuses import learning


def test_steps_are_those_of_optax():
    params = dict(a=jnp.asarray([1.0, -2.0]), b=jnp.asarray(0.5))
    ours, theirs = learning.init(params), params
    clip = optax.clip_by_global_norm(learning.MAX_NORM)
    optimiser = optax.chain(clip, optax.adam(0.1))
    state = optimiser.init(params)
    step = jax.jit(learning.adam, static_argnums=2)
    for scale in (1.0, 0.0, 1e3, -2.0):  # the third is shortened
        gradients = dict(a=jnp.asarray([scale, 0.1]), b=jnp.asarray(-scale))
        ours = step(ours, gradients, 0.1)
        with jax.numpy_dtype_promotion("standard"):  # optax mixes integers and floats
            updates, state = optimiser.update(gradients, state)
            theirs = optax.apply_updates(theirs, updates)
        for name, expected in theirs.items():
            np.testing.assert_allclose(ours.params[name], expected, rtol=1e-5)


def test_a_pass_takes_every_row_once():
    def loss(params, batch):
        picked = jnp.sum(batch["rows"])
        return params * picked, dict(sum=picked, count=jnp.float32(len(batch["rows"])))

    batch = dict(rows=jnp.arange(12.0))
    knobs = dict(learning_rate=0.1, minibatches=3)
    learner = learning.init(jnp.float32(0.0))
    key = jax.random.key(0)
    learner, scalars = learning.descend(loss, learner, batch, key, **knobs)
    assert learner.steps == 3 and scalars["count"] == 4
    assert scalars["sum"] * 3 == 66
