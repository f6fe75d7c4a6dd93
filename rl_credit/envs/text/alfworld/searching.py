"""The walkthrough of one who does not know where things are."""

import re
from collections.abc import Iterator

from rl_credit.envs.text.alfworld import planning
from rl_credit.envs.text.alfworld.compiled import Compiled

HOLDS = "cancontain"  # a type of receptacle, a type of object
GO = re.compile(r"go to (.+)")
TAKE = re.compile(r"take (.+) from (.+)")


def searched(game: Compiled) -> list[str]:
    """The planner's walkthrough after a search for the first thing that it takes.

    Places that can hold such a thing are gone to in the order of their names, and what
    is closed is opened, until the next place is the one where the thing lies. Places
    like those that are gone to afterwards are left out: it is to be brought there.
    """
    takes = (TAKE.fullmatch(action) for action in game.walkthrough)
    thing, place = next(found.groups() for found in takes if found)
    route = [*_search(game, thing, place), *game.walkthrough]
    opened = [action.startswith("open ") for action in route]
    return [a for n, a in enumerate(route) if not (opened[n] and a in route[:n])]


def _search(game: Compiled, thing: str, place: str) -> Iterator[str]:
    room = planning.Room(game.facts, game.types)
    ids = {name: id_ for id_, name in game.names.items()}
    kinds, where = room.pairs("receptacletype"), room.pairs("receptacleatlocation")
    kind = room.pairs("objecttype")[ids[thing]]
    able = {fact[1] for fact in game.facts if [fact[0], fact[2:]] == [HOLDS, [kind]]}
    goes = (GO.fullmatch(action) for action in game.walkthrough)
    gone = {kinds[ids[found[1]]] for found in goes if found}
    able -= gone - {kinds[ids[place]]}
    closed = {fact[1] for fact in game.facts if fact[0] == "openable"}
    been = {where[ids[place]]}  # from one location two receptacles can be in reach
    for name in sorted(game.names[receptacle] for receptacle in kinds):
        receptacle = ids[name]
        if receptacle == ids[place]:
            return
        if kinds[receptacle] in able and where[receptacle] not in been:
            been.add(where[receptacle])
            yield f"go to {name}"
            if receptacle in closed:
                yield f"open {name}"
