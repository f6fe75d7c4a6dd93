"""Who answers, on tokens made up here."""

import dataclasses

import jax
import numpy as np
import pytest

from rl_credit.models.decoder import Decoder
from rl_credit.rollout.speakers import Alone, Asked, Guide, Speaker, Voice
from tests.rollout import tiny

TIME, WINDOW = 16, 64
ROOM = WINDOW - tiny.LIMIT  # for a prompt


def asks(lengths, turn=0, seed=0):
    """A row of each length, in places and with numbers of its own; 0: not asked."""
    rng = np.random.default_rng((seed, turn))
    made = []
    for place, length in enumerate(lengths):
        prompt = rng.integers(ord(" "), ord("~"), length).tolist()
        made.append(Asked(place, 100 + place, place, turn, prompt))
    return [asked for asked in made if asked.prompt]


def same(actual, expected):
    """Whether the answers are the same, their log-probabilities to rounding."""
    assert [a.tokens for a in actual] == [a.tokens for a in expected]
    assert [a.stopped for a in actual] == [a.stopped for a in expected]
    for one, other in zip(actual, expected):
        np.testing.assert_allclose(one.logps, other.logps, atol=2e-5)


def short():
    """A speaker whose window is all that its decoder was made for."""
    config = dataclasses.replace(tiny.CONFIG, positions=WINDOW)
    voice = Voice(Decoder(config), tiny.BYTES, tiny.LIMIT, WINDOW)
    return Alone(voice, tiny.params(), jax.random.key(0))


def test_all_speakers_keep_to_the_protocol():
    made = [tiny.alone()(3), tiny.conversation()(3), Guide(tiny.BYTES, {})]
    assert all(isinstance(speaker, Speaker) for speaker in made)


def test_a_guide_says_the_actions_of_a_task_in_the_format():
    routes = {4: ["go west", "take key"], 7: ["wait"]}
    asked = [Asked(0, 0, 7, 0, [65]), Asked(3, 3, 4, 1, [66])]
    for format, texts in (
        ("plain", ["wait", "take key"]),
        ("action", ["<action>wait</action>", "<action>take key</action>"]),
    ):
        answers = Guide(tiny.BYTES, routes, format).answer(asked)
        expected = [[*text.encode(), tiny.BYTES.end] for text in texts]
        assert [answer.tokens for answer in answers] == expected
        assert all(len(answer.logps) == len(answer.tokens) for answer in answers)
        assert all(answer.stopped for answer in answers)


@pytest.mark.parametrize(
    "wrong", [dict(limit=0), dict(limit=8, window=8), dict(window=1025)]
)
def test_a_voice_that_cannot_speak_is_refused(wrong):
    message = f"{list(wrong)[0]}={list(wrong.values())[0]}.*at most 1024"
    with pytest.raises(ValueError, match=message):
        tiny.voice(**wrong)


def test_an_answer_ends_at_the_end_token_or_the_closing_tag():
    end = tiny.BYTES.end
    np.testing.assert_array_equal(tiny.voice().stops, [[end]])
    tagged = tiny.voice(format="action").stops.tolist()
    assert [[t for t in stop if t >= 0] for stop in tagged] == [[end], [*b"</action>"]]
    said = tiny.words().encode("</action>")
    voice = Voice(tiny.MODEL, tiny.words(), tiny.LIMIT, WINDOW, format="think")
    assert voice.stops.tolist()[1] == said


def test_a_decoder_answers_in_its_own_words():
    answers = tiny.alone()(8).answer(asks([TIME, 9, 1, 5, 12, 3, 8, 7]))
    end = tiny.BYTES.end
    assert len({tuple(answer.tokens) for answer in answers}) > 5
    assert {answer.stopped for answer in answers} == {True, False}
    for answer in answers:
        assert 1 <= len(answer.tokens) <= tiny.LIMIT
        assert len(answer.logps) == len(answer.tokens) and max(answer.logps) < 0
        assert answer.stopped == (answer.tokens[-1] == end)
        assert end not in answer.tokens[:-1]


