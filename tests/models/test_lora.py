"""Adapters start as nothing, add their product, and take all of the gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.models import cache, decoder, lora
from tests.models import tiny

TARGETS = sorted(lora.PROJECTIONS)


def filled(adapters):
    """The same adapters with `expand` no longer zero."""
    generator = np.random.default_rng(0)
    return jax.tree.map(
        lambda leaf: jnp.asarray(generator.normal(size=leaf.shape), leaf.dtype),
        adapters,
    )


def test_new_adapters_change_no_bit():
    _, params = tiny.model("qwen2")
    adapters = lora.init(jax.random.key(0), params, 2, TARGETS)
    merged = lora.merge(params, adapters, 2.0)
    assert jax.tree.structure(merged) == jax.tree.structure(params)
    for left, right in zip(jax.tree.leaves(merged), jax.tree.leaves(params)):
        np.testing.assert_array_equal(left, right)
    assert all(np.abs(adapter["reduce"]).max() > 0 for adapter in adapters.values())


def test_merging_adds_the_scaled_product_to_targets_alone():
    _, params = tiny.model("qwen2")
    targets = ["down", "query"]
    adapters = filled(lora.init(jax.random.key(0), params, 2, targets))
    merged = lora.merge(params, adapters, 0.5)
    changed = set()
    for target, group in lora.PROJECTIONS.items():
        before = params["params"]["layers"][group][target]["kernel"]
        after = merged["params"]["layers"][group][target]["kernel"]
        if not np.array_equal(before, after):
            changed.add(target)
            for layer in range(2):
                pair = (adapters[target][name][layer] for name in ("reduce", "expand"))
                expected = np.asarray(before[layer]) + 0.5 * np.matmul(*pair)
                np.testing.assert_allclose(after[layer], expected, atol=1e-5)
    assert changed == set(targets)
    bias = merged["params"]["layers"]["attention"]["query"]["bias"]
    np.testing.assert_array_equal(
        bias, params["params"]["layers"]["attention"]["query"]["bias"]
    )


def test_gradients_reach_adapters_and_not_parameters():
    config, params = tiny.model("qwen2")
    model = decoder.Decoder(config)
    adapters = filled(lora.init(jax.random.key(0), params, 2, TARGETS))

    @jax.jit
    def slopes(params, adapters):
        def loss(params, adapters):
            merged = lora.merge(params, adapters, jnp.float32(0.1))
            positions = cache.positions(tiny.LEFT)
            hidden, _ = model.apply(merged, tiny.TOKENS, positions, tiny.LEFT)
            return jnp.mean(jnp.where(tiny.LEFT[..., None], hidden**3, 0.0))

        return jax.grad(loss, argnums=(0, 1))(params, adapters)

    of_params, of_adapters = slopes(params, adapters)
    assert all(not leaf.any() for leaf in jax.tree.leaves(of_params))
    for leaf in jax.tree.leaves(of_adapters):
        assert np.isfinite(leaf).all() and np.abs(leaf).max() > 0


@pytest.mark.parametrize(
    "rank, targets, message",
    [
        (2, ["query", "gates"], "LoRA target 'gates'; did you mean 'gate'.*down"),
        (2, [], "one or more different names"),
        (2, ["up", "up"], "one or more different names"),
        (0, ["up"], "rank 0 is not between 1 and 32"),
        (17, ["up", "key"], "rank 17 is not between 1 and 16.*'key'"),
    ],
)
def test_wrong_targets_and_ranks_are_named(rank, targets, message):
    _, params = tiny.model("qwen2")
    with pytest.raises(ValueError, match=message):
        lora.init(jax.random.key(0), params, rank, targets)
