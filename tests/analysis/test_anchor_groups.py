"""The picture of groups against the metrics it is of."""

import numpy as np
import pytest

from rl_credit.analysis import anchor_groups
from rl_credit.training.anchoring import CLASSES, SHARES


def line(step, *shares, alone=0.25, aliased=0.5):
    """A line of metrics.jsonl; the shares are of the first classes."""
    known = dict(zip(SHARES, [*shares, *[0.0] * len(SHARES)]))
    found = {"anchors/alone": alone, "anchors/aliased": aliased}
    return {"step": step, "train/success": 0.5} | known | found


LINES = [line(0, 0.5, 0.3, 0.2), line(1, 0.25, 0.25, 0.5, alone=0.1), {"step": 2}]


def test_shares_are_stacked_to_one():
    left, _ = anchor_groups.sizes(LINES).axes
    bars = list(left.containers)
    assert len(bars) == len(CLASSES)
    shares = np.array([[bar.get_height() for bar in stack] for stack in bars])
    expected = [[0.5, 0.25], [0.3, 0.25], [0.2, 0.5], [0.0, 0.0]]
    np.testing.assert_allclose(shares[:4], expected, atol=1e-12)
    floors = [[bar.get_y() for bar in stack] for stack in bars]
    assert floors[0] == [0, 0] and floors[2] == pytest.approx([0.8, 0.5])
    tops = [bar.get_y() + bar.get_height() for bar in bars[-1]]
    assert tops == pytest.approx([1.0, 1.0])
    names = [text.get_text() for text in left.get_legend().get_texts()]
    assert names == ["1", "2", "3-5", "6-9", "10-49", "50 or more"]


def test_turns_without_step_credit_and_aliased_ones_are_curves():
    _, right = anchor_groups.sizes(LINES).axes
    drawn = {one.get_label(): one.get_xydata().tolist() for one in right.lines}
    assert list(drawn.values()) == [[[0, 0.25], [1, 0.1]], [[0, 0.5], [1, 0.5]]]
    assert "group of one" in list(drawn)[0] and "several states" in list(drawn)[1]


def test_a_run_that_counted_no_groups_has_no_picture():
    assert anchor_groups.sizes([{"step": 0, "train/success": 0.5}]) is None
    assert anchor_groups.sizes([]) is None
