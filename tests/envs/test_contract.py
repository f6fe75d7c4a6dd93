"""What every environment of the table keeps to."""

import re

import pytest

from rl_credit.envs.make import TEXT, make
from rl_credit.envs.text.turn import Turn

SETUPS = {
    "alfworld": dict(tasks=6, held_out=3),
    "minihack": dict(tasks=3),
    "scienceworld": dict(
        names=["lifespan-longest-lived"], simplification="", tasks=2, held_out=2
    ),
    "scripted": dict(tasks=5),
    "sokoban": dict(tasks=5),
    "textarena": dict(game="FrozenLake-v0", tasks=3),
    "textworld": dict(kind="quest", levels=(2, 3), tasks=3),
    "textworld_express": dict(
        game="twc", parameters=dict(numLocations=1), tasks=3, held_out=1
    ),
    "webshop": dict(tasks=4, held_out=2, products=60, page_size=5),
}
SLOW = {"alfworld", "textworld"}
JAVA = {"scienceworld", "textworld_express"}
ONE_TURN = {"reasoning_gym"}  # no state to act in; each has its own test file
PAIRS = [("north", "south"), ("east", "west"), ("up", "down"), ("left", "right")]
BACK = dict(PAIRS) | {back: there for there, back in PAIRS}
UNDONE = [
    (r"open (.+)", r"close \1"),
    (r"take (.+) from (.+)", r"move \1 to \2"),
    (r"\[right\]", "[left]"),
    (r"\[down\]", "[up]"),
    (r"search\[.+\]", "click[back to search]"),
]
BEFORE = {"ALFWorld": 1}  # steps of the walkthrough to where something can be undone
NAMES = [
    pytest.param(
        name,
        marks=[pytest.mark.slow] * (name in SLOW) + [pytest.mark.java] * (name in JAVA),
    )
    for name in sorted(SETUPS)
]


@pytest.fixture(scope="session")
def games(tmp_path_factory):
    """Where this session keeps its games, each compiled once."""
    return tmp_path_factory.mktemp("games")


@pytest.fixture(scope="session")
def machines():
    """Environments that keep their Java machines, which end with the last of a kind."""
    kept = {}
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")  # starts faster
        yield kept
    for env in kept.values():
        env.close()


@pytest.fixture(params=NAMES)
def built(request, games, machines):
    """`built(**options)`: the environment with a few tasks."""
    made = []

    def build(**options):
        cache = dict(cache=str(games)) if request.param in SLOW else {}
        env = make(request.param, seed=1, **SETUPS[request.param], **cache, **options)
        made.append(env)
        return env

    yield build
    for env in made:
        kept = request.param in JAVA and machines.setdefault(request.param, env)
        if kept is not env:
            env.close()


def played(env, task, actions):
    """The turns of an episode."""
    return [env.reset(task), *(env.step(action) for action in actions)]


def possible(turn, action):
    """Whether an action is admissible; where that is not known, all are."""
    return turn.admissible is None or action in turn.admissible


def test_every_environment_is_set_up_here():
    assert set(SETUPS) | ONE_TURN == set(TEXT)


def test_the_same_actions_give_the_same_turns(built):
    one, other = built(), built()
    for task in range(one.tasks):
        actions = one.walkthrough(task)
        turns = played(one, task, actions)
        assert turns == played(one, task, actions) == played(other, task, actions)
        assert one.walkthrough(task) == actions == other.walkthrough(task)


def test_the_walkthrough_wins_by_admissible_actions(built):
    env = built()
    for task in range(env.tasks):
        turn = env.reset(task)
        for action in env.walkthrough(task):
            assert not turn.ended and possible(turn, action)
            turn = env.step(action)
        assert turn.terminated and not turn.truncated
        assert turn.reward > 0 and turn.admissible == ()


def test_the_first_observation_states_the_objective_and_no_other_does(built):
    env = built()
    for task in range(env.tasks):
        first, *later = played(env, task, ["fly", *env.walkthrough(task)])
        assert first.objective and first.observation.startswith(first.objective)
        assert len(first.observation) > len(first.objective)
        assert not any(turn.objective for turn in later)


