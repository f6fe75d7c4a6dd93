"""Draws against their frequencies, and by law."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.rollout import sampling
from rl_credit.rollout.sampling import Sampling

LOGITS = jnp.log(jnp.asarray([[0.5, 0.25, 0.15, 0.1], [0.1, 0.2, 0.3, 0.4]]))
DRAWS = 4000


def frequencies(how):
    """How often each token of the first row is drawn."""
    keys = jax.random.split(jax.random.key(0), DRAWS)
    rows = jnp.broadcast_to(LOGITS[:1], (DRAWS, 4))
    tokens, _ = jax.jit(sampling.sample, static_argnames="sampling")(keys, rows, how)
    return np.bincount(tokens, minlength=4) / DRAWS


@pytest.mark.parametrize(
    "how, expected",
    [
        (Sampling(), [0.5, 0.25, 0.15, 0.1]),
        (Sampling(temperature=0.5), np.square([0.5, 0.25, 0.15, 0.1]) / 0.345),
        (Sampling(top_k=2), [2 / 3, 1 / 3, 0.0, 0.0]),
        (Sampling(top_k=9), [0.5, 0.25, 0.15, 0.1]),
        (Sampling(top_p=0.7), [2 / 3, 1 / 3, 0.0, 0.0]),
        (Sampling(top_p=0.3), [1.0, 0.0, 0.0, 0.0]),
        (Sampling(top_k=3, top_p=0.6), [2 / 3, 1 / 3, 0.0, 0.0]),
        (Sampling(temperature=0.0), [1.0, 0.0, 0.0, 0.0]),
    ],
)
def test_tokens_are_drawn_as_often_as_they_should(how, expected):
    # five deviations of a frequency of one half
    np.testing.assert_allclose(frequencies(how), expected, atol=2.5 / DRAWS**0.5)


@pytest.mark.parametrize("how", [Sampling(0.6, top_k=2), Sampling(0.6, top_p=0.5)])
def test_the_log_probability_is_that_of_all_tokens(how, compiled):
    keys = jax.random.split(jax.random.key(1), 2)
    tokens, logps = compiled(sampling.sample, sampling=how)(keys, LOGITS)
    scaled = jax.nn.log_softmax(LOGITS / 0.6, axis=-1)
    expected = np.asarray(scaled)[np.arange(2), np.asarray(tokens)]
    np.testing.assert_allclose(logps, expected, rtol=1e-6)


def test_greedy_takes_the_best_whatever_the_key(compiled):
    draw = compiled(sampling.sample, sampling=Sampling(temperature=0.0))
    for seed in range(5):
        tokens, logps = draw(jax.random.split(jax.random.key(seed), 2), LOGITS)
        np.testing.assert_array_equal(tokens, [0, 3])
        np.testing.assert_allclose(logps, np.log([0.5, 0.4]), rtol=1e-6)


@pytest.mark.parametrize("how", [Sampling(), Sampling(0.6, top_k=2, top_p=0.9)])
def test_a_row_is_drawn_with_its_own_key_whatever_is_beside_it(how, compiled):
    keys = jax.random.split(jax.random.key(2), 64)
    logits = jnp.tile(LOGITS, (32, 1))
    draw = compiled(sampling.sample, sampling=how)
    tokens, logps = draw(keys, logits)
    order = np.random.default_rng(0).permutation(64)
    moved, theirs = draw(keys[order], logits[order])
    np.testing.assert_array_equal(moved, np.asarray(tokens)[order])
    np.testing.assert_allclose(theirs, np.asarray(logps)[order], rtol=1e-6)
    few, _ = draw(keys[:3], logits[:3])
    np.testing.assert_array_equal(few, tokens[:3])
    assert len(set(np.asarray(tokens[::2]).tolist())) > 1  # keys make a difference


def test_rows_with_the_same_key_draw_the_same():
    keys = jnp.broadcast_to(jax.random.key(5), 16)
    tokens, _ = sampling.sample(keys, jnp.tile(LOGITS[:1], (16, 1)), Sampling())
    assert len(set(np.asarray(tokens).tolist())) == 1


@pytest.mark.parametrize(
    "wrong", [dict(temperature=-0.1), dict(top_k=-1), dict(top_p=0.0), dict(top_p=1.1)]
)
def test_what_cannot_be_is_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Sampling(**wrong)
