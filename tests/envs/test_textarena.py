"""textarena: games of the package, bent to the contract."""

import random
import sys

import pytest

from rl_credit.envs.make import make
from rl_credit.envs.text.textarena.draws import Draws
from rl_credit.envs.text.textarena.games import BY_NAME, REFUSED

BOARD = """\
+-----+-----+-----+-----+
|     |  H  |     |  H  |
+-----+-----+-----+-----+
|  P  |     |     |     |
+-----+-----+-----+-----+
|     |     |     |     |
+-----+-----+-----+-----+
|  H  |     |     |  G  |
+-----+-----+-----+-----+"""
PLANNED = sorted(name for name, game in BY_NAME.items() if game.plan)


def built(game="GuessTheNumber-v0", **options):
    tasks = 1 if BY_NAME[game].one_start else 4
    return make("textarena", **{**dict(game=game, seed=1, tasks=tasks), **options})


def moves(env, task, seed=0):
    """The turns of a game played at random."""
    chosen = random.Random(seed)
    turns = [env.reset(task)]
    while not turns[-1].ended:
        turns.append(env.step(chosen.choice(turns[-1].admissible)))
    return turns


def wrong(env):
    """Guesses of the number that are wrong, worst first."""
    secret = int(env.walkthrough(0)[-1][1:-1])
    return [f"[{n}]" for n in sorted(range(1, 21), key=lambda n: -abs(n - secret))]


@pytest.mark.parametrize("game", PLANNED)
def test_the_walkthrough_of_every_game_wins(game):
    env, other = built(game, step_limit=127), built(game, step_limit=127)
    for task in range(min(env.tasks, 2)):
        actions, turns = env.walkthrough(task), [env.reset(task)]
        for action in actions:
            assert action in turns[-1].admissible
            turns.append(env.step(action))
        assert [t.won for t in turns] == [False] * len(actions) + [True]
        assert [t.reward for t in turns] == [0.0] * len(actions) + [1.0]
        assert turns[-1].terminated and not turns[-1].truncated
        anchors = [turn.anchor for turn in turns[:-1]]
        assert len(set(anchors)) == len(anchors)
        assert turns == [other.reset(task), *map(other.step, actions)]


@pytest.mark.parametrize(
    "game, most",
    [
        ("GuessTheNumber-v0", 5),  # the next power of two
        ("GuessTheNumber-v0-hardcore", 6),
        ("TowerOfHanoi-v0-hard", 2**5 - 1),
        ("PegJump-v0", 13),
    ],
)
def test_walkthroughs_are_short(game, most):
    env = built(game)
    assert max(len(env.walkthrough(task)) for task in range(env.tasks)) <= most


def test_the_names_are_those_of_the_package():
    from textarena.envs.registration import ENV_REGISTRY

    assert set(BY_NAME) < set(ENV_REGISTRY)
    assert set(REFUSED) < {name.partition("-")[0] for name in ENV_REGISTRY}


@pytest.mark.parametrize("game", ["2048-v0-mega-easy", "Minesweeper-v0-small"])
def test_instances_take_turns_and_share_no_numbers(game):
    envs = built(game), built(game, seed=2)
    alone = [moves(env, 3) for env in envs]
    chosen = [random.Random(0), random.Random(0)]
    together = [[env.reset(3)] for env in envs]
    while any(not turns[-1].ended for turns in together):
        for env, turns, draw in zip(envs, together, chosen):
            random.seed(0)
            if not turns[-1].ended:
                turns.append(env.step(draw.choice(turns[-1].admissible)))
        built(game).walkthrough(0)
    assert together == alone and alone[0] != alone[1]


def test_the_generator_of_python_is_lent_and_taken_back():
    random.seed(5)
    held, draws = random.getstate(), Draws(3)
    with draws:
        numbers = [random.random()]
    assert random.getstate() == held
    numbers.append(draws.around(random.random)())
    assert random.getstate() == held
    own = random.Random(3)
    assert numbers == [own.random(), own.random()]
    with pytest.raises(ZeroDivisionError), draws:
        random.random() / 0
    assert random.getstate() == held


def test_an_error_in_the_package_is_not_hidden(monkeypatch):
    env = built()
    env.reset(0)
    monkeypatch.delattr(env._env, "guessed_numbers")
    with pytest.raises(AttributeError, match="guessed_numbers"):
        env.step("[3]")


def test_a_turn_is_what_the_game_says_without_tags_and_our_own_words():
    env = built("FrozenLake-v0")
    first = env.reset(0)
    assert first.objective.startswith("Welcome to Frozen Lake!\nYou are represented")
    assert first.observation.startswith(f"{first.objective}\nCurrent Board:\n+--")
    turn = env.step("[down]")
    assert turn.anchor == BOARD
    assert turn.observation == (
        f"You moved down to position (1, 0).\nCurrent Board:\n{BOARD}\n"
        "Available Actions: [up], [down], [left], [right], [w], [a], [s], [d]"
    )
    assert turn.admissible == ("[up]", "[down]", "[right]")
    refused = env.step("[left]")
    assert refused.observation == f"That is not possible here.\n{BOARD}"
    *_, last = map(env.step, ("[up]", "[right]"))
    assert last.terminated and not last.won and last.reward < 1
    assert last.observation.splitlines()[-1].startswith("You fell into a hole!")


