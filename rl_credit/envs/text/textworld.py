"""TextWorld (arXiv 1806.11532): text adventures generated from a seed."""

import re
import shutil
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rl_credit.envs.text import games, preparing
from rl_credit.envs.text.turn import Turn, check_running, check_task
from rl_credit.ops.names import unknown

SHOWN = "feedback objective facts admissible_commands won lost"
DESCRIBED = ("description", "inventory")  # they double the time of a step
REFUSAL = "That is not possible here."
TRACKED = {  # reward -> what more is asked of the game for it
    "win": "",
    "score": "score max_score",
    "progress": "intermediate_reward policy_commands",
}
TOOLS = {  # what pip compiles the interpreter with, and the names it goes by
    "a C compiler": ("cc", "gcc", "clang"),
    "a C++ compiler": ("c++", "g++", "clang++"),
    "cmake": ("cmake",),
    "make": ("make",),
}
ROOM = "-= "  # how the heading of a room begins
PROMPT = re.compile(r"\n>[^\n]*\Z")  # the status line that the interpreter appends
QUESTION = re.compile(r"Would you like to RESTART.*\Z", re.DOTALL)


class TextWorld:
    """Games of one kind; see `TextEnv`. A game is compiled when it is first played.

    The first observation is the objective and the room; later ones are what the game
    replies, and if `describe` the room and the inventory after every action. Only
    admissible commands reach the game: its parser also knows "undo", "restart" and
    several commands on one line, and fails on some long texts.

    The anchor lists the facts that hold in the room and in the player's hands, sorted.
    The texts would not do: the reply tells of the last action, and descriptions name
    things in the order in which they were put down. Facts about other rooms, and about
    what is in a closed container, cannot be seen and are left out.

    Args:
        kind: a name in `games.KINDS`.
        levels: lowest and highest difficulty; each task draws its own.
        seed: tasks of another seed are other games.
        tasks: how many there are.
        step_limit: actions until the episode is truncated.
        reward: "win", 1 for winning; "score", the game's points over the most it gives,
            paid when they are made; "progress", one over the length of the plan for
            each action that shortens it, the same taken away for one that lengthens it.
        describe: see above.
        cache: directory of the compiled games; by default `rl_credit/textworld` in
            XDG_CACHE_HOME or ~/.cache.

    Raises ImportError where textworld is not installed.
    """

    def __init__(
        self,
        *,
        kind: str,
        levels: Sequence[int],
        seed: int = 0,
        tasks: int = 1000,
        step_limit: int = 50,
        reward: str = "win",
        describe: bool = False,
        cache: str | None = None,
    ):
        _require_simulator()
        _check(kind, levels, tasks, step_limit, reward)
        self.kind, self.levels, self.seed = kind, (levels[0], levels[1]), seed
        self.tasks, self.step_limit = tasks, step_limit
        self.reward, self.describe = reward, describe
        self.cache = preparing.folder(cache, "textworld")
        self._last: Turn | None = None
        self._loaded: int | None = None
        self._game: Any = None

    def reset(self, task: int) -> Turn:
        if task != self._loaded:
            self.close()
            more = DESCRIBED if self.describe else ()
            names = [*SHOWN.split(), *more, *TRACKED[self.reward].split()]
            self._game, self._loaded = self._started(task, names), task
        state = self._game.reset()
        self._steps, self._score = 0, 0
        self._plan = len(state.get("policy_commands") or ())
        said = _reply(state)
        objective = _tidy(state["objective"])
        parts = [objective, said[said.index(ROOM) :]]  # before it: a banner
        self._surroundings = []
        if self.describe:
            self._surroundings = [_tidy(state[name]) for name in DESCRIBED]
            parts.append(state["inventory"])
        self._last = self._turn(state, "\n".join(parts), 0.0, objective)
        return self._last

    def step(self, action: str) -> Turn:
        check_running(self._last)
        assert self._last is not None
        self._steps += 1
        able = {command.lower(): command for command in self._last.admissible or ()}
        command = able.get(" ".join(action.split()).lower())
        if command is None:
            self._last = Turn(
                "\n".join([REFUSAL, *self._surroundings]),
                truncated=self._steps >= self.step_limit,
                admissible=self._last.admissible,
                anchor=self._last.anchor,
            )
            return self._last
        state, _, _ = self._game.step(command)
        parts = [_reply(state)]
        if self.describe and not (state["won"] or state["lost"]):
            self._surroundings = [_tidy(state[name]) for name in DESCRIBED]
            said = _tidy(parts[0])
            parts += [more for more in self._surroundings if more not in said]
        self._last = self._turn(state, "\n".join(parts), self._pay(state))
        return self._last

    def walkthrough(self, task: int) -> list[str]:
        return games.walkthrough(self.game(task), self.cache)

    def close(self) -> None:
        if self._game is not None:
            self._game.close()
        self._game = self._loaded = self._last = None

    def game(self, task: int) -> games.Game:
        """What the task's game is generated from."""
        check_task(task, self.tasks)
        return games.game(self.kind, self.levels, self.seed, task)

    def _started(self, task: int, names: Iterable[str]):
        import textworld

        path = games.compiled(self.game(task), self.cache)
        infos = textworld.EnvInfos(**{name: True for name in names})
        with warnings.catch_warnings():  # jericho knows no game but the classics
            warnings.simplefilter("ignore")
            return textworld.start(str(path), infos)

    def _turn(self, state, said: str, reward: float, objective: str = "") -> Turn:
        ended = bool(state["won"] or state["lost"])
        return Turn(
            observation=_tidy(said),
            reward=reward,
            terminated=ended,
            truncated=not ended and self._steps >= self.step_limit,
            admissible=() if ended else tuple(sorted(state["admissible_commands"])),
            anchor=visible(state["facts"]),
            objective=objective,
            won=bool(state["won"]),
        )

    def _pay(self, state) -> float:
        if self.reward == "win":
            return float(state["won"])
        if self.reward == "progress":
            return state["intermediate_reward"] / max(self._plan, 1)
        gained = state["score"] - self._score
        self._score = state["score"]
        return gained / state["max_score"]


