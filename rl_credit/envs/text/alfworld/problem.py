"""A furnished room as the files of a game: PDDL problem, domain and grammar."""

import functools
import pathlib
from collections.abc import Iterator

from rl_credit.envs.text.alfworld.floor_plans import receptacle_type
from rl_credit.envs.text.alfworld.furnishing import LAMP, Furnished, object_type

START = "loc|-400|-400|0|30"  # the middle of the room: no receptacle is near
SIGNS = {"|": "bar", "-": "minus", "+": "plus", ".": "dot"}
ABLE = ("Cleanable", "Heatable", "Coolable", "Sliceable")


def game_data(room: Furnished) -> dict[str, str]:
    """What a file `game.tw-pddl` of ALFWorld's holds."""
    domain, grammar = _package()
    return dict(
        pddl_domain=domain,
        grammar=grammar.replace("UNKNOWN GOAL", sentence(room)),
        pddl_problem=problem(room),
    )


def sentence(room: Furnished) -> str:
    """The task in words, after the package's templates."""
    from alfworld.gen import goal_library

    template = goal_library.gdict[room.kind]["templates"][room.sentence]
    said = dict(obj=room.target, recep=room.goal, toggle=LAMP, mrecep="")
    return template.format(**{name: word.lower() for name, word in said.items()})


def problem(room: Furnished) -> str:
    """The PDDL problem: what there is, what holds at first, and the goal."""
    from alfworld.gen import goal_library

    named = dict(obj=room.target, recep=room.goal, toggle=LAMP, mrecep="")
    goal = goal_library.gdict[room.kind]["pddl"].replace("#", "-").format(**named)
    lines = ["(define (problem alfworld)", "(:domain alfred)", "(:objects"]
    lines += [*_declared(room), ")", "(:init", *_facts(room), ")", goal]
    return "\n".join(lines)


@functools.cache
def _package() -> tuple[str, str]:
    """The domain and the grammar of the alfworld package."""
    from alfworld import info

    files = info.ALFRED_PDDL_PATH, info.ALFRED_TWL2_PATH
    domain, grammar = (pathlib.Path(file).read_text() for file in files)
    return domain, grammar


def _declared(room: Furnished) -> Iterator[str]:
    things, receptacles = room.things, room.plan.receptacles
    yield "agent1 - agent"
    for location in sorted({*receptacles.values(), START}):
        yield f"{_mangled(location)} - location"
    for receptacle in sorted(receptacles):
        yield f"{_mangled(receptacle)} - receptacle"
    for thing in sorted(things):
        yield f"{_mangled(thing)} - object"
    for name in sorted(set(map(receptacle_type, receptacles))):
        yield f"{name}Type - rtype"
    for name in sorted(set(map(object_type, things))):
        yield f"{name}Type - otype"


def _facts(room: Furnished) -> Iterator[str]:
    from alfworld.gen import constants

    yield f"(atLocation agent1 {_mangled(START)})"
    for receptacle, location in sorted(room.plan.receptacles.items()):
        name, kind = _mangled(receptacle), receptacle_type(receptacle)
        yield f"(receptacleType {name} {kind}Type)"
        yield f"(receptacleAtLocation {name} {_mangled(location)})"
        if kind in constants.OPENABLE_CLASS_SET:
            yield f"(openable {name})"
    for thing in sorted(set(map(object_type, room.things))):
        for kind in sorted(room.plan.accepting(thing)):
            yield f"(canContain {kind}Type {thing}Type)"
    for thing, receptacle in sorted(room.things.items()):
        yield from _about(thing)
        yield f"(inReceptacle {_mangled(thing)} {_mangled(receptacle)})"
        location = room.plan.receptacles[receptacle]
        yield f"(objectAtLocation {_mangled(thing)} {_mangled(location)})"


def _about(thing: str) -> Iterator[str]:
    from alfworld.gen import constants

    name, kind = _mangled(thing), object_type(thing)
    yield f"(objectType {name} {kind}Type)"
    yield f"({'toggleable' if kind == LAMP else 'pickupable'} {name})"
    if kind in constants.MOVABLE_RECEPTACLES_SET:
        yield f"(isReceptacleObject {name})"
    for able in ABLE:
        if kind in constants.VAL_ACTION_OBJECTS[able]:
            yield f"({able.lower()} {name})"


def _mangled(name: str) -> str:
    for sign, word in SIGNS.items():
        name = name.replace(sign, f"_{word}_")
    return name
