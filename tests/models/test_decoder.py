"""The decoder against transformers' own logits, and by law."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.models import attention, cache, decoder
from rl_credit.ops import logprobs
from tests.models import tiny


def hidden_of(name, tokens, where, **changes):
    config, params = tiny.model(name)
    config = dataclasses.replace(config, **changes)
    return tiny.forward(config)(params, tokens, where)[0]


@pytest.mark.parametrize("kind", ["plain", "padded"])
@pytest.mark.parametrize("name", tiny.NAMES)
def test_logits_are_those_of_transformers(name, kind):
    config, params = tiny.model(name)
    where = {"plain": tiny.PLAIN, "padded": tiny.LEFT}[kind]
    _, logits = tiny.forward(config)(params, tiny.TOKENS, where)
    kept = np.asarray(where)
    expected = tiny.ARRAYS[f"{name}:{kind}"][kept]
    assert logits.dtype == jnp.float32
    np.testing.assert_allclose(np.asarray(logits)[kept], expected, atol=1e-4, rtol=0)


def test_no_two_golden_models_agree():
    for first in tiny.NAMES:
        for second in tiny.NAMES:
            left, right = (tiny.ARRAYS[f"{name}:plain"] for name in (first, second))
            assert first == second or np.abs(left - right).max() > 0.1


@pytest.mark.parametrize("garbage", [-7, 3, 10**6])
def test_what_stands_in_padding_moves_nothing(garbage):
    where = tiny.LEFT.at[1, 30:].set(False).at[0, 15].set(False)
    expected = hidden_of("qwen2", tiny.TOKENS, where)
    filled = jnp.where(where, tiny.TOKENS, garbage)
    np.testing.assert_array_equal(hidden_of("qwen2", filled, where), expected)
    assert np.isfinite(expected).all()


def test_later_tokens_and_other_rows_move_nothing():
    expected = hidden_of("qwen2", tiny.TOKENS, tiny.PLAIN)
    changed = tiny.TOKENS.at[0, 25:].set(9)
    actual = hidden_of("qwen2", changed, tiny.PLAIN)
    np.testing.assert_array_equal(actual[0, :25], expected[0, :25])
    np.testing.assert_array_equal(actual[1], expected[1])
    assert np.abs(actual[0, 25:] - expected[0, 25:]).max() > 0.1


def test_bfloat16_stays_close_and_comes_out_in_bfloat16():
    config, params = tiny.model("qwen3")
    config = dataclasses.replace(config, dtype="bfloat16")
    hidden, logits = tiny.forward(config)(params, tiny.TOKENS, tiny.LEFT)
    expected = hidden_of("qwen3", tiny.TOKENS, tiny.LEFT)
    assert hidden.dtype == jnp.bfloat16 and logits.dtype == jnp.float32
    error = np.abs(hidden.astype(jnp.float32) - expected)[np.asarray(tiny.LEFT)]
    assert error.mean() < 0.02 and error.max() < 0.25


@functools.cache
def gradients(**changes):
    """Gradients of the mean log-probability of the next token."""
    config, params = tiny.model("qwen3")
    model = decoder.Decoder(dataclasses.replace(config, **changes))

    @jax.jit
    @jax.grad
    def slope(params):
        positions = cache.positions(tiny.LEFT)
        hidden, _ = model.apply(params, tiny.TOKENS, positions, tiny.LEFT)
        following = jnp.roll(tiny.TOKENS, -1, axis=1)
        output = decoder.output(params)
        logps, _ = logprobs.from_hidden(hidden, output, following)
        return jnp.mean(jnp.where(tiny.LEFT, logps, 0.0))

    return slope(params)


def test_rematerialised_layers_have_the_same_gradients():
    expected, actual = gradients(), gradients(remat=True)
    for left, right in zip(jax.tree.leaves(actual), jax.tree.leaves(expected)):
        np.testing.assert_allclose(left, right, atol=1e-6, rtol=1e-5)
        assert np.abs(left).max() > 0


def test_unrolled_layers_have_the_same_results_and_gradients():
    config, _ = tiny.model("qwen3")
    assert config.layers == 2
    expected = hidden_of("qwen3", tiny.TOKENS, tiny.LEFT)
    actual = hidden_of("qwen3", tiny.TOKENS, tiny.LEFT, unroll=2)
    kept = np.asarray(tiny.LEFT)
    np.testing.assert_allclose(actual[kept], expected[kept], atol=1e-5, rtol=1e-5)
    expected, actual = gradients(), gradients(unroll=2)
    assert jax.tree.structure(actual) == jax.tree.structure(expected)
    for left, right in zip(jax.tree.leaves(actual), jax.tree.leaves(expected)):
        np.testing.assert_allclose(left, right, atol=1e-6, rtol=1e-5)


def test_unrolled_layers_read_a_cache_as_well():
    config, params = tiny.model("qwen3")
    unrolled = dataclasses.replace(config, unroll=2)
    held, read = cache.init(config, 2, 40), []
    for start in (0, 20):
        piece = slice(start, start + 20)
        hidden, held = tiny.step(unrolled)(
            params, tiny.TOKENS[:, piece], tiny.LEFT[:, piece], held
        )
        read.append(hidden)
    kept = np.asarray(tiny.LEFT)
    expected = hidden_of("qwen3", tiny.TOKENS, tiny.LEFT)[kept]
    actual = jnp.concatenate(read, axis=1)[kept]
    np.testing.assert_allclose(actual, expected, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_passes_a_gate_and_its_gradients_are_those_of_the_formula(dtype, compiled):
    near = np.linspace(-100.0, 100.0, 2001)
    far = [-1e4, -1e3, -81.0, -79.0, 1e3, 1e4]
    gates = jnp.asarray(np.concatenate([near, far]), dtype)
    raised = jnp.asarray(np.cos(np.arange(gates.size)), dtype)

    def pulled(gates, raised):
        value, pull = jax.vjp(decoder.gated, gates[None], raised[None])
        return value, *pull(jnp.ones_like(value))

    found = compiled(pulled)(gates, raised)
    wide, high = (np.asarray(x, np.float64) for x in (gates, raised))
    share = np.exp(-np.logaddexp(0, -wide))
    bent = share * (1 + wide * (1 - share))
    expected = high * wide * share, high * bent, wide * share
    coarse = dict(atol=1e-5) if dtype == "float32" else dict(atol=0.04, rtol=0.02)
    for actual, right in zip(found, expected):
        actual = actual[0]
        assert actual.dtype == dtype
        assert np.isfinite(np.asarray(actual, np.float64)).all()
        np.testing.assert_allclose(
            np.asarray(actual, np.float64), right, **{"rtol": 1e-5, **coarse}
        )


def test_layers_are_computed_again_for_their_gradient_when_asked():
    config, params = tiny.model("qwen3")

    def products(remat):  # in the program of a gradient
        model = decoder.Decoder(dataclasses.replace(config, remat=remat))

        def total(params):
            return jnp.sum(model.apply(params, tiny.TOKENS, tiny.TOKENS, tiny.LEFT)[0])

        return str(jax.make_jaxpr(jax.grad(total))(params)).count("dot_general")

    assert products(remat=True) > products(remat=False)


def test_bfloat16_gradients_are_finite_float32():
    for leaf in jax.tree.leaves(gradients(dtype="bfloat16")):
        assert leaf.dtype == jnp.float32
        assert np.isfinite(leaf).all() and np.abs(leaf).max() > 0


def test_scanned_layers_are_the_layers_one_after_another():
    config, params = tiny.model("qwen3")
    own = params["params"]
    positions = cache.positions(tiny.LEFT)
    hidden = own["embedding"][tiny.TOKENS]
    turned = attention.rotation(config, positions)
    mask = attention.visible(tiny.LEFT, 40)
    layer = jax.jit(decoder.Layer(config).apply)
    for number in range(config.layers):
        one = jax.tree.map(lambda stacked: stacked[number], own["layers"])
        state = (hidden, None), jnp.int32(number), turned, mask, jnp.int32(0)
        (hidden, _), _ = layer({"params": one}, *state)
    hidden = decoder.Norm(config.norm_epsilon).apply({"params": own["norm"]}, hidden)
    expected = hidden_of("qwen3", tiny.TOKENS, tiny.LEFT)
    kept = np.asarray(tiny.LEFT)
    np.testing.assert_allclose(hidden[kept], expected[kept], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["qwen3", "llama"], ids=["untied", "tied"])
def test_output_and_the_method_give_the_same_scores(name):
    config, params = tiny.model(name)
    hidden, logits = tiny.forward(config)(params, tiny.TOKENS, tiny.PLAIN)
    logps, _ = logprobs.from_hidden(hidden, decoder.output(params), tiny.TOKENS)
    normal = jax.nn.log_softmax(logits)
    expected = jnp.take_along_axis(normal, tiny.TOKENS[..., None], axis=-1)[..., 0]
    np.testing.assert_allclose(logps, expected, atol=1e-4, rtol=1e-5)


def test_a_shape_compiles_once_whatever_is_padding():
    config, params = tiny.model("llama")
    run, go_on = tiny.forward(config), tiny.step(config)
    held = cache.init(config, 2, 40)
    for where in (tiny.PLAIN, tiny.LEFT, tiny.LEFT.at[0, 20:].set(False)):
        run(params, tiny.TOKENS, where)
    for where in jnp.split(tiny.LEFT, 40, axis=1)[:4]:
        _, held = go_on(params, tiny.TOKENS[:, :1], where, held)
    assert run._cache_size() == 1
    assert go_on._cache_size() == 1


def test_init_draws_what_a_directory_would_hold():
    config, params = tiny.model("qwen3")
    fresh = decoder.init(jax.random.key(0), config)
    assert jax.tree.map(jnp.shape, fresh) == jax.tree.map(jnp.shape, params)
    assert {leaf.dtype for leaf in jax.tree.leaves(fresh)} == {jnp.dtype("float32")}
    again = decoder.init(jax.random.key(0), config)
    other = decoder.init(jax.random.key(1), config)
    up, same, different = (
        tree["params"]["layers"]["mlp"]["up"]["kernel"]
        for tree in (fresh, again, other)
    )
    np.testing.assert_array_equal(up, same)
    assert np.abs(up - different).max() > 0.01
    assert np.abs(up[0] - up[1]).max() > 0.01  # layers differ
    np.testing.assert_allclose(np.std(up), 0.02, rtol=0.1)
    down = fresh["params"]["layers"]["mlp"]["down"]["kernel"]
    np.testing.assert_allclose(np.std(down), 0.01, rtol=0.1)  # 0.02 / sqrt(2 * 2)
