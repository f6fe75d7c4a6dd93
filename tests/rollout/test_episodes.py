"""Episodes and what is written of them."""

import dataclasses
import json

from rl_credit.rollout import episodes
from rl_credit.rollout.episodes import Episode, Step

FIRST = Step(
    observation="You are in the hall.\nIt is dark.",
    anchor="hall",
    prompt=[257, 65, 256, 259],
    answer=[103, 111, 256],
    logps=[-0.5, -1.0, -0.25],
    text="go",
    action="go north",
    reward=0.25,
)
SECOND = dataclasses.replace(
    FIRST, answer=[63, 63], text="??", action=None, reward=1.0, stopped=False
)


def played():
    return Episode(task=7, group=2, steps=[FIRST, SECOND], terminated=True, won=True)


def test_a_step_without_an_action_is_not_valid():
    assert FIRST.valid and not SECOND.valid


def test_score_and_tokens_are_sums_over_the_steps():
    assert played().score == 1.25
    assert played().tokens == 5
    assert Episode(task=0, group=0).score == Episode(task=0, group=0).tokens == 0


def test_episodes_share_no_steps():
    one, other = Episode(task=0, group=0), Episode(task=0, group=0)
    one.steps.append(FIRST)
    assert other.steps == []


def test_a_transcript_is_json_with_what_was_seen_said_and_paid():
    written = json.loads(json.dumps(episodes.transcript(played())))
    assert written == {
        "task": 7,
        "group": 2,
        "score": 1.25,
        "won": True,
        "failure": None,
        "turns": [
            {
                "observation": FIRST.observation,
                "anchor": "hall",
                "answer": "go",
                "action": "go north",
                "reward": 0.25,
                "tokens": 3,
            },
            {
                "observation": FIRST.observation,
                "anchor": "hall",
                "answer": "??",
                "action": None,
                "reward": 1.0,
                "tokens": 2,
            },
        ],
    }


def test_a_transcript_shows_the_advantage_of_each_turn():
    given = [0.5, -1.5, 9.0]  # the third is padding
    written = json.loads(json.dumps(episodes.transcript(played(), given)))
    assert [turn["advantage"] for turn in written["turns"]] == [0.5, -1.5]
    assert [turn["reward"] for turn in written["turns"]] == [0.25, 1.0]


def test_a_transcript_has_the_states_that_credit_was_given_by():
    written = episodes.transcript(played(), states=["a room", "another", "padding"])
    assert [turn["anchor"] for turn in written["turns"]] == ["a room", "another"]


def test_a_failed_episode_names_the_fault():
    failed = Episode(task=1, group=0, steps=[FIRST], failure="hang")
    written = episodes.transcript(failed)
    assert written["failure"] == "hang" and written["won"] is False
    assert len(written["turns"]) == 1
