"""The scripted house."""

import pytest

from rl_credit.envs.text import house as houses
from rl_credit.envs.text.scripted import WORDINGS, Scripted

TASKS = range(60)


@pytest.fixture(scope="module")
def env():
    return Scripted(seed=2)


def test_houses_are_solved_in_four_to_eight_steps(env):
    lengths = {len(env.walkthrough(task)) for task in TASKS}
    assert lengths == {4, 5, 6, 7, 8}


def test_the_walkthrough_is_the_shortest(env):
    """Breadth first over what is admissible finds nothing shorter."""
    task = next(task for task in TASKS if len(env.walkthrough(task)) == 5)
    frontier, seen = [[]], set()
    for actions in frontier:
        turn = env.reset(task)
        for action in actions:
            turn = env.step(action)
        if turn.terminated:
            break
        if turn.anchor not in seen:
            seen.add(turn.anchor)
            frontier += [[*actions, action] for action in turn.admissible]
    assert len(actions) == 5


def test_every_wording_is_used_and_names_door_and_key(env):
    drawn = [houses.house(2, task, len(WORDINGS)) for task in TASKS]
    assert {house.wording for house in drawn} == set(range(len(WORDINGS)))
    for task, house in zip(TASKS, drawn):
        objective = env.reset(task).observation.splitlines()[0]
        assert house.door in objective and house.key in objective
    assert any(house.boxed for house in drawn)
    assert not all(house.boxed for house in drawn)


def test_another_seed_gives_other_houses(env):
    other = Scripted(seed=3)
    first = [env.reset(task).observation for task in TASKS]
    assert len(set(first) | {other.reset(task).observation for task in TASKS}) == 120


def test_the_order_in_which_things_were_put_down_leaves_no_trace(env):
    tested = 0
    for task in TASKS:
        takes = [a for a in env.reset(task).admissible if a.startswith("take ")]
        if len(takes) < 2:
            continue
        drops = [take.replace("take", "drop") for take in takes]
        anchors = set()
        for order in (drops, drops[::-1]):
            first = env.reset(task)
            for action in [*takes, *order]:
                turn = env.step(action)
            anchors |= {first.anchor, turn.anchor}
        assert len(anchors) == 1
        tested += 1
    assert tested


def test_the_wrong_key_does_not_open_the_door(env):
    tried = 0
    for task in TASKS:
        house = houses.house(2, task, len(WORDINGS))
        wrong = next(t for t in house.places if t.endswith(" key") and t != house.key)
        place = house.places[wrong]
        if place == house.box:
            continue
        way = houses.path(house, house.start, place)
        on = houses.path(house, place, house.door_room)
        env.reset(task)
        for action in [*way, f"take {wrong}", *on]:
            before = env.step(action)
        turn = env.step(f"unlock {house.door} with {wrong}")
        assert "does not fit" in turn.observation and turn.anchor == before.anchor
        assert f"go {house.door_side}" not in turn.admissible
        tried += 1
    assert tried


def test_actions_may_be_written_in_capitals_and_with_spaces(env):
    plan = env.walkthrough(0)
    env.reset(0)
    for action in plan:
        turn = env.step(f"  {action.upper().replace(' ', '   ')}\n")
    assert turn.terminated and turn.reward == 1


@pytest.mark.parametrize("name", ["tasks", "step_limit"])
def test_an_option_that_makes_no_sense_is_named(name):
    with pytest.raises(ValueError, match=f"{name} is 0"):
        Scripted(**{name: 0})
