"""ScienceWorld (arXiv 2203.07540): elementary science in a house of text."""

import functools
from collections.abc import Sequence
from typing import Any

from rl_credit.envs.text import java
from rl_credit.envs.text.panels import digest
from rl_credit.envs.text.turn import Turn, check_running, check_task
from rl_credit.ops.names import unknown

ENTRY = "scienceworld.runtime.pythonapi.PythonInterface"
FULL = 100  # the score of a task that is done
LOOK = "look around"
ELECTRICAL = ("power-component", "conductivity")  # in the names of tasks with wires
WIRELESS = "noElectricalAction"


class ScienceWorld:
    """Variations of the package's tasks; see `TextEnv`.

    Tasks are dealt from `names` in turn, which variation by `seed`: training tasks are
    of the package's training variations, held-out ones of its test variations.

    What can be done is known to nobody: the package lists hundreds of commands, but not
    those of its own solutions. So `admissible` is None, every text reaches the game,
    and the objective names the forms that commands have. The command "objects" lists
    what can be named. A text that is no command costs no time in the world. Where a
    command may mean several things, the game asks which; a number answers, and any
    other text is a new command.

    The reward is what the score rises, over 100. It starts above 0 in some tasks and
    may fall; below 0, the task is lost and the episode ends.

    The anchor is what the package calls free: the room and the inventory, with the
    score, which remembers what has been achieved, and a question that is open. It does
    not tell the time, so plants may have grown between two equal anchors.

    The walkthrough is the package's solution, played to see that it wins. It takes a
    second to find, in the tasks on genetics half a minute, and has 4 to 120 actions,
    hundreds in those on friction. All instances of a process share one Java machine,
    where each has a copy of the simulator: it is full of static variables. The last
    `close` ends the machine.

    Args:
        names: the tasks, as ScienceWorld calls them; by default all 30.
        simplification: "easy", or names of simplifications joined by commas.
        seed: decides which variations are played, and in which order.
        tasks: how many there are.
        held_out: of them, the last that many are test variations.
        step_limit: actions until the episode is truncated.

    Raises ImportError where scienceworld is not installed, RuntimeError where Java is
    not, and ValueError for more variations than there are, saying how many those are.
    """

    def __init__(
        self,
        *,
        names: Sequence[str] | None = None,
        simplification: str = "easy",
        seed: int = 0,
        tasks: int = 100,
        held_out: int = 0,
        step_limit: int = 100,
    ):
        if min(tasks, step_limit) < 1 or not 0 <= held_out <= tasks:
            raise ValueError(
                f"tasks={tasks}, held_out={held_out}, step_limit={step_limit}: give at "
                "least one task and one step, and no more held out than tasks"
            )
        self.simplification, self.seed = simplification, seed
        self.tasks, self.held_out, self.step_limit = tasks, held_out, step_limit
        self._last: Turn | None = None
        self._world: World | None = World()
        try:
            self.names = self._world.checked(names, simplification)
            parts = self._world.variations(self.names)
            self._dealt = [
                *dealt(parts["train"], tasks - held_out, seed=seed, part="train"),
                *dealt(parts["test"], held_out, seed=seed, part="test"),
            ]
        except Exception:
            self.close()
            raise

    def reset(self, task: int) -> Turn:
        name, variation = self.variation(task)
        assert self._world is not None
        said = self._world.begin(name, variation, self.simplification)
        self._steps, self._score = 0, self._world.score
        objective = self._world.objective
        self._last = self._turn(f"{objective}\n{said}", objective)
        return self._last

    def step(self, action: str) -> Turn:
        check_running(self._last)
        assert self._world is not None
        self._steps += 1
        self._last = self._turn(self._world.do(" ".join(action.split())))
        return self._last

    def walkthrough(self, task: int) -> list[str] | None:
        found = _solution(*self.variation(task), self.simplification)
        return None if found is None else list(found)

    def close(self) -> None:
        if self._world is not None:
            self._world.close()
        self._world = self._last = None

    def variation(self, task: int) -> tuple[str, int]:
        """The name of the task, and the number of its variation."""
        check_task(task, self.tasks)
        return self._dealt[task]

    def _turn(self, said: str, objective: str = "") -> Turn:
        assert self._world is not None
        score, ended = self._world.score, self._world.ended
        gained, self._score = score - self._score, score
        return Turn(
            observation=said,
            reward=gained / FULL,
            terminated=ended,
            truncated=not ended and self._steps >= self.step_limit,
            admissible=() if ended else None,
            anchor=self._world.state,
            objective=objective,
            won=score >= FULL,
        )


