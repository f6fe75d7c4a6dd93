"""What became of every episode, counted by hand."""

import numpy as np

from rl_credit.rollout.episodes import Episode, Step
from rl_credit.training import ledger
from rl_credit.training.collect import Collected


def step(anchor, action="go", said=2):
    return Step("seen", anchor, [1, 2, 3], [4] * said, [-0.5] * said, "go", action)


def test_every_episode_has_its_counts_and_its_fate():
    kept = [
        Episode(5, 0, [step("a"), step("b", said=3)], won=True),
        Episode(5, 0, [step("a"), step("a", action=None), step("c")]),
        Episode(6, 1, [step("b")]),
    ]
    failed = Episode(6, 1, [step("x")], failure="death")
    collected = Collected(kept, 3, 1, 1, 3, [failed, Episode(7, 2, [step("y")])])
    advantages = np.array([[0.5, 0.0, 0.0], [0.0, -0.2, -0.1], [0.0, 0.0, 0.0]])
    states = [["a", "b"], ["a", "a", "c"], ["b"]]
    assert ledger.line(collected, advantages, states) == {
        "tasks": [5, 5, 6, 6, 7],
        "groups": [0, 0, 1, 1, 2],
        "won": [True, False, False, False, False],
        "scores": [0.0] * 5,
        "turns": [2, 3, 1, 1, 1],
        "invalid": [0, 1, 0, 0, 0],
        "read": [6, 9, 3, 3, 3],
        "said": [5, 6, 2, 2, 2],
        "fates": ["kept", "kept", "kept", "death", "flat"],
        "taught": [1, 2, 0, None, None],
        "alone": [1, 1, 1, None, None],  # of a: 3 visits; "b" of another task is alone
    }


def test_episodes_played_besides_are_summed():
    played = [Episode(0, 0, [step("a"), step("b")]), Episode(1, 1, [step("a")])]
    assert ledger.played("greedy", played) == {
        "greedy/episodes": 2.0,
        "greedy/turns": 3.0,
        "greedy/read": 9.0,
        "greedy/said": 6.0,
    }
