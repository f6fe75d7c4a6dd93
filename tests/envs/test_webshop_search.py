"""Ranking by BM25."""

import math

import numpy as np
import pytest

from rl_credit.envs.text.webshop.search import STOP_WORDS, Index, words

TEXTS = [
    "Red cotton shirt, machine washable. A shirt for men.",
    "blue shirt",
    "red lamp of solid wood",
    "",
    "shirt shirt shirt with long sleeves and a collar in red",
    "blue shirt",
]


def reference(texts, query, k1=0.9, b=0.4):
    """Scores, straight from the formula."""
    read = [words(text) for text in texts]
    mean = sum(map(len, read)) / len(read)
    scores = []
    for text in read:
        total = 0.0
        for word in words(query):
            holding = sum(word in other for other in read)
            rarity = math.log(1 + (len(read) - holding + 0.5) / (holding + 0.5))
            norm = k1 * (1 - b + b * len(text) / mean)
            total += rarity * text.count(word) / (text.count(word) + norm)
        scores.append(total)
    return scores


@pytest.mark.parametrize(
    "query", ["red shirt", "SHIRT", "red red shirt", "zebra", "", "lamp with a collar"]
)
def test_texts_score_what_the_formula_says(query):
    scores = Index(TEXTS).scores(query)
    np.testing.assert_allclose(scores, reference(TEXTS, query), rtol=1e-12)


def test_the_best_come_first_and_of_equals_the_first():
    index = Index(TEXTS)
    scores = reference(TEXTS, "blue shirt")
    found = index.search("blue shirt", 10)
    assert found[:2] == (1, 5) and scores[1] == scores[5]
    assert list(found) == sorted(found, key=lambda row: -scores[row])
    assert set(found) == {0, 1, 4, 5}  # the others have neither word
    assert index.search("blue shirt", 1) == (1,)
    assert index.search("zebra", 10) == index.search("of the", 10) == ()


def test_a_word_worked_by_hand():
    """Two texts of two words, "red" in one: log 2 / (1 + 0.9) for it, else nothing."""
    scores = Index(["red shirt", "blue shirt"]).scores("red")
    np.testing.assert_allclose(scores, [math.log(2) / 1.9, 0])


def test_words_are_plain():
    assert words("The X-Large, 9.5 oz (Blue)") == ["x", "large", "9", "5", "oz", "blue"]
    assert len(STOP_WORDS) == 33
