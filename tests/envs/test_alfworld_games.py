"""Generated games of ALFWorld: their tasks, rooms and plans."""

import collections
import dataclasses
import hashlib
import json
import os
import pathlib
import subprocess
import sys

import pytest

from rl_credit.envs.text.alfworld import (
    commands,
    compiled,
    dealing,
    floor_plans,
    furnishing,
    planning,
    problem,
)
from rl_credit.envs.text.alfworld.bridge import ALFWorld
from rl_credit.envs.text.alfworld.floor_plans import receptacle_type
from rl_credit.envs.text.alfworld.furnishing import KINDS, LAMP, LOOK, object_type

SIMPLE = "pick_and_place_simple"
GAME = dealing.Generated(LOOK, 205, 1)


def furnished(kind, seeds=40):
    """Rooms for tasks of a kind."""
    for seed in range(seeds):
        rooms = furnishing.rooms(kind, seen=bool(seed % 2))
        plan = floor_plans.read(rooms[seed % len(rooms)])
        yield furnishing.furnish(plan, kind, seed)


@pytest.mark.parametrize("kind", KINDS)
def test_seen_and_unseen_rooms_share_no_floor_plan(kind):
    seen, unseen = furnishing.rooms(kind, True), furnishing.rooms(kind, False)
    assert len(seen) > len(unseen) >= 5 and not set(seen) & set(unseen)


def test_held_out_tasks_are_set_in_unseen_rooms_or_in_seen_ones():
    for rooms, ours in (("unseen", False), ("seen", True)):
        env = ALFWorld(seed=3, tasks=60, held_out=30, rooms=rooms)
        games = [env.game(task) for task in range(60)]
        where = [{g.floor_plan for g in games[:30]}, {g.floor_plan for g in games[30:]}]
        assert where[0] <= set(floor_plans.numbers(True))
        assert where[1] <= set(floor_plans.numbers(ours))
        assert len(set(games)) == 60


def test_the_kinds_come_in_turn_on_both_sides():
    env = ALFWorld(tasks=24, held_out=12)
    kinds = [env.game(task).kind for task in range(24)]
    assert kinds[:6] == list(KINDS) and kinds == list(KINDS) * 4
    two = [LOOK, "pick_heat_then_place_in_recep"]
    env = ALFWorld(tasks=6, held_out=2, kinds=two)
    assert [env.game(task).kind for task in range(6)] == two * 3


def test_rooms_can_be_small():
    env = ALFWorld(tasks=40, held_out=20, receptacles=12, kinds=[SIMPLE])
    plans = [floor_plans.read(env.game(task).floor_plan) for task in range(40)]
    assert 8 <= min(len(plan.receptacles) for plan in plans)
    assert max(len(plan.receptacles) for plan in plans) <= 12
    with pytest.raises(ValueError, match="receptacles=9: no room for 'pick_heat"):
        ALFWorld(receptacles=9, kinds=["pick_heat_then_place_in_recep"])
    with pytest.raises(ValueError, match="only generated games"):
        ALFWorld(receptacles=12, games="official")


