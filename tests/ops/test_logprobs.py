import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.ops import logprobs


def draw(seed, batch=2, time=7, width=4, vocab=11):
    rng = np.random.default_rng(seed)
    hidden = rng.normal(0.0, 1.0, (batch, time, width))
    output = rng.normal(0.0, 1.0, (width, vocab))
    return hidden, output, rng.integers(0, vocab, (batch, time))


def loop(logits, tokens, temperature=1.0):
    """Log-probabilities and entropies in float64, token by token."""
    logps, entropies = np.zeros(tokens.shape), np.zeros(tokens.shape)
    for i, t in np.ndindex(*tokens.shape):
        scaled = np.asarray(logits[i, t], np.float64) / temperature
        probs = np.exp(scaled - scaled.max())
        probs /= probs.sum()
        logps[i, t] = np.log(probs[tokens[i, t]])
        entropies[i, t] = -sum(p * np.log(p) for p in probs if p > 0)
    return logps, entropies


@pytest.mark.parametrize("chunk", [1, 3, 7, 100])
@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_both_entries_match_the_loop(chunk, temperature, compiled):
    hidden, output, tokens = draw(0)
    knobs = {"temperature": temperature, "chunk": chunk}
    expected = loop(hidden @ output, tokens, temperature)
    logits = jnp.asarray(hidden @ output, jnp.float32)
    actual = compiled(logprobs.from_logits, **knobs)(logits, jnp.asarray(tokens))
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)
    arrays = (jnp.asarray(hidden, jnp.float32), jnp.asarray(output, jnp.float32))
    actual = compiled(logprobs.from_hidden, **knobs)(*arrays, jnp.asarray(tokens))
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("chunk", [2, 7])
def test_gradients_are_those_of_the_whole(chunk, compiled):
    hidden, output, tokens = draw(1)
    hidden, output = jnp.asarray(hidden, jnp.float32), jnp.asarray(output, jnp.float32)
    tokens = jnp.asarray(tokens)
    weights = jnp.asarray(np.random.default_rng(2).normal(size=(2, 2, 7)), jnp.float32)

    def whole(hidden, output):
        scores = jax.nn.log_softmax(hidden @ output / 0.7)
        logps = jnp.take_along_axis(scores, tokens[..., None], axis=-1)[..., 0]
        entropies = -jnp.sum(jnp.exp(scores) * scores, axis=-1)
        return jnp.sum(weights[0] * logps + weights[1] * entropies)

    chunked = compiled(logprobs.from_hidden, temperature=0.7, chunk=chunk)

    def pieces(hidden, output):
        logps, entropies = chunked(hidden, output, tokens)
        return jnp.sum(weights[0] * logps + weights[1] * entropies)

    expected = jax.grad(whole, argnums=(0, 1))(hidden, output)
    actual = jax.grad(pieces, argnums=(0, 1))(hidden, output)
    np.testing.assert_allclose(actual[0], expected[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(actual[1], expected[1], rtol=1e-4, atol=1e-5)


def test_half_precision_in_float32_out(compiled):
    hidden, output, tokens = draw(3)
    logits = jnp.asarray(hidden @ output, jnp.bfloat16)
    actual = compiled(logprobs.from_logits, chunk=3)(logits, jnp.asarray(tokens))
    assert actual[0].dtype == actual[1].dtype == jnp.float32
    np.testing.assert_allclose(actual, loop(logits, tokens), rtol=1e-5, atol=1e-5)
    hidden, output = jnp.asarray(hidden, jnp.bfloat16), jnp.asarray(output, jnp.float32)

    def loss(output):
        return jnp.mean(logprobs.from_hidden(hidden, output, jnp.asarray(tokens))[0])

    assert jax.grad(loss)(output).dtype == jnp.float32
    scores = logprobs.from_hidden(hidden, output, jnp.asarray(tokens))
    assert scores[0].dtype == scores[1].dtype == jnp.float32


def test_an_offset_of_all_logits_costs_no_precision():
    logits = jnp.asarray([[[0.0, 1.0, 2.0]]])
    tokens = jnp.asarray([[1]])
    near = logprobs.from_logits(logits, tokens)
    far = logprobs.from_logits(logits + 65536.0, tokens)
    np.testing.assert_array_equal(near, far)


def test_forbidden_tokens_leave_entropy_and_gradient_finite():
    tokens = jnp.asarray([[0]])

    def total(logits):
        logps, entropies = logprobs.from_logits(logits, tokens)
        return jnp.sum(logps) + jnp.sum(entropies)

    value, gradient = jax.value_and_grad(total)(jnp.asarray([[[0.0, 0.0, -jnp.inf]]]))
    np.testing.assert_allclose(value, 0.0, atol=1e-6)
    np.testing.assert_allclose(gradient, [[[0.5, -0.5, 0.0]]], atol=1e-6)


def test_scores_of_the_whole_batch_never_exist():
    hidden, output, tokens = draw(4, batch=2, time=64, width=4, vocab=4096)
    hidden, output = jnp.asarray(hidden, jnp.float32), jnp.asarray(output, jnp.float32)
    tokens = jnp.asarray(tokens)

    def temporaries(chunk):
        def loss(hidden, output):
            scores = logprobs.from_hidden(hidden, output, tokens, chunk=chunk)
            return jnp.mean(scores[0] + scores[1])

        lowered = jax.jit(jax.grad(loss, argnums=(0, 1))).lower(hidden, output)
        return lowered.compile().memory_analysis().temp_size_in_bytes

    whole = tokens.size * 4096 * 4
    assert temporaries(4) < whole / 2 < temporaries(64)
