"""A text world in memory, for tests and smoke runs: find the key, unlock, leave."""

from rl_credit.envs.text import house as houses
from rl_credit.envs.text.turn import Turn, check_running, check_task

# Each house is told in one of these, so that a policy must read and cannot count words.
WORDINGS = (
    {
        "objective": "Leave the house through the {door}. Only the {key} opens it.",
        "room": "You are in the {room}.",
        "exits": "You can go {sides}.",
        "door": "To the {side} is the {door}, {state}.",
        "box": "The {box} is {state}.",
        "things": "On the floor: {things}.",
        "carried": "You carry {things}.",
    },
    {
        "objective": "Your task: use the {key} to unlock the {door}, then go out.",
        "room": "This is the {room}.",
        "exits": "Exits: {sides}.",
        "door": "The {door} leads {side}; it is {state}.",
        "box": "There is a {box} here, {state}.",
        "things": "You notice {things}.",
        "carried": "In your hands: {things}.",
    },
    {
        "objective": "The {door} is the way out, and the {key} fits its lock. Get out!",
        "room": "-= {room} =-",
        "exits": "Ways lead {sides}.",
        "door": "A {state} {door} is on the {side} side.",
        "box": "You see a {box} ({state}).",
        "things": "Lying around: {things}.",
        "carried": "Holding: {things}.",
    },
)
CARRIED = "you"


class Scripted:
    """Houses drawn from the seed; see `TextEnv`.

    The reward is 1 on leaving and 0 before. The anchor is what the room and the hands
    hold, without the result of the last action: things are listed by name and not in
    the order they were put down, so it depends on the state alone.
    """

    def __init__(self, *, seed: int = 0, tasks: int = 1000, step_limit: int = 20):
        for name, value in (("tasks", tasks), ("step_limit", step_limit)):
            if value < 1:
                raise ValueError(f"{name} is {value}; it must be at least 1")
        self.seed, self.tasks, self.step_limit = seed, tasks, step_limit
        self._last: Turn | None = None

    def reset(self, task: int) -> Turn:
        self._house = self._drawn(task)
        self._room = self._house.start
        self._places = dict(self._house.places)
        self._opened = self._unlocked = self._left = False
        self._steps = 0
        said = self._words["objective"].format(
            door=self._house.door, key=self._house.key
        )
        self._last = self._turn(said, objective=said)
        return self._last

    def step(self, action: str) -> Turn:
        check_running(self._last)
        self._steps += 1
        action = " ".join(action.split()).lower()
        if action in self._admissible():
            verb, _, rest = action.partition(" ")
            said = getattr(self, f"_{verb}")(rest)
        else:
            said = "That is not possible here."
        self._last = self._turn(said)
        return self._last

    def walkthrough(self, task: int) -> list[str]:
        return houses.walkthrough(self._drawn(task))

    def close(self) -> None:
        self._last = None

    @property
    def _words(self) -> dict[str, str]:
        return WORDINGS[self._house.wording]

    def _drawn(self, task: int) -> houses.House:
        check_task(task, self.tasks)
        return houses.house(self.seed, task, len(WORDINGS))

    def _turn(self, said: str, objective: str = "") -> Turn:
        view = "You are outside." if self._left else self._view()
        return Turn(
            observation=f"{said}\n{view}",
            reward=float(self._left),
            terminated=self._left,
            truncated=not self._left and self._steps >= self.step_limit,
            admissible=self._admissible(),
            anchor=view,
            objective=objective,
            won=self._left,
        )

    def _view(self) -> str:
        house, words = self._house, self._words
        lines = [
            words["room"].format(room=self._room),
            words["exits"].format(sides=", ".join(sorted(house.exits[self._room]))),
        ]
        if self._room == house.door_room:
            state = "unlocked" if self._unlocked else "locked"
            known = dict(side=house.door_side, door=house.door, state=state)
            lines.append(words["door"].format(**known))
        if self._room == house.box_room:
            held = ", ".join(self._lying(house.box)) or "nothing"
            state = f"open, holding {held}" if self._opened else "closed"
            lines.append(words["box"].format(box=house.box, state=state))
        if things := self._lying(self._room):
            lines.append(words["things"].format(things=", ".join(things)))
        carried = ", ".join(self._lying(CARRIED)) or "nothing"
        return " ".join([*lines, words["carried"].format(things=carried)])

    def _lying(self, place: str) -> list[str]:
        return sorted(thing for thing, where in self._places.items() if where == place)

    def _admissible(self) -> tuple[str, ...]:
        if self._left:
            return ()
        house, carried = self._house, self._lying(CARRIED)
        able = [f"go {side}" for side in house.exits[self._room]]
        able += [f"take {thing}" for thing in self._lying(self._room)]
        able += [f"drop {thing}" for thing in carried]
        if self._room == house.box_room:
            inside = self._lying(house.box)
            opened = [f"take {thing}" for thing in inside]
            able += opened if self._opened else [f"open {house.box}"]
        if self._room == house.door_room:
            keys = [thing for thing in carried if thing.endswith(" key")]
            unlock = [f"unlock {house.door} with {key}" for key in keys]
            able += [f"go {house.door_side}"] if self._unlocked else unlock
        return tuple(sorted(able))

    def _go(self, side: str) -> str:
        beyond = self._house.exits[self._room].get(side)
        if beyond is None:  # the only other way is the unlocked door
            self._left = True
            return "You step out into the open. Well done!"
        self._room = beyond
        return f"You go {side}."

    def _take(self, thing: str) -> str:
        self._places[thing] = CARRIED
        return f"You take the {thing}."

    def _drop(self, thing: str) -> str:
        self._places[thing] = self._room
        return f"You put down the {thing}."

    def _open(self, box: str) -> str:
        self._opened = True
        return f"You open the {box}."

    def _unlock(self, rest: str) -> str:
        door, _, key = rest.partition(" with ")
        if key != self._house.key:
            return f"The {key} does not fit."
        self._unlocked = True
        return f"The {key} turns; the {door} is unlocked."
