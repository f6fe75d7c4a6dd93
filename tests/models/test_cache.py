"""Cached decoding equals reading the whole text at once."""

import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.models import cache
from tests.models import tiny

LENGTH = 40


def whole(name, tokens, where):
    config, params = tiny.model(name)
    return tiny.forward(config)(params, tokens, where)[0]


def in_pieces(name, tokens, where, cuts):
    """Hidden states of a text read in pieces that end at `cuts`."""
    config, params = tiny.model(name)
    held = cache.init(config, tokens.shape[0], LENGTH)
    read, start = [], 0
    for end in cuts:
        hidden, held = tiny.step(config)(
            params, tokens[:, start:end], where[:, start:end], held
        )
        read.append(hidden)
        start = end
    return jnp.concatenate(read, axis=1), held


def close(actual, expected, where):
    kept = np.asarray(where)
    np.testing.assert_allclose(actual[kept], expected[kept], atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("where", [tiny.PLAIN, tiny.LEFT], ids=["plain", "left"])
@pytest.mark.parametrize("name", ["qwen3", "yarn"])
def test_prefill_then_token_by_token_equals_the_whole(name, where):
    cuts = [20, *range(21, 41)]
    actual, held = in_pieces(name, tiny.TOKENS, where, cuts)
    close(actual, whole(name, tiny.TOKENS, where), where)
    assert int(held.used) == 40
    np.testing.assert_array_equal(held.where, where)


def test_a_conversation_that_grows_by_padded_turns_equals_the_whole():
    # Turns of different lengths: the shorter is padded right, then left.
    where = tiny.LEFT.at[0, 25:30].set(False).at[1, 30:38].set(False)
    actual, held = in_pieces("qwen3", tiny.TOKENS, where, [20, 30, 40])
    close(actual, whole("qwen3", tiny.TOKENS, where), where)
    assert int(held.used) == 40


def test_the_text_is_what_counts_not_the_slots_it_is_in():
    where = tiny.LEFT.at[0, 25:30].set(False).at[1, 30:38].set(False)
    expected = whole("qwen3", tiny.TOKENS, where)
    for row in range(2):
        kept = np.flatnonzero(where[row])
        moved = jnp.zeros_like(tiny.TOKENS).at[row, : kept.size].set(
            tiny.TOKENS[row, kept]
        )
        alone = (jnp.arange(40) < kept.size)[None] & (jnp.arange(2) == row)[:, None]
        actual = whole("qwen3", moved, alone)
        np.testing.assert_allclose(
            actual[row, : kept.size], expected[row, kept], atol=2e-5, rtol=1e-4
        )


def test_a_widened_cache_is_one_that_was_wide_from_the_start():
    config, params = tiny.model("qwen3")
    wide, small = cache.init(config, 2, LENGTH), cache.init(config, 2, 20)
    tokens, where = tiny.TOKENS, tiny.LEFT
    _, wide = tiny.step(config)(params, tokens[:, :20], where[:, :20], wide)
    _, small = tiny.step(config)(params, tokens[:, :20], where[:, :20], small)
    grown = cache.widen(small, LENGTH)
    assert int(grown.used) == 20 and grown.keys.dtype == wide.keys.dtype
    np.testing.assert_array_equal(grown.where, wide.where)
    for actual, expected in ((grown.keys, wide.keys), (grown.values, wide.values)):
        assert actual.shape == expected.shape
        np.testing.assert_allclose(actual, expected, atol=1e-5)
    for at in range(20, 40):
        piece = tokens[:, at : at + 1], where[:, at : at + 1]
        expected, wide = tiny.step(config)(params, *piece, wide)
        actual, grown = tiny.step(config)(params, *piece, grown)
        close(actual, expected, piece[1])
    close(actual, whole("qwen3", tokens, where)[:, -1:], where[:, -1:])
    np.testing.assert_array_equal(grown.where, where)


def test_widening_to_the_same_size_changes_nothing():
    _, held = in_pieces("qwen3", tiny.TOKENS, tiny.LEFT, [20])
    same = cache.widen(held, LENGTH)
    for name in ("keys", "values", "where", "used"):
        np.testing.assert_array_equal(getattr(same, name), getattr(held, name))


def test_unread_slots_hold_nothing():
    _, held = in_pieces("qwen3", tiny.TOKENS, tiny.LEFT, [20])
    config, _ = tiny.model("qwen3")
    assert held.keys.shape == (config.layers, 2, LENGTH, 2, 16)
    assert int(held.used) == 20
    assert not held.where[:, 20:].any()
    assert not held.keys[:, :, 20:].any() and held.keys[:, :, :20].any()


def test_positions_count_real_tokens_and_go_on_after_the_cache():
    where = jnp.asarray([[False, True, True, False, True], [True] * 5])
    first = cache.positions(where)
    np.testing.assert_array_equal(first, [[0, 0, 1, 1, 2], [0, 1, 2, 3, 4]])
    config, _ = tiny.model("qwen3")
    held = cache.extend(cache.init(config, 2, 16), where)
    later = cache.positions(where[:, 1:3], held)
    np.testing.assert_array_equal(later, [[3, 4], [5, 6]])


@pytest.mark.parametrize("batch, length", [(0, 4), (2, 0), (2, 257)])
def test_a_cache_beyond_the_decoder_is_refused(batch, length):
    config, _ = tiny.model("qwen3")
    with pytest.raises(ValueError, match=f"{batch} rows and {length} slots.*256"):
        cache.init(config, batch, length)
