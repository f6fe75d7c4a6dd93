"""TextWorldExpress (arXiv 2208.01174): eight families of fast text games."""

import functools
import json
import re
from collections.abc import Mapping
from typing import Any

from rl_credit.envs.text import java
from rl_credit.envs.text.panels import digest
from rl_credit.envs.text.turn import Turn, check_running, check_task
from rl_credit.ops.names import unknown

ENTRY = "textworldexpress.runtime.PythonInterface"
SOLVERS = {  # game -> how the class of the package that solves it begins
    "arithmetic": "Arithmetic",
    "coin": "Coin",
    "cookingworld": "CookingWorld",
    "mapreader": "MapReader",
    "peckingorder": "PeckingOrder",
    "simonsays": "SimonSays",
    "sorting": "Sorting",
    "twc": "TWC",
}
ATTEMPTS = 10  # some solvers walk about at random; the shortest solution is taken
LOOK = "look around"
REFUSAL = "That is not possible here."


class TextWorldExpress:
    """Games of one family, each generated from a seed of the package; see `TextEnv`.

    The package keeps apart the seeds for training and for testing, and in some games
    the things that are met; held-out tasks have test seeds. `seed` decides which ones.

    Only admissible commands reach the game. The reward is what the score rises, of 1 in
    all; a game that is lost ends and may take it back.

    The anchor is the room, the inventory and the score; in simonsays, which has no
    room, what Simon says. Things lie in a room in the order in which they were put
    down, and the anchor with them.

    The walkthrough is the shortest of ten of the package's solvers, which here draw
    their numbers from fixed seeds: in the package they differ from call to call. All
    instances of a process share one Java machine, which the last `close` ends.

    Args:
        game: a name in `SOLVERS`.
        parameters: of the game, as the package calls them: `numLocations`, ...; whole
            numbers, and 0 or 1 for no and yes.
        seed: decides which games are played, and in which order.
        tasks: how many there are.
        held_out: of them, the last that many have test seeds.
        step_limit: actions until the episode is truncated.

    Raises ImportError where textworld-express is not installed, RuntimeError where Java
    is not, and ValueError for more games than there are, saying how many those are.
    """

    def __init__(
        self,
        *,
        game: str,
        parameters: Mapping[str, Any] | None = None,
        seed: int = 0,
        tasks: int = 100,
        held_out: int = 0,
        step_limit: int = 100,
    ):
        if game not in SOLVERS:
            raise ValueError(unknown("game", game, SOLVERS))
        if min(tasks, step_limit) < 1 or not 0 <= held_out <= tasks:
            raise ValueError(
                f"tasks={tasks}, held_out={held_out}, step_limit={step_limit}: give at "
                "least one task and one step, and no more held out than tasks"
            )
        self.game, self.parameters, self.seed = game, _written(parameters or {}), seed
        self.tasks, self.held_out, self.step_limit = tasks, held_out, step_limit
        self._last: Turn | None = None
        self._world: World | None = World()
        try:
            self._world.load(game, self.parameters)
            self._dealt = [
                *self._dealing("train", tasks - held_out),
                *self._dealing("test", held_out),
            ]
        except Exception:
            self.close()
            raise

    def reset(self, task: int) -> Turn:
        part, number = self.number(task)
        assert self._world is not None
        self._world.begin(part, number)
        self._steps, self._score = 0, self._world.score
        objective = self._world.objective
        self._last = self._turn(f"{objective}\n{self._world.said}", objective)
        return self._last

    def step(self, action: str) -> Turn:
        check_running(self._last)
        assert self._last is not None and self._world is not None
        self._steps += 1
        able = {command.lower(): command for command in self._last.admissible or ()}
        command = able.get(" ".join(action.split()).lower())
        if command is None:
            self._last = Turn(
                REFUSAL,
                truncated=self._steps >= self.step_limit,
                admissible=self._last.admissible,
                anchor=self._last.anchor,
            )
        else:
            self._world.do(command)
            self._last = self._turn(self._world.said)
        return self._last

    def walkthrough(self, task: int) -> list[str] | None:
        found = _solution(self.game, self.parameters, *self.number(task))
        return None if found is None else list(found)

    def close(self) -> None:
        if self._world is not None:
            self._world.close()
        self._world = self._last = None

    def number(self, task: int) -> tuple[str, int]:
        """Which part the task's game is of, "train" or "test", and its seed there."""
        check_task(task, self.tasks)
        return self._dealt[task]

    def _dealing(self, part: str, count: int) -> list[tuple[str, int]]:
        assert self._world is not None
        there = self._world.numbers(part)
        if count > len(there):
            raise ValueError(
                f"{count} {part} games are asked for; the package has {len(there)}"
            )
        there.sort(key=lambda number: digest(ENTRY, self.seed, part, number))
        return [(part, number) for number in there[:count]]

    def _turn(self, said: str, objective: str = "") -> Turn:
        world = self._world
        assert world is not None
        gained, self._score = world.score - self._score, world.score
        return Turn(
            observation=said,
            reward=gained,
            terminated=world.ended,
            truncated=not world.ended and self._steps >= self.step_limit,
            admissible=() if world.ended else world.commands,
            anchor=world.state,
            objective=objective,
            won=world.won,
        )


