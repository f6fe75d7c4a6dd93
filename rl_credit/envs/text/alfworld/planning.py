"""Plans that win a game, by the planner that comes with it (Fast Downward)."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

APPLIANCES = {  # what the goal asks of an object -> what does it
    "isclean": "sinkbasintype",
    "ishot": "microwavetype",
    "iscool": "fridgetype",
}
MANY = ("location", "object", "receptacle")  # of these only what is needed is planned
Fact = Sequence[str]  # a predicate and its arguments, all in lower case


@dataclasses.dataclass(frozen=True)
class Room:
    """The first state of a game: its facts, and the types of what they are about."""

    facts: Sequence[Fact]
    types: Mapping[str, str]

    def pairs(self, predicate: str) -> dict[str, str]:
        """The second argument of a predicate by its first."""
        return {fact[1]: fact[2] for fact in self.facts if fact[0] == predicate}


def plan(library: Any, domain: str, goal: str, room: Room) -> list[list[str]]:
    """The actions that win, each an operator of the domain with its arguments.

    The planner searches blindly, and every container that could be opened doubles what
    it has to search. So it is given only what `needed` names. Raises RuntimeError where
    that has no plan.
    """
    import fast_downward

    _, sas = fast_downward.pddl2sas(domain, _problem(goal, room), optimize=True)
    if not library.solve_sas(sas.encode(), False):
        raise RuntimeError("the planner finds no way to win it")
    found = (fast_downward.Operator * library.get_last_plan_length())()
    library.get_last_plan(found)
    return [operator.name.split() for operator in found]


def needed(goal: str, room: Room) -> set[str]:
    """The objects and receptacles of one way to win, with the places they are at.

    As many objects as the goal asks for, where they are, one receptacle to put them in,
    and the appliance, if any. What does not have to be opened is taken first.
    """
    said = goal.lower()
    closes = {fact[1] for fact in room.facts if fact[0] == "openable"}
    inside, kinds = room.pairs("inreceptacle"), room.pairs("receptacletype")
    kept: set[str] = set()
    for kind in sorted(set(re.findall(r"\(objecttype \?\w+ (\w+)\)", said))):
        ours = [o for o, type_ in room.pairs("objecttype").items() if type_ == kind]
        ours = sorted(thing for thing in ours if thing in inside)
        ours.sort(key=lambda thing: inside[thing] in closes)
        wanted = len(set(re.findall(rf"\(objecttype (\?\w+) {kind}\)", said)))
        kept.update(ours[:wanted])
    kept |= {inside[thing] for thing in kept}
    asked = set(re.findall(r"\(receptacletype \?\w+ (\w+)\)", said))
    asked |= {kind for quality, kind in APPLIANCES.items() if f"({quality} " in said}
    for kind in sorted(asked):
        kept.update(sorted(name for name, type_ in kinds.items() if type_ == kind)[:1])
    places = room.pairs("receptacleatlocation")
    return kept | {places[name] for name in kept if name in places}


def _problem(goal: str, room: Room) -> str:
    """The PDDL problem with only what is needed, the agent, and names of types."""
    kept = needed(goal, room)
    kept |= {name for name, type_ in room.types.items() if type_ not in MANY}
    kept |= set(room.pairs("atlocation").values())
    objects = [f"{name} - {room.types[name]}" for name in sorted(kept)]
    facts = [f"({' '.join(fact)})" for fact in room.facts if kept.issuperset(fact[1:])]
    lines = ["(define (problem alfworld)", "(:domain alfred)"]
    lines += ["(:objects", *objects, ")", "(:init", *facts, ")", goal]
    return "\n".join(lines)
