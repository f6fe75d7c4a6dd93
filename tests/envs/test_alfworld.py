"""ALFWorld: the bridge against the package, its splits, anchors and official games."""

import collections
import json
import random
import sys

import pytest

from rl_credit.envs.make import make
from rl_credit.envs.text.alfworld import bridge, compiled, dealing, engines
from rl_credit.envs.text.alfworld.furnishing import KINDS, LOOK
from rl_credit.envs.text.alfworld.session import Session, visible
from rl_credit.envs.text.turn import TextEnv

OPTIONS = dict(tasks=12, held_out=6)
DONE_BY = {  # what the walkthrough of a kind has to do before the end
    LOOK: "use",
    "pick_clean_then_place_in_recep": "clean",
    "pick_heat_then_place_in_recep": "heat",
    "pick_cool_then_place_in_recep": "cool",
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Twelve games, two of each kind, compiled by the pool's workers."""
    path = str(tmp_path_factory.mktemp("games"))
    options = dict(OPTIONS, cache=path)
    assert bridge.prepare(options, range(12), seed=1, workers=2) == 12
    assert bridge.prepare(options, range(12), seed=1, workers=2) == 0
    return path


@pytest.fixture
def built(cache):
    """`built(**options)`: the environment of those games."""
    made = []

    def build(**options):
        made.append(
            make("alfworld", **{**OPTIONS, "seed": 1, "cache": cache, **options})
        )
        return made[-1]

    yield build
    for env in made:
        env.close()


@pytest.mark.slow
def test_games_of_all_kinds_are_won_in_seen_and_in_unseen_rooms(built):
    env = built()
    assert isinstance(env, TextEnv)
    won = collections.Counter()
    for task in range(env.tasks):
        first, plan = env.reset(task), env.walkthrough(task)
        assert first.objective.startswith("Your task is to: ")
        room = first.observation.removeprefix(first.objective).strip()
        assert room.startswith("You are in the middle of a room.") and "$" not in room
        *turns, last = [env.step(command) for command in plan]
        assert last.won and last.reward == 1.0 and not any(t.reward for t in turns)
        kind = env.game(task).kind
        assert DONE_BY.get(kind, "take") in [command.split()[0] for command in plan]
        assert 4 <= len(plan) <= 14
        won[kind] += 1
    assert won == dict.fromkeys(KINDS, 2)


@pytest.mark.slow
def test_one_who_looks_goes_from_place_to_place_until_it_is_there(built):
    env, direct, longer = built(guide="looking"), built(), 0
    for task in range(env.tasks):
        route, plan = env.walkthrough(task), direct.walkthrough(task)
        take = next(action for action in plan if action.startswith("take"))
        turns = [env.reset(task)]
        for action in route:
            assert action in turns[-1].admissible
            turns.append(env.step(action))
        assert turns[-1].won
        first = route.index(take)
        places = [action for action in route[:first] if action.startswith("go")]
        assert places == sorted(set(places[:-1])) + places[-1:]
        assert places[-1].removeprefix("go to ") == take.split(" from ")[1]
        longer += len(route) > len(plan)
    assert longer > 6
    short = built(guide="looking", step_limit=1)
    assert short.walkthrough(0) == direct.walkthrough(0)
    with pytest.raises(ValueError, match="unknown guide 'look'"):
        built(guide="look")


@pytest.mark.slow
def test_texts_commands_and_wins_are_those_of_the_package(cache):
    """Through PddlEnv, which translates and derives all of it anew."""
    import textworld
    from alfworld.agents.environment.alfred_tw_env import AlfredDemangler
    from textworld.envs import PddlEnv

    data = dealing.Generated(LOOK, 302, 4).data()
    infos = textworld.EnvInfos(feedback=True, won=True, admissible_commands=True)
    theirs = AlfredDemangler(PddlEnv(infos))
    theirs.load(data)
    game, ours = compiled.compile_game(data), Session()
    ours.begin(game)
    state = theirs.reset()
    intro = " ".join(state["feedback"].split()[6:])
    assert intro == " ".join(f"{game.room} {game.objective}".split())
    rng = random.Random(0)
    for command in ["look", "help", None, None, None, *game.walkthrough]:
        assert list(ours.commands) == state["admissible_commands"]
        command = command or rng.choice(ours.commands)
        said = ours.do(command)
        state, _, _ = theirs.step(command)
        assert said == state["feedback"].strip() and ours.won == state["won"]
    assert ours.won
    ours.close()


@pytest.mark.slow
def test_instances_do_not_disturb_each_other(built):
    alone, one, other = built(), built(), built()
    plans = [one.walkthrough(task) for task in (2, 3)]
    expected = []
    for task, plan in zip((2, 3), plans):
        expected.append([alone.reset(task), *map(alone.step, plan)])
    turns = [[one.reset(2)], [other.reset(3)]]
    for step in range(max(map(len, plans))):
        for env, plan, heard in zip((one, other), plans, turns):
            if step < len(plan):
                heard.append(env.step(plan[step]))
    assert turns == expected


@pytest.mark.slow
def test_close_gives_the_engine_to_the_next(built):
    env = built()
    env.reset(0)
    idle = len(engines._idle)
    env.close()
    env.close()
    assert len(engines._idle) == idle + 1
    other = built()
    assert other.reset(0).observation and len(engines._idle) == idle


@pytest.mark.slow
def test_with_the_anchors_of_the_text_refusals_alias(built):
    env = built(anchor="text")
    first = env.reset(0)
    assert first.anchor == first.observation
    refused = env.step("fly")
    assert refused.anchor == refused.observation == "Nothing happens."
    moved = env.step(env.walkthrough(0)[0])
    assert moved.anchor == moved.observation
    assert env.step("dance").anchor == refused.anchor


@pytest.mark.slow
def test_the_state_has_one_anchor_whatever_was_said(built):
    env = built()
    middle = env.reset(0)
    assert middle.anchor == "the middle of the room"
    there = env.step(env.walkthrough(0)[0])
    for command in ("look", "inventory", "help", "fly"):
        assert env.step(command).anchor == there.anchor != middle.anchor


def test_the_anchor_has_what_can_be_seen_and_only_that():
    facts = """atlocation me l1; receptacleatlocation box l1;
        receptacleatlocation desk l1; receptacleatlocation bin l2; openable box;
        inreceptacle key box; inreceptacle pen desk; inreceptacle cup bin;
        holds me mug; ishot mug; isclean key; iscool cup"""
    known = collections.defaultdict(set)
    for name, *about in map(str.split, facts.split(";")):
        known[name].add(tuple(about))
    closed = "at(box); at(desk); held(mug); in(pen, desk); ishot(mug)"
    assert visible(known) == closed
    known["opened"].add(("box",))
    assert visible(known) == (
        "at(box); at(desk); held(mug); in(key, box); in(pen, desk); isclean(key); "
        "ishot(mug); open(box)"
    )


def written(root, split, name, game, **changed):
    """Puts a game where ALFWorld's own are, as they are."""
    where = root / dealing.VERSION / split / name / "trial_T0"
    where.mkdir(parents=True)
    task = dict(task_type=game.kind, pddl_params=dict(object_sliced=False))
    task["pddl_params"].update(changed.pop("pddl_params", {}))
    data = dict(game.data(), solvable=True, walkthrough=["look"]) | changed
    (where / "game.tw-pddl").write_text(json.dumps(data))
    (where / "traj_data.json").write_text(json.dumps(task))


@pytest.fixture
def official(tmp_path, built, monkeypatch):
    """Six games of training, two of either validation split, and two to leave out."""
    monkeypatch.setenv("ALFWORLD_DATA", str(tmp_path))
    env = built()
    for task in range(10):
        split = "train" if task < 6 else f"valid_{'un' * (task % 2)}seen"
        written(tmp_path, split, f"game-{task}", env.game(task))
    written(tmp_path, "train", "unsolvable", env.game(0), solvable=False)
    sliced = dict(object_sliced=True)
    written(tmp_path, "train", "Sliced", env.game(1), pddl_params=sliced)
    return lambda **options: built(games="official", **options)


@pytest.mark.slow
def test_official_games_are_read_and_won(official):
    env = official(tasks=8, held_out=2)
    paths = [env.game(task).path for task in range(8)]
    assert len(set(paths)) == 8
    splits = [path.parts[-4] for path in paths]
    assert splits == ["train"] * 6 + ["valid_unseen"] * 2
    for task in range(8):
        env.reset(task)
        assert [env.step(command) for command in env.walkthrough(task)][-1].won
    seen = official(tasks=7, held_out=1, rooms="seen")
    assert seen.game(6).path.parts[-4] == "valid_seen"


@pytest.mark.slow
def test_the_seed_orders_official_games_and_kinds_choose_among_them(official):
    orders = {
        tuple(env.game(task).path.parts[-3] for task in range(6))
        for env in (official(seed=seed, tasks=6, held_out=0) for seed in range(4))
    }
    assert len(orders) > 1 and len(set(map(frozenset, orders))) == 1
    env = official(tasks=1, held_out=0, kinds=[LOOK])
    assert env.game(0).kind == LOOK


@pytest.mark.slow
def test_more_official_games_than_there_are_is_an_error(
    official, tmp_path, monkeypatch
):
    with pytest.raises(ValueError, match="7 tasks of split 'train' .* has 6 of"):
        official(tasks=7, held_out=0)
    with pytest.raises(ValueError, match="'valid_unseen' .* has 2 of"):
        official(tasks=6, held_out=3)
    monkeypatch.setenv("ALFWORLD_DATA", str(tmp_path / "nothing"))
    with pytest.raises(ValueError, match="alfworld-download .* games='generated'"):
        official(tasks=1, held_out=0)


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(rooms="unsen"), "did you mean 'unseen'"),
        (dict(kinds=["pick_two_obj"]), "did you mean 'pick_two_obj_and_place'"),
        (dict(kinds=[]), "give at least one of"),
        (dict(kinds=LOOK), "give at least one of"),
        (dict(games="offical"), "did you mean 'official'"),
        (dict(anchor="texts"), "did you mean 'text'"),
        (dict(tasks=0), "tasks=0"),
        (dict(tasks=2, held_out=3), "held_out=3"),
        (dict(held_out=-1), "held_out=-1"),
        (dict(step_limit=0), "step_limit=0"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        make("alfworld", **options)


@pytest.mark.parametrize("package", ["alfworld", "fast_downward", "textworld"])
def test_without_a_package_the_extra_is_named(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=r"pip install 'rl_credit\[alfworld\]'"):
        make("alfworld")


def test_preparing_a_task_that_does_not_exist_is_an_error():
    with pytest.raises(IndexError, match="task 12"):
        bridge.prepare(OPTIONS, [12], seed=1, workers=1)