@pytest.mark.parametrize("make", [tiny.alone, tiny.conversation])
def test_an_answer_does_not_depend_on_the_rows_beside_it(make):
    asked = asks([TIME, 9, 1, TIME, 12])
    answers = make(window=WINDOW)(5).answer(asked)
    others = asks([TIME] * 5, seed=1)
    mixed = [asked[1], others[3], asked[4]]
    again = make(window=WINDOW)(5).answer(mixed)
    same([again[0], again[2]], [answers[1], answers[4]])
    assert again[1].tokens != answers[3].tokens


def test_an_answer_does_not_depend_on_its_place():
    asked = asks([TIME, 9, 1, TIME, 12])
    answers = tiny.alone()(5).answer(asked)
    same(tiny.alone()(5).answer(asked[::-1]), answers[::-1])
    moved = [dataclasses.replace(a, row=4 - a.row) for a in asked]
    for make in (tiny.alone, tiny.conversation):
        same(make(window=WINDOW)(5).answer(moved), answers)


def test_draws_depend_on_the_key_the_episode_and_the_turn():
    asked = asks([TIME])[0]
    others = [
        dataclasses.replace(asked, row=1),  # nothing new
        dataclasses.replace(asked, row=2, episode=5),
        dataclasses.replace(asked, row=3, turn=1),
        dataclasses.replace(asked, row=4, episode=1, turn=100),  # folded in its order
    ]
    said = [a.tokens for a in tiny.alone()(5).answer([asked, *others])]
    assert said[0] == said[1]
    assert len({tuple(tokens) for tokens in said}) == 4
    assert tiny.alone(seed=1)(5).answer([asked])[0].tokens != said[0]


def test_more_rows_than_the_fewest_are_answered_as_well():
    asked = asks([TIME] * 9)
    answers = tiny.alone()(9).answer(asked)
    same(tiny.alone()(9).answer(asked[6:]), answers[6:])


def test_alone_what_does_not_fit_is_not_answered_and_harms_no_other():
    asked = asks([TIME, ROOM + 1, 3, WINDOW * 2])
    answers = tiny.alone(window=WINDOW)(4).answer(asked)
    assert answers[1] is answers[3] is None
    fit = [asked[0], asked[2]]
    same([answers[0], answers[2]], tiny.alone(window=WINDOW)(4).answer(fit))
    assert tiny.alone(window=WINDOW)(4).answer(asked[1:2]) == [None]


def test_alone_a_prompt_may_fill_the_window_to_the_last_position():
    (answer,) = short().answer(asks([ROOM]))
    assert answer is not None and answer.tokens
    assert short().answer(asks([ROOM + 1])) == [None]


def test_what_a_conversation_has_read_counts_as_if_it_was_read_anew():
    speaker = tiny.conversation(window=WINDOW)(4)
    first, second = asks([TIME, 9, 1, 5]), asks([3, 0, TIME, 8], turn=1)
    answers = speaker.answer(first)
    whole = []
    for asked in second:
        before = first[asked.row].prompt + answers[asked.row].tokens
        whole.append(dataclasses.replace(asked, prompt=before + asked.prompt))
    later = speaker.answer(second)
    same(answers, tiny.alone()(4).answer(first))
    same(later, tiny.alone()(4).answer(whole))
    assert len(later) == 3 and len({len(a.prompt) for a in whole}) == 3


def test_a_conversation_ends_where_the_window_does():
    speaker = tiny.conversation(window=WINDOW)(2)
    said = [speaker.answer(asks([TIME, TIME], turn=turn)) for turn in range(3)]
    assert None not in said[0] + said[1]
    assert said[2] == [None, None]


def test_in_a_conversation_only_a_row_too_long_is_not_answered():
    asked = asks([TIME, ROOM + 1])
    answers = tiny.conversation(window=WINDOW)(2).answer(asked)
    assert answers[1] is None
    same(answers[:1], tiny.conversation(window=WINDOW)(2).answer(asked[:1]))


def test_in_a_conversation_a_prompt_may_fill_the_window():
    (answer,) = tiny.conversation(window=WINDOW)(1).answer(asks([ROOM]))
    assert answer is not None and answer.tokens
    assert tiny.conversation(window=WINDOW)(1).answer(asks([ROOM + 1])) == [None]
