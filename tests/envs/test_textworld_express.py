"""TextWorldExpress: eight games of the package through the bridge."""

import sys

import pytest

from rl_credit.envs.make import make
from rl_credit.envs.text.textworld_express import LOOK, SOLVERS
from rl_credit.envs.text.turn import TextEnv


@pytest.fixture(scope="module", autouse=True)
def machine():
    """An environment that keeps the Java machine."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")
        yield (kept := make("textworld_express", game="coin"))
    kept.close()


@pytest.fixture
def built():
    """`built(**options)`: an environment."""
    made = []

    def build(**options):
        made.append(make("textworld_express", **{**dict(tasks=2, seed=1), **options}))
        return made[-1]

    yield build
    for env in made:
        env.close()


def played(env, task, actions):
    return [env.reset(task), *map(env.step, actions)]


@pytest.mark.java
@pytest.mark.parametrize("game", sorted(SOLVERS))
def test_games_for_training_and_for_testing_are_won_by_their_walkthroughs(built, game):
    env = built(game=game, held_out=1)
    assert isinstance(env, TextEnv)
    for task, (part, first) in enumerate([("train", 0), ("test", 20000)]):
        assert env.number(task)[0] == part
        assert first <= env.number(task)[1] < first + 1000
        *turns, last = played(env, task, env.walkthrough(task))
        assert last.won and LOOK not in env.walkthrough(task)
        assert sum(t.reward for t in [*turns, last]) == pytest.approx(1.0)
        assert all(turn.admissible == tuple(sorted(turn.admissible)) for turn in turns)


@pytest.mark.java
def test_instances_do_not_disturb_each_other(built):
    games = ("cookingworld", "peckingorder")
    envs = [built(game=game) for game in games]
    plans = [env.walkthrough(0) for env in envs]
    alone = [played(env, 0, plan) for env, plan in zip(envs, plans)]
    turns = [[env.reset(0)] for env in envs]
    for step in range(max(map(len, plans))):
        for env, plan, heard in zip(envs, plans, turns):
            if step < len(plan):
                heard.append(env.step(plan[step]))
                assert env.walkthrough(0) == plan
    assert turns == alone


@pytest.mark.java
def test_simon_is_the_state_and_disobedience_loses(built):
    env = built(game="simonsays")
    first = env.reset(0)
    assert first.anchor in first.observation and first.anchor.startswith("Simon says")
    right, *_ = env.walkthrough(0)
    assert env.step(f" {right.upper()}").reward == pytest.approx(0.2)
    wrong = next(a for a in env._last.admissible if a not in env._last.anchor)
    lost = env.step(wrong)
    assert lost.terminated and not lost.won and lost.admissible == ()
    assert lost.reward == pytest.approx(-1.2)  # what was won, and 1


@pytest.mark.java
def test_the_seed_decides_which_games_are_played(built):
    one, other = built(game="coin", tasks=20), built(game="coin", tasks=20, seed=2)
    numbers = [[env.number(task) for task in range(20)] for env in (one, other)]
    assert len(set(numbers[0])) == 20 and numbers[0] != numbers[1]
    more = built(game="coin", tasks=30, held_out=10)
    assert [more.number(task) for task in range(20)] == numbers[0]


@pytest.mark.java
@pytest.mark.parametrize(
    "options, message",
    [
        (dict(game="coins"), "did you mean 'coin'"),
        (dict(parameters=dict(numLocation=3)), "did you mean 'numLocations'"),
        (dict(parameters=dict(numLocations=99)), "less than or equal to 11"),
        (dict(parameters=dict(numLocations=2.5)), "numLocations=2.5: give a whole"),
        (dict(tasks=1001), "1001 train games are asked for; the package has 1000"),
        (dict(tasks=1001, held_out=1001), "1001 test games"),
        (dict(tasks=0), "tasks=0"),
        (dict(held_out=3), "held_out=3"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(built, options, message):
    with pytest.raises(ValueError, match=message):
        built(**{**dict(game="coin"), **options})


@pytest.mark.java
def test_without_the_package_the_extra_is_named(built, monkeypatch):
    monkeypatch.setitem(sys.modules, "textworld_express.constants", None)
    with pytest.raises(ImportError, match=r"'rl_credit\[textworld_express\]'"):
        built(game="coin")
