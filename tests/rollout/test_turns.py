"""Episodes of `scripted`, against the environment stepped by hand."""

import pytest

from rl_credit.rollout import prompts, turns
from rl_credit.rollout.prompts import Prompts
from rl_credit.rollout.turns import Rules
from tests.envs import playing
from tests.rollout import tiny

FULL = dict(format="action", history=1, recalled=2)


@pytest.fixture(scope="module")
def pool():
    """Two workers; every test begins new episodes in them."""
    with playing.pool() as running:
        yield running


def follow(pool, routes, rules=Rules(), tokenizer=tiny.BYTES, format="plain", **how):
    """Episodes that say what `routes` has."""
    speaker = tiny.guide(tokenizer, routes, format)
    return turns.play(pool, speaker, tokenizer, rules, list(routes), **how)


def paid(episode):
    """What was seen, and what the next action was paid."""
    return [(s.observation, s.anchor, s.reward) for s in episode.steps]


def due(seen):
    """The same of the turns of an environment."""
    pairs = zip(seen, seen[1:])
    return [(turn.observation, turn.anchor, after.reward) for turn, after in pairs]


@pytest.mark.parametrize("rows", [1, 2, 5])
@pytest.mark.parametrize("vocabulary", ["bytes", "words"])
def test_guides_win_and_the_steps_are_those_of_stepping_by_hand(pool, vocabulary, rows):
    tokenizer = {"bytes": tiny.BYTES, "words": tiny.words()}[vocabulary]
    routes, told = tiny.walks(range(rows)), []
    style = Prompts(**FULL)
    episodes = follow(
        pool, routes, Rules(style), tokenizer, "action", tell=lambda *n: told.append(n)
    )
    assert told[-1] == (rows, rows) and told == sorted(told)
    for task, episode in enumerate(episodes):
        seen = tiny.by_hand(task, routes[task])
        assert (episode.task, episode.group) == (task, task)
        assert episode.won and episode.terminated and episode.score == 1.0
        assert not episode.overlong and episode.failure is None
        assert paid(episode) == due(seen)
        for number, step in enumerate(episode.steps):
            assert step.valid and step.stopped and step.action == routes[task][number]
            text = style.alone(seen[: number + 1], routes[task][:number], 1)
            assert ", ".join(seen[number].admissible) in text
            assert seen[0].objective in text
            assert step.prompt == prompts.opening(tokenizer, text)
            assert step.text == tokenizer.decode(step.answer)


def test_attempts_at_a_task_are_side_by_side_and_begin_alike(pool):
    routes = tiny.walks([4, 2])
    speaker = tiny.guide(tiny.BYTES, routes)
    episodes = turns.play(pool, speaker, tiny.BYTES, Rules(), [4, 2, 4], attempts=3)
    assert [e.task for e in episodes] == [4] * 3 + [2] * 3 + [4] * 3
    assert [e.group for e in episodes] == [0] * 3 + [1] * 3 + [2] * 3
    firsts = [e.steps[0].prompt for e in episodes]
    assert firsts[0] == firsts[2] == firsts[8] != firsts[3] == firsts[5]


def test_the_turn_limit_ends_an_episode_and_nothing_else(pool):
    routes = tiny.walks(range(3))
    for limit in (1, 3):
        for episode in follow(pool, routes, Rules(turns=limit)):
            assert len(episode.steps) == limit
            assert not (episode.terminated or episode.won or episode.overlong)
    longest = max(map(len, routes.values()))
    assert all(e.won for e in follow(pool, routes, Rules(turns=longest)))


def test_a_truncated_episode_is_not_terminated():
    with playing.pool(step_limit=2, workers=1) as pool:
        (episode,) = follow(pool, {0: ["wait"] * 9})
    assert len(episode.steps) == 2 and not episode.terminated and not episode.won


@pytest.mark.parametrize("rule", turns.INVALID)
def test_what_is_inadmissible_is_invalid_and_sent(pool, rule):
    walk = tiny.walks([0])[0]
    said = ["fly", *walk]
    (episode,) = follow(pool, {0: said}, Rules(invalid=rule))
    assert [step.valid for step in episode.steps] == [False] + [True] * len(walk)
    assert episode.steps[0].action is None and episode.steps[0].text == "fly"
    assert paid(episode) == due(tiny.by_hand(0, said))
    assert episode.steps[1].observation.startswith("That is not possible here.")
    assert episode.won


def test_case_does_not_matter(pool):
    walk = tiny.walks([0])[0]
    (episode,) = follow(pool, {0: [action.upper() for action in walk]})
    assert [step.action for step in episode.steps] == walk
    assert episode.steps[0].text == walk[0].upper() and episode.won


def test_an_answer_without_an_action_is_sent_as_it_is(pool):
    walk = tiny.walks([0])[0]
    (episode,) = follow(pool, {0: walk}, Rules(Prompts("action")))  # without the tags
    assert not any(step.valid for step in episode.steps)
    assert paid(episode) == due(tiny.by_hand(0, walk)) and episode.won


