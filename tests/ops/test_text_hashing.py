import hashlib
import inspect

import numpy as np
import pytest

from rl_credit.ops import hashing

KNOWN = [  # stored in checkpoints: these may never change
    ("", [1470146276, 3031595380]),
    ("a", [966719552, 792880731]),
    ("You are in a red room. Go north.", [3960975676, 1608135796]),
    ("Zurich, Zürich, チューリッヒ, 🙂", [3302027290, 2614554032]),
    ("\ud800 alone", [4052509017, 847751672]),
    ("x" * 3000, [1741240988, 2504097620]),
]


def test_known_answers():
    for text, expected in KNOWN:
        actual = hashing.fingerprint_text(text)
        assert actual.dtype == np.uint32 and actual.shape == (2,)
        assert actual.tolist() == expected


def test_by_hand():
    for text, _ in KNOWN:
        data = text.encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(data, digest_size=8).digest()
        by_hand = [int.from_bytes(digest[i : i + 4], "little") for i in (0, 4)]
        assert hashing.fingerprint_text(text).tolist() == by_hand


def test_many_are_as_one_by_one_with_repeats():
    texts = [f"state {i % 7}" for i in range(50)] + [text for text, _ in KNOWN] * 2
    actual = hashing.fingerprint_texts(texts)
    assert actual.dtype == np.uint32 and actual.shape == (62, 2)
    expected = [hashing.fingerprint_text(text).tolist() for text in texts]
    assert actual.tolist() == expected
    assert len({tuple(pair) for pair in expected}) == len(set(texts))
    assert hashing.fingerprint_texts(tuple(texts)).tolist() == expected


def test_no_texts_have_no_fingerprints():
    actual = hashing.fingerprint_texts([])
    assert actual.shape == (0, 2) and actual.dtype == np.uint32


def test_no_collisions():
    texts = [f"{room} {item}" for room in range(300) for item in range(300)]
    actual = hashing.fingerprint_texts(texts)
    assert len(np.unique(actual, axis=0)) == len(texts)


def test_results_may_be_written_to():
    actual = hashing.fingerprint_texts(["a"])
    actual[0] = 7
    assert hashing.fingerprint_texts(["a"]).tolist() != [[7, 7]]


def test_what_is_no_text_is_refused():
    """By our own checks, which lie beneath the type checks of pytest's hook."""
    many = inspect.unwrap(hashing.fingerprint_texts)
    with pytest.raises(TypeError, match="a text is str, not bytes; .decode"):
        many(["text", b"text"])
    with pytest.raises(TypeError, match="b'text'"):
        hashing.fingerprint_text(b"text")
    with pytest.raises(TypeError, match="a text is str, not list"):
        many([["text"]])
    with pytest.raises(TypeError, match=r"list of str; one str: \[text\]"):
        many("text")
