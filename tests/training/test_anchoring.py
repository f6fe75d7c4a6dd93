"""Which turns meet, counted by hand."""

import sys

import pytest

from rl_credit.rollout.episodes import Episode, Step
from rl_credit.training import anchoring
from rl_credit.training.anchoring import Anchors

STATES = Anchors("state", 1.0)
HALL, DEN = "A long hall with a door.", "A long hall with a doar."


def episode(group, *turns):
    """One of turns given as text and state."""
    steps = [Step(text, state, [1], [2], [0.0], "go", "go") for text, state in turns]
    return Episode(group, group, steps)


PLAYED = [
    episode(0, ("hall", "h1"), ("den", "d"), ("hall", "h2")),
    episode(0, ("hall", "h1"), ("den", "d")),
    episode(1, ("hall", "h1"), ("bed", "b")),
]


def test_states_are_the_environments_or_what_was_read():
    by_state = [["h1", "d", "h2"], ["h1", "d"], ["h1", "b"]]
    assert STATES.states(PLAYED) == by_state
    by_text = [["hall", "den", "hall"], ["hall", "den"], ["hall", "bed"]]
    assert Anchors("observation", 1.0).states(PLAYED) == by_text


def test_similar_texts_of_a_task_share_a_state():
    played = [
        episode(0, (HALL, "a"), ("A bed.", "b"), (DEN, "c")),
        episode(0, (DEN, "c")),
        episode(1, (HALL, "a")),
    ]
    similar = Anchors("observation", 0.9).states(played)
    first = min(HALL, DEN)
    assert similar == [[first, "A bed.", first], [first], [HALL]]
    exact = Anchors("observation", 0.99).states(played)
    assert exact == [[HALL, "A bed.", DEN], [DEN], [HALL]]


def test_the_size_of_a_group_is_how_often_a_task_met_the_state():
    assert anchoring.sizes(PLAYED, STATES.states(PLAYED)) == [[2, 2, 1], [2, 2], [1, 1]]


def test_scalars_count_groups_and_turns():
    found = anchoring.scalars(PLAYED, STATES.states(PLAYED))
    shares = {"1": 3 / 5, "2": 2 / 5}
    expected = {
        f"anchors/sizes/{name}": shares.get(name, 0.0) for name in anchoring.CLASSES
    }
    assert found == pytest.approx(
        expected
        | {
            "anchors/groups": 5,
            "anchors/size": 7 / 5,
            "anchors/alone": 3 / 7,
            "anchors/aliased": 3 / 7,  # "hall" of task 0 is two states
        }
    )
    assert list(found)[: len(shares)] == ["anchors/sizes/1", "anchors/sizes/2"]


def test_aliasing_is_told_of_texts_whatever_stands_for_the_state():
    by_text = Anchors("observation", 1.0).states(PLAYED)
    found = anchoring.scalars(PLAYED, by_text)
    assert found["anchors/aliased"] == pytest.approx(3 / 7)
    assert found["anchors/sizes/3-5"] == pytest.approx(1 / 4)


@pytest.mark.parametrize(
    "size, name",
    [(1, "1"), (2, "2"), (3, "3-5"), (5, "3-5"), (6, "6-9"), (9, "6-9"), (10, "10-49"),
     (49, "10-49"), (50, "50_or_more")],
)  # fmt: skip
def test_groups_fall_into_classes_by_their_size(size, name):
    played = [episode(0, *[("hall", "h")] * size)]
    found = anchoring.scalars(played, STATES.states(played))
    shares = {key: found[f"anchors/sizes/{key}"] for key in anchoring.CLASSES}
    assert shares == {key: float(key == name) for key in anchoring.CLASSES}


@pytest.mark.parametrize(
    "by, similarity, message",
    [
        ("sate", 1.0, "anchor 'sate'; did you mean 'state'"),
        ("observation", 0.0, "similarity is 0.0; give more than 0"),
        ("observation", 1.5, "similarity is 1.5.*at most 1"),
        ("state", 0.9, "0.9 with anchors by 'state'.*'observation'"),
    ],
)
def test_anchors_that_nobody_can_have_are_refused(by, similarity, message):
    with pytest.raises(ValueError, match=message):
        Anchors(by, similarity)


def test_similar_texts_need_their_extra_from_the_start(monkeypatch):
    monkeypatch.setitem(sys.modules, "rapidfuzz", None)
    assert Anchors("observation", 1.0).similarity == 1
    with pytest.raises(ImportError, match=r"rl_credit\[similar\]"):
        Anchors("observation", 0.9)