def test_the_games_of_a_seed_are_fixed_by_hashes_alone():
    game = dealing.generated(1, (LOOK,), seed=5, part="train", seen=False)[0]
    named = repr(("alfworld", 5, "train", LOOK, 0))
    bits = hashlib.sha256(named.encode()).digest()
    rooms = furnishing.rooms(LOOK, False)
    assert game.floor_plan == rooms[int.from_bytes(bits[:4], "big") % len(rooms)]
    assert game.seed == int.from_bytes(bits[4:12], "big")
    one, other = (ALFWorld(seed=seed, tasks=60) for seed in (1, 2))
    assert not {one.game(t) for t in range(60)} & {other.game(t) for t in range(60)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_task_takes_searching_and_is_not_done_at_first(kind):
    from alfworld.gen import constants

    for room in furnished(kind):
        places = room.plan.receptacles
        assert len(places) >= 8
        counts = collections.Counter(map(object_type, room.things))
        assert counts.pop(room.target) == KINDS[kind].targets
        assert counts.pop(LAMP, 0) == (kind == LOOK)
        assert sum(counts.values()) == 12 and max(counts.values()) <= 3
        for thing, receptacle in room.things.items():
            where = receptacle_type(receptacle)
            if object_type(thing) == room.target:
                beside = [room.things[t] for t in room.things if LAMP in t]
                assert where != room.goal and receptacle not in beside
            if object_type(thing) != LAMP:
                accepted = constants.VAL_RECEPTACLE_OBJECTS[where]
                assert object_type(thing) in accepted


def test_what_is_sought_is_often_out_of_sight():
    from alfworld.gen import constants

    hidden = []
    for kind in KINDS:
        for room in furnished(kind):
            found = [r for t, r in room.things.items() if object_type(t) == room.target]
            hidden += [
                receptacle_type(r) in constants.OPENABLE_CLASS_SET for r in found
            ]
    assert 0.2 < sum(hidden) / len(hidden) < 0.8


def test_every_receptacle_that_the_package_names_is_there():
    plan = floor_plans.read(1)
    kinds = collections.Counter(map(receptacle_type, plan.receptacles))
    assert (plan.room, plan.number) == ("Kitchen", 1)
    assert kinds["Cabinet"] == 8 and kinds["SinkBasin"] == 1 and kinds["Toaster"] == 1
    assert kinds["StoveBurner"] == 4 and "Sink" not in kinds
    assert plan.receptacles["Fridge|-02.10|+00.00|+01.09"] == "loc|-4|4|3|0"
    assert "Mug" in plan.objects and "Window" not in plan.objects


def test_equal_seeds_give_equal_games_and_others_other_ones():
    assert GAME.data() == GAME.data()
    assert dataclasses.replace(GAME, seed=2).data() != GAME.data()
    text = GAME.data()["pddl_problem"]
    assert "_bar_" in text and "|" not in text and ".00" not in text


def test_a_compiled_game_depends_on_no_hash_seed():
    code = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "import dataclasses, json\n"
        "from rl_credit.envs.text.alfworld import compiled, dealing\n"
        f"data = dealing.{GAME!r}.data()\n"
        "print(json.dumps(dataclasses.asdict(compiled.compile_game(data))))"
    )
    env = {**os.environ, "PYTHONHASHSEED": "7"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    here = compiled.compile_game(GAME.data())
    assert compiled.Compiled(**json.loads(done.stdout)) == here


def test_a_game_is_kept_by_its_content_and_compiled_once(tmp_path, monkeypatch):
    arguments = list(sys.argv)
    made = compiled.load(GAME.data(), tmp_path)
    assert sys.argv == arguments
    assert list(tmp_path.iterdir()) == [compiled.path(GAME.data(), tmp_path)]
    other = dict(GAME.data(), grammar="other")
    assert compiled.path(other, tmp_path) != compiled.path(GAME.data(), tmp_path)
    monkeypatch.setattr(compiled, "compile_game", None)
    assert compiled.load(GAME.data(), tmp_path) == made


def test_a_game_that_cannot_be_won_is_an_error_and_is_not_kept(tmp_path):
    data = GAME.data()
    text = data["pddl_problem"]
    lamp = next(line for line in text.splitlines() if line.startswith("(toggleable"))
    data["pddl_problem"] = text.replace(lamp, "")
    with pytest.raises(RuntimeError, match="or it cannot be won"):
        compiled.load(data, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_plan_takes_what_lies_open_and_leaves_out_the_rest():
    facts = """openable box; inreceptacle a1 box; inreceptacle a2 desk;
        inreceptacle b1 bin; objecttype a1 atype; objecttype a2 atype;
        objecttype b1 btype; receptacletype bin bintype; receptacletype box boxtype;
        receptacletype desk desktype; receptacletype sink sinkbasintype;
        receptacletype bin2 bintype; receptacleatlocation bin l1;
        receptacleatlocation desk l2; receptacleatlocation sink l3"""
    room = planning.Room([fact.split() for fact in facts.split(";")], {})
    goal = "(objectType ?o aType) (receptacleType ?r binType) (isClean ?o)"
    assert planning.needed(goal, room) == {
        "a2",
        "desk",
        "bin",
        "sink",
        "l1",
        "l2",
        "l3",
    }
    two = "(objectType ?o1 aType) (objectType ?o2 aType) (receptacleType ?r binType)"
    kept = {"a1", "a2", "box", "desk", "bin", "l1", "l2"}
    assert planning.needed(two, room) == kept


def test_a_command_has_the_names_of_what_it_is_about():
    go = "go to [{r.name | receptacleatlocation(r:receptacle, lend:location)}]"
    assert commands.written(go, dict(r="safe 1", lend="loc 2")) == "go to safe 1"
    assert commands.written("take {o} from {r}", dict(o="a", r="b")) == "take a from b"
    assert commands.written("look", {}) == "look"


def test_the_task_is_said_in_both_ways():
    rooms = list(furnished("pick_two_obj_and_place"))
    said = {problem.sentence(room).split()[0] for room in rooms}
    assert said == {"put", "find"}
    for room in rooms:
        words = problem.sentence(room).split()
        assert {room.target.lower(), room.goal.lower()} <= set(words)


def test_the_cache_is_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert ALFWorld(tasks=1).cache == pathlib.Path(tmp_path, "rl_credit", "alfworld")