class World:
    """A copy of the simulator, in one task at a time."""

    def __init__(self) -> None:
        from scienceworld.constants import JAR_PATH

        self._copy = java.borrow(JAR_PATH, ENTRY)
        self._game: Any = self._copy.interface

    def begin(self, name: str, variation: int, simplification: str) -> str:
        """Loads a task, and looks around: until then the score is that of the last."""
        if error := self._game.load(name, variation, simplification, False):
            raise RuntimeError(f"ScienceWorld cannot load {name} {variation}: {error}")
        self._agent = self._game.agentInterface().get()
        self._parser = self._agent.inputParser()
        return self.do(LOOK)

    def do(self, action: str) -> str:
        """Does one thing; RuntimeError where the simulator fails at it."""
        if self._parser.isInAmbiguousState():
            choices = range(self._parser.getNumAmbiguousMatches())
            if action not in map(str, choices):
                self._parser.clearAmbiguousState()  # the game would drop the action
        said = self._game.step(action)
        if self._agent.isInErrorState():
            reason = self._agent.getErrorStateMessage()
            raise RuntimeError(f"ScienceWorld failed at {action!r}: {reason}")
        self._question = said if self._parser.isInAmbiguousState() else ""
        return said.strip()

    @property
    def score(self) -> int:
        """Up to 100, which is reached when the task is done."""
        return round(FULL * self._game.getScore())

    @property
    def ended(self) -> bool:
        return self._game.getCompleted() or self.score < 0

    @property
    def state(self) -> str:
        seen = self._game.freeActionLook(), self._game.freeActionInventory()
        parts = [*seen, f"Score: {self.score}", self._question]
        return "\n".join(filter(None, map(str.strip, parts)))

    @property
    def objective(self) -> str:
        forms = ", ".join(self._game.getPossibleActions())
        return f"{self._game.getTaskDescription()}\nCommands: {forms}."

    def solution(self) -> list[str]:
        """The package's, to the task that is loaded, which is begun anew."""
        game = self._game
        given = game.taskStr(), game.taskVariationIdx(), game.simplificationStr()
        game.load(*given, True)
        return list(game.getGoldActionSequence())

    def variations(self, names: Sequence[str]) -> dict[str, dict[str, list[int]]]:
        """Part -> task -> the numbers of its variations."""
        parts: dict[str, dict[str, list[int]]] = {"train": {}, "test": {}}
        for name in names:
            getattr(self._game, "taskStr_$eq")(name)
            parts["train"][name] = list(self._game.getVariationsTrain())
            parts["test"][name] = list(self._game.getVariationsTest())
        return parts

    def checked(self, names: Sequence[str] | None, simplification: str) -> list[str]:
        """The names of tasks; ValueError for one that is unknown, or cannot be done."""
        known = list(self._game.getTaskNames())
        if names is not None and (isinstance(names, str) or not names):
            raise ValueError(f"names is {names!r}: give a list of {', '.join(known)}")
        for name in names or ():
            if name not in known:
                raise ValueError(unknown("task of ScienceWorld", name, known))
        simple = ["easy", *self._game.getPossibleSimplifications().split(", ")]
        parts = [part for part in simplification.split(",") if part]
        if "easy" in parts[1:] or parts[0:1] == ["easy"] != parts:
            raise ValueError(f"simplification {simplification!r}: 'easy' stands alone")
        for part in parts:
            if part not in simple:
                raise ValueError(unknown("simplification", part, simple))
        chosen = list(known if names is None else names)
        for name in chosen if WIRELESS in parts else ():
            if any(word in name for word in ELECTRICAL):
                raise ValueError(f"{name!r} cannot be done with {WIRELESS}; leave it")
        return chosen

    def close(self) -> None:
        java.give_back(self._copy)


def dealt(
    variations: dict[str, list[int]], count: int, *, seed: int, part: str
) -> list[tuple[str, int]]:
    """`count` variations, from each task in turn as long as it has more.

    Raises ValueError for more than there are.
    """
    there = sum(map(len, variations.values()))
    if count > there:
        raise ValueError(
            f"{count} {part} variations are asked for; the chosen tasks have {there}"
        )
    ranked = []
    for place, (name, numbers) in enumerate(variations.items()):
        shuffled = sorted(numbers, key=lambda v: digest(ENTRY, seed, part, name, v))
        ranked += [(rank, place, name, v) for rank, v in enumerate(shuffled)]
    return [(name, variation) for *_, name, variation in sorted(ranked)[:count]]


@functools.lru_cache(maxsize=None)
def _solution(name: str, variation: int, simple: str) -> tuple[str, ...] | None:
    """Found in a copy of the simulator, so that no episode is disturbed."""
    world = World()
    try:
        world.begin(name, variation, simple)
        actions = world.solution()
        world.begin(name, variation, simple)
        for length, action in enumerate(actions, 1):
            world.do(action)
            if world.ended:
                return tuple(actions[:length]) if world.score >= FULL else None
        return None
    finally:
        world.close()
