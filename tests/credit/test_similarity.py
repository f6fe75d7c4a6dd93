"""Similar texts beside the released grouping, and by its laws."""

import difflib
import sys

import numpy as np
import pytest

from rl_credit.credit.similarity import clusters
from tests.references import golden

# Cases of the released code with similar texts, and the threshold each was made with.
THRESHOLDS = {"c12_similarity": 0.9, "c14_similarity_loose": 0.6}
CASES = [case for case in golden.load("gigpo")["cases"] if case["name"] in THRESHOLDS]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])


def first_fit(texts, threshold, **how):
    """The released rule: into the first group whose first text is near, by difflib."""
    groups, ids = [], []
    for text in texts:
        near = [
            number
            for number, first in enumerate(groups)
            if difflib.SequenceMatcher(None, text, first, **how).ratio() >= threshold
        ]
        if not near:
            groups.append(text)
        ids.append(near[0] if near else len(groups) - 1)
    return ids


def tasks(case):
    """The texts of each task and the groups that they were released in."""
    inputs, found = case["inputs"], {}
    for row, group in zip(inputs["row_order"], case["step_group"]):
        texts, groups = found.setdefault(inputs["uid"][row], ([], []))
        texts.append(inputs["anchor_obs"][row])
        groups.append(group)
    return found.values()


def partition(ids):
    """Ids numbered by first appearance."""
    known = list(dict.fromkeys(ids))
    return [known.index(one) for one in ids]


@every_case
def test_groups_are_the_released_ones_but_for_its_trap(case):
    threshold, split = THRESHOLDS[case["name"]], 0
    for texts, released in tasks(case):
        assert first_fit(texts, threshold) == partition(released)
        ids = clusters(texts, threshold).tolist()
        assert ids == first_fit(texts, threshold, autojunk=False)
        split += max(partition(released)) - max(ids)
        # What was released together is together; some of it was torn apart.
        assert len(set(zip(released, ids))) == len(set(released))
    assert split == {"c12_similarity": 3, "c14_similarity_loose": 1}[case["name"]]


def test_a_changed_character_in_a_long_text_is_not_missed_as_by_difflib():
    (texts, _), *_ = tasks(CASES[0])
    one, other = [t for t in dict.fromkeys(texts) if len(t) == 244][:2]
    assert sum(a != b for a, b in zip(one, other)) == 1

    def ratio(a, b):
        return difflib.SequenceMatcher(None, a, b).ratio()

    assert ratio(other, one) < 0.52 < 0.99 < ratio(one, other)  # not symmetric, too
    for pair in ([one, other], [other, one]):
        assert clusters(pair, 0.99).tolist() == [0, 0]


@pytest.mark.parametrize(
    "pair, ratio",
    [
        (["abcd", "bxd"], 4 / 7),  # common: bd
        (["abcde" * 20, "abcdx" * 20], 0.8),
        (["ab", "abcdefgh"], 0.4),
    ],
)
def test_similarity_is_twice_the_common_subsequence_over_the_lengths(pair, ratio):
    for both in (pair, pair[::-1]):
        assert clusters(both, ratio).tolist() == [0, 0]
        assert clusters(both, ratio + 1e-9).tolist() == [0, 1]


def test_texts_are_joined_through_those_between_them():
    near = ["aaaa", "aaab", "aabb"]  # 0.75, 0.75, and the ends 0.5
    assert clusters(near, 0.7).tolist() == [0, 0, 0]
    assert clusters([near[0], near[2]], 0.7).tolist() == [0, 1]
    assert clusters([near[0], "zz", near[2], "zz", near[0], near[1]], 0.7).tolist() == [
        0, 1, 0, 1, 0, 0,
    ]  # fmt: skip


def test_order_does_not_matter():
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("abc"), 6)) for _ in range(30)]
    ids = clusters(texts, 0.8)
    assert 1 < ids.max() < 29
    order = rng.permutation(30)
    again = clusters([texts[place] for place in order], 0.8)
    assert partition(ids[order].tolist()) == again.tolist()


def test_empty_texts_and_none():
    assert clusters(["", "a", ""], 0.5).tolist() == [0, 1, 0]
    assert clusters([], 0.5).tolist() == []


@pytest.mark.parametrize("threshold", [0.0, 1.0, -0.5, float("nan")])
def test_a_threshold_that_says_nothing_is_refused(threshold):
    with pytest.raises(ValueError, match=f"threshold is {threshold}; give more than 0"):
        clusters(["a"], threshold)


def test_without_rapidfuzz_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "rapidfuzz", None)
    with pytest.raises(ImportError, match=r"rl_credit\[similar\]"):
        clusters(["a"], 0.5)
