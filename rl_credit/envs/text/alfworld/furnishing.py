"""A room with things in it and something to do there, drawn from a seed."""

import dataclasses
import functools
import random

from rl_credit.envs.text.alfworld import floor_plans
from rl_credit.envs.text.alfworld.floor_plans import FloorPlan, receptacle_type

DISTRACTORS = 12
INSTANCES = 3  # at most that many distractors of a type
LAMP = "DeskLamp"
LAMP_STANDS = ("CoffeeTable", "Desk", "DiningTable", "Dresser", "SideTable")


@dataclasses.dataclass(frozen=True)
class Kind:
    """A type of task: what is done to the object, and the receptacle that does it."""

    action: str | None = None  # a key of the package's VAL_ACTION_OBJECTS
    appliance: str | None = None  # the object is never to be put there
    targets: int = 1


LOOK = "look_at_obj_in_light"
KINDS = {
    "pick_and_place_simple": Kind(),
    LOOK: Kind(),
    "pick_clean_then_place_in_recep": Kind("Cleanable", "SinkBasin"),
    "pick_heat_then_place_in_recep": Kind("Heatable", "Microwave"),
    "pick_cool_then_place_in_recep": Kind("Coolable", "Fridge"),
    "pick_two_obj_and_place": Kind(targets=2),
}


@dataclasses.dataclass(frozen=True)
class Furnished:
    """A room, the things in it, and the task."""

    plan: FloorPlan
    kind: str
    target: str  # the type of the object to find
    goal: str  # the type of receptacle to put it in; "" for `LOOK`
    things: dict[str, str]  # object id -> receptacle id
    sentence: int  # which of the two ways to say it


def possible(plan: FloorPlan, kind: str) -> bool:
    """Whether a task of the kind can be set in the room."""
    from alfworld.gen import constants

    in_room = plan.room in constants.GOALS_VALID[kind]
    return in_room and plan.searchable and bool(_choices(plan, kind))


def furnish(plan: FloorPlan, kind: str, seed: int) -> Furnished:
    """Sets a task that `possible` allows, the same for the same seed.

    The object lies in no receptacle of the type that it is to be put in, nor beside the
    lamp, so that it has to be carried. Its type is only there as often as needed.
    """
    rng = random.Random(seed)
    choices = _choices(plan, kind)
    target = rng.choice(sorted(choices))
    goal = rng.choice(choices[target])
    things: dict[str, str] = {}
    away = goal
    if kind == LOOK:
        stands = [r for r in plan.receptacles if receptacle_type(r) in LAMP_STANDS]
        away = receptacle_type(_put(things, LAMP, rng.choice(stands)))
    for _ in range(KINDS[kind].targets):
        _place(things, target, plan, rng, away)
    others = [thing for thing in plan.objects if thing not in (target, LAMP)]
    for _ in range(DISTRACTORS):
        _place(things, rng.choice(_rare(others, things)), plan, rng)
    goal = "" if kind == LOOK else goal
    return Furnished(plan, kind, target, goal, things, rng.randrange(2))


def object_type(thing: str) -> str:
    """The type in an id: "Apple|+01.00|..."."""
    return thing.split("|")[0]


def _choices(plan: FloorPlan, kind: str) -> dict[str, list[str]]:
    """Types of objects for the task -> types of receptacles that are not where it is.

    For `LOOK` these are where the lamp may stand.
    """
    from alfworld.gen import constants

    needs = KINDS[kind]
    types = {receptacle_type(receptacle) for receptacle in plan.receptacles}
    if needs.appliance and needs.appliance not in types:
        return {}
    if kind == LOOK and not (LAMP in plan.objects and types & set(LAMP_STANDS)):
        return {}
    found = {}
    for thing in plan.objects:
        able = constants.VAL_ACTION_OBJECTS[needs.action] if needs.action else {thing}
        places = sorted(plan.accepting(thing))
        goals = [place for place in places if place != needs.appliance]
        if thing != LAMP and thing in able and goals and len(places) > 1:
            found[thing] = goals
    return found


def _rare(types: list[str], things: dict[str, str]) -> list[str]:
    there = [object_type(thing) for thing in things]
    return [name for name in types if there.count(name) < INSTANCES]


def _place(
    things: dict[str, str],
    name: str,
    plan: FloorPlan,
    rng: random.Random,
    away: str = "",
) -> None:
    """Puts an object somewhere: first a type of receptacle is drawn, then one of it."""
    places = plan.accepting(name)
    places.pop(away, None)
    _put(things, name, rng.choice(places[rng.choice(sorted(places))]))


def _put(things: dict[str, str], name: str, receptacle: str) -> str:
    things[f"{name}|+{len(things):02d}.00|+01.00|+00.00"] = receptacle
    return receptacle


@functools.cache
def rooms(kind: str, seen: bool, most: int | None = None) -> tuple[int, ...]:
    """The floor plans in which tasks of the kind are set, of `most` receptacles.

    Raises ValueError where there is none.
    """
    plans = [floor_plans.read(number) for number in floor_plans.numbers(seen)]
    if most is not None:
        plans = [plan for plan in plans if len(plan.receptacles) <= most]
    found = tuple(plan.number for plan in plans if possible(plan, kind))
    if not found:
        raise ValueError(f"receptacles={most}: no room for {kind!r} has so few")
    return found