class Compiling(TextWorld):
    """Compiles the game of a task on `reset` and does not play it; see `prepare`."""

    def reset(self, task: int) -> Turn:
        return Turn(str(games.compiled(self.game(task), self.cache)))


def prepare(
    options: Mapping[str, Any], tasks: Iterable[int], *, seed: int, workers: int
) -> int:
    """Compiles the games of `tasks` that the cache lacks; gives how many those were.

    `options` and `seed` are those of `TextWorld`. Raises RuntimeError for a game that
    cannot be made, and IndexError for a task that does not exist.
    """
    env = TextWorld(**options, seed=seed)
    games.clear_unfinished(env.cache)
    lacking = [t for t in tasks if not (env.cache / env.game(t).name).exists()]
    if not lacking:
        return 0
    path = f"{__name__}:{Compiling.__name__}"
    preparing.compile_all(
        path, options, lacking, seed=seed, workers=workers, what=env.kind
    )
    return len(lacking)


def visible(facts: Iterable[Any]) -> str:
    """The facts (`textworld.logic.Proposition`) about what the player has around him.

    That is what lies in the room, on its supporters and in its open containers, what
    he carries, and the doors of the room.
    """
    known = {(fact.name, *(a.name for a in fact.arguments)) for fact in facts}
    room = next(where for name, who, *where in known if (name, who) == ("at", "P"))[0]
    seen = {"P", "I", room}
    seen.update(fact[2] for fact in known if fact[:2] == ("link", room))
    grown = True
    while grown:
        inside = {f[1] for f in known if f[0] in ("at", "on", "in") and f[2] in seen}
        hidden = {f[1] for f in known if f[0] == "in" and not _reveals(f[2], known)}
        grown = not inside - hidden <= seen
        seen |= inside - hidden
    return "; ".join(
        f"{name}({', '.join(about)})"
        for name, *about in sorted(known)
        if seen.issuperset(about)
    )


def _reveals(container: str, known: set) -> bool:
    return container == "I" or ("open", container) in known


def _reply(state) -> str:
    return QUESTION.sub("", PROMPT.sub("", state["feedback"]))


def _tidy(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(filter(None, lines))


def _require_simulator() -> None:
    try:
        import textworld  # noqa: F401
    except ModuleNotFoundError as error:
        lacking = [t for t, names in TOOLS.items() if not any(map(shutil.which, names))]
        first = f"first install {', '.join(lacking)}, for " if lacking else ""
        raise ImportError(
            f"the package {error.name!r} is missing; {first}"
            "textworld's interpreter is compiled when it is installed"
        ) from error


def _check(kind, levels, tasks, step_limit, reward) -> None:
    for name, value, known in (
        ("kind", kind, games.KINDS),
        ("reward", reward, TRACKED),
    ):
        if value not in known:
            raise ValueError(unknown(name, value, known))
    hardest = games.KINDS[kind].hardest
    if len(levels) != 2 or not 1 <= levels[0] <= levels[1] <= hardest:
        raise ValueError(
            f"levels={tuple(levels)}: give (lowest, highest) with 1 <= lowest <= "
            f"highest <= {hardest}, the hardest of {kind!r}"
        )
    if min(tasks, step_limit) < 1:
        raise ValueError(f"tasks={tasks}, step_limit={step_limit}: both are at least 1")