def test_what_the_player_was_told_is_the_anchor_in_one_order():
    env = built()
    assert env.reset(0).observation.endswith("guess.\nGuesses so far: none")
    secret = int(env.walkthrough(0)[-1][1:-1])
    low, high = secret - 1, secret + 1
    anchors = []
    for guesses in ((low, high), (high, low)):
        env.reset(0)
        *_, last = [env.step(f"[{number}]") for number in guesses]
        anchors.append(last.anchor)
    assert set(anchors) == {f"Guesses so far: {low} (higher), {high} (lower)"}


@pytest.mark.parametrize("action", ["[0]", "[21]", "[7] or [8]", "seven", "[[7]]"])
def test_invalid_moves_never_end_a_game(action):
    env = built()
    first = env.reset(0)
    for _ in range(3):
        turn = env.step(action)
        assert not turn.ended and turn.anchor == first.anchor
        assert turn.admissible == first.admissible
    assert env.step(env.walkthrough(0)[0]).admissible != first.admissible


def test_brackets_may_be_left_out_and_case_does_not_matter():
    env = built("TowerOfHanoi-v0")
    turns = []
    for action in ("[A C]", "a c", " [a  C] ", "A C"):
        env.reset(0)
        turns.append(env.step(action))
    assert turns == [turns[0]] * 4 and turns[0].anchor.endswith("C: [1]")


def test_a_mine_ends_the_game():
    env = built("Minesweeper-v0-small")
    *before, safe = env.walkthrough(0)
    env.reset(0)
    *_, turn = map(env.step, before)
    mine = min(set(turn.admissible) - {safe})
    last = env.step(mine)
    assert last.terminated and not last.won and 0 <= last.reward < 1
    assert f"hit a mine at ({', '.join(mine[1:-1].split())})" in last.observation


def test_a_wrong_digit_ends_the_game_and_one_that_clashes_is_refused():
    env = built("Sudoku-v0")
    first = env.reset(0)
    right = set(env.walkthrough(0))
    clashing = {f"[{cell} {n}]" for cell in _open(right) for n in "123456789"}
    assert not env.step(min(clashing - set(first.admissible))).ended
    last = env.step(min(set(first.admissible) - right))
    assert last.terminated and not last.won and last.reward == 0.0


def _open(actions):
    return [action[1:4] for action in actions]


def test_the_turns_that_a_game_allows_are_a_rule_of_it():
    env = built(step_limit=50)
    guesses = wrong(env)
    env.reset(0)
    turns = [env.step(guess) for guess in ("fly", *guesses[:11])]
    assert [turn.ended for turn in turns] == [False] * 11 + [True]
    assert turns[-1].terminated and not turns[-1].won and 0 < turns[-1].reward < 1
    assert "The turn limit has been reached" in turns[-1].observation


def test_a_game_can_be_lost():
    env = built("Secretary-v0")
    task = next(t for t in range(4) if len(env.walkthrough(t)) > 1)
    env.reset(task)
    last = env.step("[accept]")
    assert last.terminated and not last.won and last.reward == 0.0


def test_2048_has_no_walkthrough_and_is_won_by_its_tile_alone():
    env = built("2048-v0-ultra-easy")
    assert env.walkthrough(0) is None
    assert moves(env, 0)[-1].won and "reached 32" in moves(env, 0)[-1].observation
    env = built("2048-v0-very-easy", tasks=20, step_limit=1000)
    ends = [moves(env, task)[-1] for task in range(20)]
    assert any(end.reward == 1.0 and "No moves left" in end.observation for end in ends)
    for end in ends:
        assert end.terminated and end.won == ("you reached 256" in end.observation)


def test_the_words_to_guess_come_with_the_package(monkeypatch):
    import nltk
    from nltk.corpus import words

    def download(*names, **options):
        raise AssertionError(f"downloads {names}")

    monkeypatch.setattr(nltk, "download", download)
    monkeypatch.delitem(sys.modules, "textarena.envs.Hangman.env", raising=False)
    env = built("Hangman-v0")
    spelled = env.walkthrough(0)
    turn = env.reset(0)
    assert "Tries left: 6\nLetters so far: none" in turn.anchor
    missing = min(set(turn.admissible) - set(spelled))
    turn = env.step(missing)
    assert f"Tries left: 5\nLetters so far: {missing[1]}" in turn.anchor
    assert nltk.download is download and "words" not in vars(words)


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(game="FrozenLak-v0"), "did you mean 'FrozenLake-v0'"),
        (dict(game="Wordle-v0"), "Wordle of textarena cannot be played here: it downl"),
        (dict(game="Chess-v0"), "unknown game 'Chess-v0'.*known: 2048-v0, "),
        (dict(game="PegJump-v0", tasks=2), "tasks is 2, but 'PegJump-v0' always"),
        (dict(tasks=0), "tasks=0, step_limit=100: both are at least 1"),
        (dict(step_limit=0), "step_limit=0"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        make("textarena", **{**dict(game="GuessTheNumber-v0"), **options})


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "textarena", None)
    with pytest.raises(ImportError, match=r"pip install 'rl_credit\[textarena\]'"):
        built()
