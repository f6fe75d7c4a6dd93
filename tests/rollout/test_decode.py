"""Decoded text against full forwards, and by law."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.models import cache, decoder
from rl_credit.models.config import DecoderConfig
from rl_credit.models.decoder import Decoder
from rl_credit.ops import logprobs
from rl_credit.rollout import decode
from rl_credit.rollout.sampling import Sampling

CONFIG = DecoderConfig(
    family="qwen3",
    vocab=19,
    width=16,
    layers=2,
    heads=4,
    kv_heads=2,
    head_dim=4,
    mlp_width=24,
    positions=128,
)
MODEL = Decoder(CONFIG)
BATCH, TIME, LIMIT = 4, 6, 8
GREEDY = Sampling(temperature=0.0)
WARM = Sampling(temperature=0.7)
NEVER = decode.stop_sequences([CONFIG.vocab])  # no token has this number


@functools.cache
def params():
    """Drawn wider than for training, so that texts do not repeat one token."""
    drawn = decoder.init(jax.random.key(3), CONFIG)
    return jax.tree.map(lambda leaf: leaf * 8 if leaf.ndim > 1 else leaf, drawn)


def prompts(seed=0, side="left"):
    rng = np.random.default_rng(seed)
    lengths = np.asarray([TIME, 3, 1, 5])[:, None]
    column = np.arange(TIME)[None]
    where = column >= TIME - lengths if side == "left" else column < lengths
    return jnp.asarray(rng.integers(0, CONFIG.vocab, (BATCH, TIME))), jnp.asarray(where)


def say(tokens, where, stops=NEVER, how=GREEDY, seed=0, held=None, order=None):
    """`order`: whose key each row has."""
    held = cache.init(CONFIG, BATCH, 48) if held is None else held
    keys = jax.random.split(jax.random.key(seed), BATCH)
    keys = keys if order is None else keys[order]
    return decode.generate(
        MODEL, params(), keys, tokens, where, held, stops, limit=LIMIT, how=how
    )


@jax.jit
def judge(tokens, where, temperature):
    """Log-probabilities of every token after those before it, by a full forward."""
    hidden, _ = MODEL.apply(params(), tokens, cache.positions(where), where)
    matrix = decoder.output(params())
    after = jnp.concatenate([tokens[:, 1:], tokens[:, :1]], axis=1)
    return logprobs.from_hidden(hidden, matrix, after, temperature=temperature)[0]


def in_one_row(tokens, where, said):
    """Prompt and answer, each row without its padding, left-padded anew."""
    rows = []
    for row in range(BATCH):
        asked = np.asarray(tokens)[row, np.asarray(where)[row]]
        answer = np.asarray(said.tokens)[row, np.asarray(said.where)[row]]
        rows.append((asked, answer))
    size = TIME + LIMIT
    whole = np.zeros((BATCH, size), np.int32)
    kept = np.zeros((BATCH, size), bool)
    for row, (asked, answer) in enumerate(rows):
        text = np.concatenate([asked, answer])
        whole[row, size - len(text) :] = text
        kept[row, size - len(text) :] = True
    return whole, kept, [len(answer) for _, answer in rows]


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("how", [GREEDY, WARM, Sampling(0.7, top_k=3)])
def test_log_probabilities_equal_those_of_a_full_forward(side, how):
    tokens, where = prompts(side=side)
    stops = decode.stop_sequences([4], [7, 2])
    said = say(tokens, where, stops, how, seed=5)
    whole, kept, lengths = in_one_row(tokens, where, said)
    temperature = jnp.float32(how.temperature or 1.0)
    full = np.asarray(judge(jnp.asarray(whole), jnp.asarray(kept), temperature))
    for row, count in enumerate(lengths):
        ours = np.asarray(said.logps)[row, :count]
        np.testing.assert_allclose(ours, full[row, -1 - count : -1], atol=2e-5)
        assert not np.any(np.asarray(said.logps)[row, count:])


def test_padding_on_either_side_says_the_same():
    rng = np.random.default_rng(0)
    texts = [rng.integers(0, CONFIG.vocab, count) for count in (6, 3, 1, 5)]
    answers = []
    for side in ("left", "right"):
        tokens, where = np.zeros((BATCH, TIME), np.int32), np.zeros((BATCH, TIME), bool)
        for row, text in enumerate(texts):
            start = TIME - len(text) if side == "left" else 0
            place = slice(start, start + len(text))
            tokens[row, place], where[row, place] = text, True
        answers.append(say(jnp.asarray(tokens), jnp.asarray(where)).tokens)
    np.testing.assert_array_equal(*answers)


def test_a_row_ends_at_a_stop_sequence_and_keeps_it():
    tokens, where = prompts()
    free = np.asarray(say(tokens, where).tokens)
    assert len(np.unique(free)) > 4  # or a stop would end everything at once
    tag = free[0, 2:4].tolist()
    said = say(tokens, where, decode.stop_sequences([CONFIG.vocab], tag))
    for row, text in enumerate(free.tolist()):
        ends = [i + 2 for i in range(LIMIT - 1) if text[i : i + 2] == tag]
        count = min(ends, default=LIMIT)
        assert np.asarray(said.where)[row].tolist() == [i < count for i in range(LIMIT)]
        assert np.asarray(said.tokens)[row, :count].tolist() == text[:count]
        assert bool(said.stopped[row]) == bool(ends)


def test_a_conversation_that_grows_need_not_be_read_again():
    tokens, where = prompts(1)
    stops = decode.stop_sequences([4])
    first = say(tokens, where, stops, WARM, seed=2)
    more, new = prompts(2, "right")
    second = say(more, new, held=first.cache)
    whole, kept, _ = in_one_row(tokens, where, first)
    together = np.concatenate([whole, np.asarray(more)], axis=1)
    shown = np.concatenate([kept, np.asarray(new)], axis=1)
    again = say(jnp.asarray(together), jnp.asarray(shown))
    np.testing.assert_array_equal(second.tokens, again.tokens)
    np.testing.assert_allclose(second.logps, again.logps, atol=2e-5)


def test_a_row_without_a_token_says_nothing_and_disturbs_no_other():
    tokens, where = prompts()
    said = say(tokens, where.at[1].set(False))
    assert not np.any(said.where[1]) and not np.any(said.logps[1])
    others = np.asarray([0, 2, 3])
    free = say(tokens, where)
    np.testing.assert_array_equal(said.tokens[others], free.tokens[others])


def test_the_key_decides_and_nothing_else():
    tokens, where = prompts()
    first, again, other = (say(tokens, where, how=WARM, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.tokens, again.tokens)
    assert np.any(first.tokens != other.tokens)


def test_a_row_says_the_same_wherever_it_is():
    tokens, where = prompts()
    said = say(tokens, where, how=WARM)
    order = np.asarray([2, 0, 3, 1])
    moved = say(tokens[order], where[order], how=WARM, order=order)
    np.testing.assert_array_equal(moved.tokens, np.asarray(said.tokens)[order])
    expected = np.asarray(said.logps)[order]
    np.testing.assert_allclose(moved.logps, expected, atol=2e-5)
    assert np.any(moved.tokens != said.tokens)


def test_a_row_says_the_same_whatever_is_beside_it():
    tokens, where = prompts()
    said = say(tokens, where, how=WARM)
    others, shown = prompts(7, "right")
    others, shown = others.at[2].set(tokens[2]), shown.at[2].set(where[2])
    again = say(others, shown, how=WARM)
    np.testing.assert_array_equal(again.tokens[2], said.tokens[2])
    np.testing.assert_allclose(again.logps[2], said.logps[2], atol=2e-5)
    assert np.any(again.tokens[0] != said.tokens[0])
    swapped = say(tokens, where, how=WARM, order=np.asarray([1, 0, 2, 3]))
    np.testing.assert_array_equal(swapped.tokens[2:], said.tokens[2:])
    assert np.all(np.any(swapped.tokens[:2] != said.tokens[:2], axis=1))


def test_one_compilation_serves_prompts_of_any_length():
    tokens, where = prompts()
    say(tokens, where)
    size = decode.generate._cache_size()
    for seed in (3, 4):
        kept = np.random.default_rng(seed).random(where.shape) < 0.5
        say(prompts(seed)[0], jnp.asarray(kept))
    assert decode.generate._cache_size() == size


@pytest.mark.parametrize("wrong", [[], [[]], [[1], []]])
def test_stop_sequences_hold_tokens(wrong):
    with pytest.raises(ValueError, match="stop sequences"):
        decode.stop_sequences(*wrong)
