"""ScienceWorld: the bridge against the package, its splits, questions and faults."""

import collections
import sys

import pytest

from rl_credit.envs.make import make
from rl_credit.envs.text.scienceworld import dealt
from rl_credit.envs.text.turn import TextEnv

OPTIONS = dict(
    names=["find-non-living-thing", "lifespan-longest-lived"],
    tasks=4,
    held_out=2,
    seed=1,
)


@pytest.fixture(scope="module")
def envs():
    """An easy environment and one that is not; they keep the Java machine."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")
        easy, hard = [
            make("scienceworld", **OPTIONS, simplification=name)
            for name in ("easy", "")
        ]
        yield easy, hard
    easy.close()
    hard.close()


def played(env, task, actions):
    return [env.reset(task), *map(env.step, actions)]


@pytest.mark.java
def test_tasks_come_in_turn_from_the_splits_of_the_package(envs):
    env = envs[0]
    assert isinstance(env, TextEnv)
    dealt = [env.variation(task) for task in range(4)]
    assert [name for name, _ in dealt] == OPTIONS["names"] * 2
    parts = env._world.variations(OPTIONS["names"])
    for part, tasks in (("train", dealt[:2]), ("test", dealt[2:])):
        assert all(number in parts[part][name] for name, number in tasks)
    for name, last in (("find-non-living-thing", 300), ("lifespan-longest-lived", 125)):
        assert not set(parts["train"][name]) & set(parts["test"][name])
        assert max(parts["test"][name]) == last - 1


@pytest.mark.java
def test_instances_do_not_disturb_each_other(envs):
    """Nor does what was played before, or the search for a solution."""
    tasks = (0, 3)
    plans = [env.walkthrough(task) for env, task in zip(envs, tasks)]
    turns = [[env.reset(task)] for env, task in zip(envs, tasks)]
    for step in range(max(map(len, plans))):
        for env, plan, heard in zip(envs, plans, turns):
            if step < len(plan):
                heard.append(env.step(plan[step]))
    for env, task, plan, heard in zip(envs, tasks, plans, turns):
        assert played(env, task, plan) == heard
        assert heard[-1].won and env._score == 100
        first = env.reset(task).anchor.rpartition("Score: ")[2]
        paid = sum(turn.reward for turn in heard)
        assert paid == pytest.approx(1 - int(first) / 100)


@pytest.mark.java
def test_each_has_the_static_variables_of_the_simulator_to_itself(envs):
    """Among them is whether flower pots water themselves, as they do in easy worlds."""
    easy, hard = envs
    alone = played(easy, 0, ["teleport to greenhouse", "wait", "wait"])
    assert "containing a substance called water" in alone[-1].anchor
    turns = [easy.reset(0)]
    assert "teleport OBJ" not in hard.reset(1).objective
    for action in ("teleport to greenhouse", "wait", "wait"):
        hard.step("wait1")
        turns.append(easy.step(action))
    assert turns == alone


@pytest.mark.java
def test_the_solutions_are_found_again_by_a_machine_with_another_past(envs):
    from rl_credit.envs.text import scienceworld

    known = envs[0].walkthrough(0)
    envs[0].reset(1)
    scienceworld._solution.cache_clear()
    assert envs[0].walkthrough(0) == known


@pytest.mark.java
def test_a_wrong_answer_is_paid_below_zero_and_ends_the_task(envs):
    env = envs[0]
    *way, _ = env.walkthrough(1)
    turn = played(env, 1, way)[-1]
    assert turn.admissible is None and not turn.ended
    lost = env.step("focus on air")
    assert lost.terminated and not lost.won and lost.reward < -1
    assert lost.admissible == ()


@pytest.mark.java
def test_a_question_is_answered_by_a_number_or_dropped(envs):
    env = envs[0]
    first = played(env, 0, ["teleport to kitchen"])[-1]
    asked = env.step("look at orange")
    assert asked.observation.startswith("Ambiguous request") and not asked.reward
    assert asked.anchor.startswith(first.anchor) and "0:\t" in asked.anchor
    moves = env._world._game.getNumMoves()
    assert env.step(" inventory\n").observation.startswith("In your inventory")
    assert env._last.anchor == first.anchor
    assert env._world._game.getNumMoves() == moves
    env.step("look at orange")
    assert env.step("1").observation == "an orange"
    assert env._last.anchor == first.anchor
    assert env._world._game.getNumMoves() == moves + 1


@pytest.mark.java
def test_the_objective_names_the_commands(envs):
    first = envs[0].reset(0)
    task, commands = first.objective.splitlines()
    assert task.startswith("Your task is to find a(n) non-living thing.")
    assert "teleport OBJ" in commands and "focus on OBJ" in commands
    assert "This room is called" in first.observation
    assert "\n\tdoor" in envs[0].step("objects").observation


@pytest.mark.java
def test_a_fault_of_the_simulator_is_raised(envs):
    env = envs[0]
    env.reset(0)
    env._world._agent.setErrorState("scala.MatchError")
    with pytest.raises(RuntimeError, match="failed at 'wait1': scala.MatchError"):
        env.step("wait1")
    assert not env.reset(0).ended


def test_variations_are_dealt_by_hashes_and_no_task_gives_out_early():
    known = {"boil": list(range(3)), "melt": list(range(40))}
    all_of_them = dealt(known, 43, seed=1, part="train")
    assert len(set(all_of_them)) == 43
    assert collections.Counter(n for n, _ in all_of_them[:6]) == dict(boil=3, melt=3)
    assert dealt(known, 5, seed=1, part="train") == all_of_them[:5]
    for other in (dict(seed=2, part="train"), dict(seed=1, part="test")):
        assert dealt(known, 43, **other) != all_of_them
    with pytest.raises(ValueError, match="44 test variations .* have 43"):
        dealt(known, 44, seed=1, part="test")


@pytest.mark.java
@pytest.mark.parametrize(
    "options, message",
    [
        (dict(names=["boill"]), "did you mean 'boil'"),
        (dict(names="boil"), "names is 'boil': give a list"),
        (dict(simplification="easi"), "did you mean 'easy'"),
        (dict(simplification="easy,openDoors"), "'easy' stands alone"),
        (dict(simplification="openDoors,easy"), "'easy' stands alone"),
        (
            dict(names=["power-component"], simplification="noElectricalAction"),
            "'power-component' cannot be done with noElectricalAction",
        ),
        (dict(names=["boil"], tasks=17), "15 train variations .* have 14"),
        (dict(tasks=0), "tasks=0"),
        (dict(held_out=5), "held_out=5"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(envs, options, message):
    with pytest.raises(ValueError, match=message):
        make("scienceworld", **{**OPTIONS, **options})


@pytest.mark.java
def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "scienceworld.constants", None)
    with pytest.raises(ImportError, match=r"'rl_credit\[scienceworld\]'"):
        make("scienceworld")