def test_only_the_last_turn_of_the_walkthrough_is_won(built):
    env = built()
    for task in range(env.tasks):
        *before, last = played(env, task, env.walkthrough(task))
        assert last.won and last.terminated
        assert not any(turn.won for turn in before)


@pytest.mark.parametrize("action", ["fly", "", "undo", "go \N{SNOWMAN}", "x " * 2000])
def test_what_cannot_be_done_is_said_and_changes_nothing(built, action):
    env = built()
    plain = played(env, 0, env.walkthrough(0))
    for turn, step in zip(plain, range(len(plain) - 1)):
        played(env, 0, env.walkthrough(0)[:step])
        refused = env.step(action)
        assert refused.anchor == turn.anchor
        assert refused.admissible == turn.admissible
        assert refused.observation != turn.observation
        assert refused.reward == 0 and not refused.ended
    assert env.step(env.walkthrough(0)[-1]) == plain[-1]


def test_a_step_before_the_beginning_or_after_the_end_is_an_error(built):
    env = built()
    with pytest.raises(RuntimeError, match=r"has not begun: call reset\(task\)"):
        env.step("look")
    played(env, 0, env.walkthrough(0))
    with pytest.raises(RuntimeError, match=r"has ended: call reset\(task\)"):
        env.step("look")
    assert not env.reset(0).ended


def test_the_step_limit_truncates_and_the_last_step_may_still_win(built):
    actions = built().walkthrough(0)
    env = built(step_limit=len(actions))
    turns = played(env, 0, ["fly"] * len(actions))
    assert [turn.truncated for turn in turns] == [False] * len(actions) + [True]
    assert not turns[-1].terminated and turns[-1].admissible != ()
    assert not any(turn.won for turn in turns)
    with pytest.raises(RuntimeError, match="has ended"):
        env.step("fly")
    won = played(env, 0, actions)[-1]
    assert won.won and won.terminated and not won.truncated


def walked(before, after):
    """Whether an admissible way was gone; in a grid it may be blocked, or be pushed."""
    if "# # #" not in before.anchor:
        return True
    boards = [turn.anchor.replace("P", "_") for turn in (before, after)]
    return before.anchor != after.anchor and boards[0] == boards[1]


def there_and_back(env, task):
    """The turns of going somewhere and back, for each way that has one."""
    before = env.walkthrough(task)[: BEFORE.get(type(env).__name__, 0)]
    known = played(env, task, before)[-1].admissible
    for action in env.walkthrough(task)[:1] if known is None else known:
        *_, first, away = played(env, task, [*before, action])
        back = undoing(action)
        if possible(away, back) and walked(first, away):
            yield played(env, task, [*before, action, back])[-3:]


def undoing(action):
    """The command that takes an action back, if there is one."""
    for there, back in UNDONE:
        if re.fullmatch(there, action):
            return re.sub(there, back, action)
    *verb, way = action.split()
    return " ".join([*verb, BACK.get(way, "nowhere")])


def test_equal_states_have_equal_anchors_and_others_have_others(built):
    env = built()
    trips = [trip for task in range(env.tasks) for trip in there_and_back(env, task)]
    assert trips
    for first, away, back in trips:
        assert first.anchor == back.anchor != away.anchor
        assert first.observation != back.observation


def test_the_anchor_changes_with_what_is_done(built):
    env = built()
    anchors = [turn.anchor for turn in played(env, 0, env.walkthrough(0))]
    assert len(set(anchors)) == len(anchors)


def test_tasks_differ(built):
    env = built()
    assert len({env.reset(task).observation for task in range(env.tasks)}) == env.tasks


@pytest.mark.parametrize("method", ["reset", "walkthrough"])
def test_a_task_out_of_range_is_named(built, method):
    env = built()
    for task in (-1, env.tasks):
        with pytest.raises(IndexError, match=f"task {task} .* {env.tasks} tasks"):
            getattr(env, method)(task)


def test_an_anchor_left_empty_is_the_observation():
    assert Turn("You see a door.").anchor == "You see a door."
    assert Turn("You see a door.", anchor="hall").anchor == "hall"
