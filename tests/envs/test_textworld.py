"""TextWorld: generation, cache, text and anchors."""

import collections
import hashlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest

from rl_credit.envs.text import games, textworld
from rl_credit.envs.text.textworld import TextWorld, visible

OPTIONS = dict(kind="treasure_hunter", levels=(4, 8), tasks=2)
Thing = collections.namedtuple("Thing", "name")
Fact = collections.namedtuple("Fact", "name arguments")


def facts(text):
    """Facts from "at(P, hall) open(box)"."""
    found = re.findall(r"(\w+)\(([^)]*)\)", text)
    return [Fact(name, [Thing(n) for n in about.split(", ")]) for name, about in found]


HALL = "at(P, hall) at(box, hall) in(key, box) at(lamp, hall) on(pen, desk)"
REST = "at(desk, hall) in(coin, I) link(hall, gate, attic) at(hat, attic)"


def test_the_anchor_knows_no_order():
    one, other = facts(f"{HALL} {REST}"), facts(f"{REST} {HALL}")
    assert visible(one) == visible(other[::-1])


def test_the_anchor_has_what_can_be_seen_and_only_that():
    closed = visible(facts(f"{HALL} {REST} closed(gate) closed(box)"))
    assert closed.split("; ") == [
        "at(P, hall)",
        "at(box, hall)",
        "at(desk, hall)",
        "at(lamp, hall)",
        "closed(box)",
        "closed(gate)",
        "in(coin, I)",
        "on(pen, desk)",
    ]
    opened = visible(facts(f"{HALL} {REST} closed(gate) open(box)"))
    assert "in(key, box)" in opened and "hat" not in opened


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(kind="cokking"), "did you mean 'cooking'"),
        (dict(reward="wins"), "did you mean 'win'"),
        (dict(levels=(4, 31)), "highest <= 30, the hardest of 'treasure_hunter'"),
        (dict(levels=(5, 4)), "lowest <= highest"),
        (dict(tasks=0), "tasks=0"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        TextWorld(**{**OPTIONS, **options})


def test_the_games_of_a_seed_are_fixed_by_hashes_alone():
    drawn = [games.game("quest", (2, 9), 1, task) for task in range(200)]
    assert {game.difficulty for game in drawn} == set(range(2, 10))
    assert len({game.seed for game in drawn}) == 200
    named = repr(("game", "quest", 2, 9, 1, 0))  # kind, levels, seed, task
    first, *following = hashlib.sha256(named.encode()).digest()[:4]
    assert drawn[0].difficulty == 2 + first % 8
    assert drawn[0].seed == int.from_bytes(following, "big")
    assert drawn != [games.game("quest", (2, 9), 2, task) for task in range(200)]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Two games, compiled by the pool's workers."""
    path = tmp_path_factory.mktemp("games")
    options = dict(OPTIONS, cache=str(path))
    assert textworld.prepare(options, range(2), seed=1, workers=2) == 2
    assert textworld.prepare(options, range(2), seed=1, workers=2) == 0
    return path


@pytest.mark.slow
def test_the_cache_holds_whole_games_under_their_names(cache):
    env = TextWorld(**OPTIONS, seed=1, cache=str(cache))
    names = {env.game(task).name for task in range(2)}
    assert {path.name for path in cache.iterdir()} == names
    for path in cache.iterdir():
        held = sorted(file.name for file in path.iterdir())
        assert held == ["game.json", "game.z8", "walkthrough.json"]
    with pytest.raises(IndexError, match="task 2"):
        textworld.prepare(dict(OPTIONS, cache=str(cache)), [2], seed=1, workers=1)


@pytest.mark.slow
def test_a_game_compiled_apart_is_the_same(cache, tmp_path):
    game = TextWorld(**OPTIONS, seed=1).game(0)
    other = games.compiled(game, tmp_path)  # this process has random hashes
    for name in ("game.json", "game.z8", "walkthrough.json"):
        assert other.with_name(name).read_bytes() == (
            cache / game.name / name
        ).read_bytes()


@pytest.mark.slow
def test_a_killed_compilation_leaves_nothing_half_made(tmp_path):
    code = (
        "import pathlib; from rl_credit.envs.text import games; "
        f"games.compiled(games.Game('quest', 2, 5), pathlib.Path({str(tmp_path)!r}))"
    )
    compiling = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=pathlib.Path(__file__).parents[2],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        start_new_session=True,
    )
    while not list(tmp_path.glob(f"{games.UNFINISHED}*/*")):
        assert compiling.poll() is None
        time.sleep(0.01)
    os.killpg(compiling.pid, signal.SIGKILL)
    compiling.wait()
    assert all(p.name.startswith(games.UNFINISHED) for p in tmp_path.iterdir())
    games.clear_unfinished(tmp_path)
    assert list(tmp_path.iterdir())  # it may be another run's
    games.clear_unfinished(tmp_path, age=0.0)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("reward", textworld.TRACKED)
def test_every_reward_sums_to_one_on_the_walkthrough(cache, reward):
    env = TextWorld(**OPTIONS, seed=1, cache=str(cache), reward=reward)
    plan = env.walkthrough(0)
    env.reset(0)
    paid = [env.step(action).reward for action in plan]
    assert len(paid) > 1 and sum(paid) == pytest.approx(1.0)
    if reward == "progress":
        assert paid == [pytest.approx(1 / len(plan))] * len(plan)
        assert paid[0] < 1
    env.reset(0)
    env.step(plan[0])
    back = {"east": "west", "west": "east", "north": "south", "south": "north"}
    undone = env.step(f"go {back[plan[0].removeprefix('go ')]}")
    assert undone.reward == {"progress": pytest.approx(-1 / len(plan))}.get(reward, 0)


@pytest.mark.slow
def test_the_text_has_the_objective_first_and_no_decoration(cache):
    plain = TextWorld(**OPTIONS, seed=1, cache=str(cache))
    full = TextWorld(**OPTIONS, seed=1, cache=str(cache), describe=True)
    for env in (plain, full):
        turns = [env.reset(0), env.step("look"), env.step("inventory")]
        turns += [env.step(action) for action in env.walkthrough(0)]
        for turn in turns:
            assert turn.observation == turn.observation.strip()
            for noise in ("$$", ">", "RESTART", "  ", "\n\n"):
                assert noise not in turn.observation
        objective, room, *_ = turns[0].observation.splitlines()
        assert "you" in objective.lower() and room.startswith("-= ")
        assert turns[1].observation.startswith(room)
        assert ("-= " in turns[2].observation) == (env is full)
        assert turns[0].anchor == turns[1].anchor == turns[2].anchor