class World:
    """A copy of the simulator, in one game at a time."""

    def __init__(self) -> None:
        from textworld_express.constants import JAR_PATH

        self._copy = java.borrow(JAR_PATH, ENTRY)
        self._game: Any = self._copy.interface

    def load(self, game: str, parameters: str) -> None:
        """Chooses the family; ValueError for a parameter it does not have."""
        if not (error := self._game.load(game, parameters)):
            return
        if known := re.search(r"name \((.*?)\)\. .*?: (.*?)\.", error):
            name, others = known.groups()
            raise ValueError(
                unknown(f"parameter of {game!r}", name, others.split(", "))
            )
        raise ValueError(f"game {game!r} with {parameters!r}: {error}")

    def begin(self, part: str, number: int) -> None:
        """Makes the game of that seed."""
        self._shown = json.loads(self._game.generateNewGameJSON(number, part, False))

    def do(self, command: str) -> None:
        self._shown = json.loads(self._game.stepJSON(command))

    @property
    def said(self) -> str:
        return self._shown["observation"].strip()

    @property
    def score(self) -> float:
        return float(self._shown["score"])

    @property
    def won(self) -> bool:
        return bool(self._shown["tasksuccess"])

    @property
    def ended(self) -> bool:
        return self.won or bool(self._shown["taskfailure"])

    @property
    def commands(self) -> tuple[str, ...]:
        return tuple(sorted(self._shown["validActions"]))

    @property
    def state(self) -> str:
        seen = [self._shown[name].strip() for name in ("look", "inventory")]
        return "\n".join([*seen, f"Score: {self.score:g}"]) if any(seen) else self.said

    @property
    def objective(self) -> str:
        return self._game.getTaskDescription().strip()

    def numbers(self, part: str) -> list[int]:
        """The seeds of a part."""
        return list(getattr(self._game, f"getSeeds{part.title()}")())

    def solution(self, game: str, seed: int) -> list[str]:
        """The package's, to the game that was begun; it plays that to the end."""
        name = f"textworldexpress.goldagent.{SOLVERS[game]}GoldAgent"
        solver = self._copy.make(name, self._game.game())
        random = self._copy.make("scala.util.Random", self._copy.random(seed))
        return list(solver.mkGoldPath(random)._2())

    def close(self) -> None:
        java.give_back(self._copy)


@functools.lru_cache(maxsize=None)
def _solution(
    game: str, parameters: str, part: str, number: int
) -> tuple[str, ...] | None:
    """Found in a copy of the simulator, so that no episode is disturbed."""
    world = World()
    try:
        world.load(game, parameters)
        found = []
        for seed in range(ATTEMPTS):
            world.begin(part, number)
            actions = world.solution(game, seed)
            world.begin(part, number)
            found.append(_played(world, actions))
        return min((path for path in found if path), key=len, default=None)
    finally:
        world.close()


def _played(world: World, actions: list[str]) -> tuple[str, ...]:
    """Those that could be done until the game was won; none where it was not.

    Some solutions open what is open, go on after the end, or look where they are.
    """
    done = []
    for action in actions:
        if action in world.commands and action != LOOK and not world.ended:
            world.do(action)
            done.append(action)
    return tuple(done) if world.won else ()


def _written(parameters: Mapping[str, Any]) -> str:
    for name, value in parameters.items():
        if not isinstance(value, int):
            raise ValueError(f"parameter {name}={value!r}: give a whole number")
    return ",".join(f"{name}={int(value)}" for name, value in parameters.items())
