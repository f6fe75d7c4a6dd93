"""The floor plans that the alfworld package brings: what stands and lies in a room."""

import dataclasses
import functools
import json
import pathlib

BURNERS = {"StoveBurner": 4}  # of what has no place in the package: how many there are
FEWEST = 8  # receptacles; in a smaller room there is nothing to search


@dataclasses.dataclass(frozen=True)
class FloorPlan:
    """A room: its receptacles with the places they are used from, its object types.

    A location is where the agent stands, turns and looks (x, z, rotation, horizon), in
    quarters of a metre, quarter turns and degrees; receptacles may share one.
    """

    number: int
    room: str  # "Kitchen", "LivingRoom", "Bedroom" or "Bathroom"
    receptacles: dict[str, str]  # id -> location
    objects: tuple[str, ...]  # types that can be picked up, sorted

    def accepting(self, thing: str) -> dict[str, list[str]]:
        """Where a type of object can be: receptacle type -> ids of that type."""
        from alfworld.gen import constants

        places: dict[str, list[str]] = {}
        for receptacle in self.receptacles:
            kind = receptacle_type(receptacle)
            if thing in constants.VAL_RECEPTACLE_OBJECTS.get(kind, ()):
                places.setdefault(kind, []).append(receptacle)
        return places

    @property
    def searchable(self) -> bool:
        """Whether things can be out of sight: many receptacles, some that close."""
        from alfworld.gen import constants

        kinds = [receptacle_type(receptacle) for receptacle in self.receptacles]
        closes = any(kind in constants.OPENABLE_CLASS_SET for kind in kinds)
        return len(kinds) >= FEWEST and closes


def receptacle_type(receptacle: str) -> str:
    """The type in an id: "Cabinet|+00.68|..." or "Sink|-01.90|...|SinkBasin"."""
    first, *_, last = receptacle.split("|")
    return last if last.endswith("Basin") else first


@functools.cache
def numbers(seen: bool) -> tuple[int, ...]:
    """The floor plans that ALFRED trains on, or those that it keeps for testing."""
    from alfworld.gen import constants

    known = constants.TRAIN_SCENE_NUMBERS if seen else constants.TEST_SCENE_NUMBERS
    return tuple(sorted(known))


@functools.cache
def read(number: int) -> FloorPlan:
    """The floor plan of a number.

    The package has the places of most receptacles. Others, such as the toaster, it
    only names: each of them gets a place of its own.
    """
    import alfworld
    from alfworld.gen import constants

    layouts = pathlib.Path(alfworld.__file__).with_name("gen") / "layouts"
    poses = json.loads((layouts / f"FloorPlan{number}-openable.json").read_text())
    named = json.loads((layouts / f"FloorPlan{number}-objects.json").read_text())
    placed = {
        name: _location(round(4 * x), round(4 * z), turn // 90, horizon)
        for name, (x, z, turn, horizon) in sorted(poses.items())
    }
    fixed = constants.RECEPTACLES - constants.MOVABLE_RECEPTACLES_SET
    lacking = {name for name in named if name in fixed}
    lacking -= {receptacle_type(receptacle) for receptacle in placed}
    for kind in sorted(lacking):
        for copy in range(BURNERS.get(kind, 1)):
            where = 100 + len(placed)  # outside all rooms, so nothing else is there
            placed[_unplaced(kind, copy)] = _location(where, 0, 0, 30)
    rooms = constants.SCENE_TYPE.items()
    room = next(name for name, numbers in rooms if number in numbers)
    plan = FloorPlan(number, room, placed, ())
    loose = {n for n in named if n not in fixed and plan.accepting(n)}
    if "DeskLamp" in named:
        loose.add("DeskLamp")
    return dataclasses.replace(plan, objects=tuple(sorted(loose)))


def _unplaced(kind: str, copy: int) -> str:
    spot = f"+0{copy}.00|+00.90|+00.00"
    if kind.endswith("Basin"):
        return f"{kind.removesuffix('Basin')}|{spot}|{kind}"
    return f"{kind}|{spot}"


def _location(x: int, z: int, turn: int, horizon: int) -> str:
    return f"loc|{x}|{z}|{turn}|{horizon}"