def test_an_answer_without_an_action_costs_the_turn_alone(pool):
    walk = tiny.walks([0])[0]
    first, *rest = [f"<action>{action}</action>" for action in walk]
    answers = ["hm", "<action></action>", first, walk[1], *rest]
    rules = Rules(Prompts("action"), invalid="noop")
    (episode,) = follow(pool, {0: answers}, rules)
    seen = tiny.by_hand(0, walk)
    start, after = seen[0].anchor, seen[1].anchor
    assert paid(episode) == [
        (seen[0].observation, start, 0.0),
        (turns.NOTHING, start, 0.0),
        (turns.NOTHING, start, 0.0),
        (seen[1].observation, after, 0.0),
        (turns.NOTHING, after, 0.0),
        *due(seen)[2:],
    ]
    assert [s.valid for s in episode.steps[:5]] == [False, False, True, False, True]
    assert episode.won
    able = ", ".join(seen[0].admissible)  # what can be done stays what it was
    shown = tiny.BYTES.decode(episode.steps[1].prompt)
    assert f"{turns.NOTHING}\nYou can: {able}." in shown


def test_a_lost_turn_does_not_count_in_the_environment_but_does_in_the_episode():
    with playing.pool(step_limit=2, workers=1) as pool:
        rules = Rules(Prompts("action"), turns=5, invalid="noop")
        (episode,) = follow(pool, {0: ["hm"] * 9}, rules)
        assert len(episode.steps) == 5 and not episode.terminated
        mixed = ["hm", "<action>wait</action>", "wait", "<action>wait</action>"]
        (episode,) = follow(pool, {0: mixed}, rules)
        assert len(episode.steps) == 4 and not episode.terminated
        (episode,) = follow(pool, {0: ["<action>wait</action>"] * 9}, rules)
        assert len(episode.steps) == 2


def test_a_prompt_tells_what_was_done_and_not_what_was_refused(pool):
    walk = tiny.walks([0])[0]
    rules = Rules(Prompts(history=2, admissible=False))
    (episode,) = follow(pool, {0: [walk[0], "fly", *walk[1:]]}, rules)
    shown = tiny.BYTES.decode(episode.steps[2].prompt)
    assert f"\n> {walk[0]}\n" in shown and "fly" not in shown
    assert "\nThat is not possible here.\n" in shown


class Narrow:
    """A speaker that reads no prompt above a length."""

    def __init__(self, speaker, longest):
        self._speaker, self._longest = speaker, longest

    def answer(self, asked):
        answers = self._speaker.answer(asked)
        fit = [len(a.prompt) <= self._longest for a in asked]
        return [said if fits else None for said, fits in zip(answers, fit)]


@pytest.mark.parametrize("longest", [320, 480, 640])
def test_a_prompt_that_does_not_fit_loses_its_oldest_turns_first(pool, longest):
    style, routes = Prompts(history=3, admissible=False), tiny.walks([0, 1, 3])
    shown = []

    def speaker(rows):
        return Narrow(tiny.guide(tiny.BYTES, routes)(rows), longest)

    for episode in turns.play(pool, speaker, tiny.BYTES, Rules(style), list(routes)):
        seen = tiny.by_hand(episode.task, routes[episode.task])
        assert episode.won
        for number, step in enumerate(episode.steps):
            done = routes[episode.task][:number]
            for history in (3, 2, 1, 0):
                text = style.alone(seen[: number + 1], done, history)
                if len(prompts.opening(tiny.BYTES, text)) <= longest:
                    break
            shown.append(history)
            assert step.prompt == prompts.opening(tiny.BYTES, text)
    assert 3 in shown and len(set(shown)) > 1


def test_alone_an_episode_ends_where_not_even_its_last_turn_fits(pool):
    routes = tiny.walks([0])
    first = len(prompts.opening(tiny.BYTES, tiny.by_hand(0, [])[0].observation))

    def speaker(rows):
        return Narrow(tiny.guide(tiny.BYTES, routes)(rows), first)

    rules = Rules(Prompts(history=2, recalled=9, admissible=False))
    (episode,) = turns.play(pool, speaker, tiny.BYTES, rules, [0])
    assert episode.overlong and not episode.terminated and not episode.won
    assert paid(episode) == due(tiny.by_hand(0, routes[0]))[: len(episode.steps)]
    assert 1 <= len(episode.steps) < len(routes[0])


def test_a_first_prompt_that_does_not_fit_is_an_error_that_names_its_task():
    routes = tiny.walks([7, 2, 0])  # the last is longest, and in the second half

    def speaker(rows):
        return Narrow(tiny.guide(tiny.BYTES, routes)(rows), 180)

    rules = Rules(Prompts(history=2, admissible=False))
    with playing.pool(workers=1) as pool:
        with pytest.raises(ValueError, match="first prompt of task 0 .* the window"):
            turns.play(pool, speaker, tiny.BYTES, rules, list(routes))
        assert all(e.won for e in follow(pool, routes))  # the pool can go on


@pytest.mark.parametrize(
    "wrong, message",
    [(dict(turns=0), "turns is 0"), (dict(invalid="nop"), "did you mean 'noop'")],
)
def test_rules_that_make_no_sense_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Rules(**wrong)
