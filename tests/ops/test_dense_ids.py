import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_credit.ops import segments
from tests.references import ops as reference

jitted = jax.jit(segments.dense_ids)
ALPHABET = np.array([0, 1, 2, 2**31 - 1, 2**31, 2**32 - 1], np.uint32)


def problem(rows, words, mask, letters, seed=0):
    """Keys of the alphabet's first letters, so that many are equal, and a mask."""
    rng = np.random.default_rng(seed)
    keys = ALPHABET[rng.integers(0, letters, (rows, words))]
    where = {
        "all": np.ones(rows, bool),
        "some": rng.random(rows) < 0.6,
        "none": np.zeros(rows, bool),
    }[mask]
    return jnp.asarray(keys), jnp.asarray(where)


@pytest.mark.parametrize("words", [1, 2, 3, 5])
@pytest.mark.parametrize("rows", [1, 9, 300])
def test_ids_match_the_loop(compiled, rows, words):
    dense = compiled(segments.dense_ids)
    for mask in ("all", "some", "none"):
        keys, where = problem(rows, words, mask, letters=2 if words > 2 else 6)
        expected = reference.dense_ids(np.asarray(keys).tolist(), np.asarray(where))
        actual = dense(keys, where)
        np.testing.assert_array_equal(actual, expected)
        assert actual.dtype == jnp.int32


def test_no_mask_keeps_every_row(compiled):
    keys, where = problem(9, 2, "all", letters=3)
    dense = compiled(segments.dense_ids)
    np.testing.assert_array_equal(dense(keys), dense(keys, where))


def test_every_word_counts(compiled):
    """Keys that differ in one bit of one word."""
    bits = np.uint32(1) << np.arange(32, dtype=np.uint32)
    units = np.eye(3, dtype=np.uint32)
    flipped = [bits[:, None] * units[[word]] for word in range(3)]
    keys = np.concatenate([np.zeros((1, 3), np.uint32), *flipped])
    actual = compiled(segments.dense_ids)(jnp.asarray(keys))
    assert sorted(actual.tolist()) == list(range(97))


def test_dropped_rows_share_an_id_no_kept_row_has(compiled):
    keys = jnp.asarray([[0], [0], [5], [2**32 - 1], [5], [5]], jnp.uint32)
    where = jnp.asarray([True, False, True, True, False, True])
    actual = compiled(segments.dense_ids)(keys, where)
    assert actual.tolist() == [0, 3, 1, 2, 3, 1]


def test_dropped_keys_do_not_matter(compiled):
    keys, where = problem(9, 2, "some", letters=3)
    other, _ = problem(9, 2, "some", letters=6, seed=9)
    spoiled = jnp.where(where[:, None], keys, other)
    dense = compiled(segments.dense_ids)
    np.testing.assert_array_equal(dense(spoiled, where), dense(keys, where))


def test_batches_are_mapped_one_by_one(compiled):
    stacked = [problem(30, 2, "some", letters=3, seed=seed) for seed in range(4)]
    keys, where = (jnp.stack(part) for part in zip(*stacked))
    actual = compiled(jax.vmap(segments.dense_ids))(keys, where)
    expected = [segments.dense_ids(*part) for part in stacked]
    np.testing.assert_array_equal(actual, jnp.stack(expected))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_ids_partition_the_rows_by_key_in_any_order(seed, letters):
    keys, where = problem(20, 2, "some", letters, seed)
    rows = np.random.default_rng(seed).permutation(20)
    for order in (np.arange(20), rows):
        ids = np.asarray(jitted(keys[order], where[order]))
        assert sorted(set(ids)) == list(range(len(set(ids))))
        kept = np.asarray(where)[order]
        pairs = np.asarray(keys)[order][kept]
        equal_keys = (pairs[:, None] == pairs[None]).all(axis=-1)
        equal_ids = ids[kept][:, None] == ids[kept][None]
        np.testing.assert_array_equal(equal_ids, equal_keys)
        assert len(set(ids[~kept])) <= 1 and not set(ids[~kept]) & set(ids[kept])
