"""ALFWorld (arXiv 2010.03768) as a text environment."""

import functools
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rl_credit.envs.text import games as caches
from rl_credit.envs.text import preparing
from rl_credit.envs.text.alfworld import compiled, dealing, searching
from rl_credit.envs.text.alfworld.compiled import Compiled
from rl_credit.envs.text.alfworld.dealing import Game
from rl_credit.envs.text.alfworld.furnishing import KINDS
from rl_credit.envs.text.alfworld.session import Session, visible
from rl_credit.envs.text.turn import Turn, check_running, check_task
from rl_credit.ops.names import unknown

REFUSAL = "Nothing happens."
ROOMS = {"seen": "valid_seen", "unseen": "valid_unseen"}  # and the official split
SOURCES = ("generated", "official")
ANCHORS = ("state", "text")
GUIDES = ("direct", "looking")


class ALFWorld:
    """Household tasks of six types in rooms of text; see `TextEnv`.

    Generated games have the domain, grammar, floor plans and statistics of objects of
    the alfworld package; which things lie where is drawn here. They are not the games
    of the published benchmark, and results on them are not results on that: call them
    "ALFWorld, generated games".

    Observations are the package's replies; the first is the objective and the room. A
    task is won, and paid 1, when its goal holds. Only admissible commands reach the
    game; all else is answered as ALFWorld does, "Nothing happens.".

    The anchor lists what is around the agent and what it holds: see `session.visible`.
    With `anchor="text"` it is the reply itself, as published for GiGPO (arXiv
    2505.10978). Then equal states may have other anchors, and other states equal ones:
    every refused command has the anchor "Nothing happens.".

    Args:
        seed: tasks of another seed are other games.
        tasks: how many there are.
        held_out: of them, the last that many are not for training.
        rooms: where these are set: "unseen", in the floor plans that ALFRED keeps for
            testing (official: split valid_unseen), or "seen", as the training games
            (valid_seen).
        kinds: the types of tasks. Generated games take them in turn.
        games: "generated", or "official" for those in the directory ALFWORLD_DATA.
        receptacles: most of them in the room of a generated game; None: any number,
            which is 8 to 54.
        anchor: see above.
        guide: whether walkthroughs are "direct", as planned, or those of one "looking"
            for what is taken first; these see `searching`. They are direct where that
            takes more than `step_limit` actions.
        step_limit: actions until the episode is truncated.
        cache: directory of the compiled games; by default `rl_credit/alfworld` in
            XDG_CACHE_HOME or ~/.cache.

    Raises ImportError where alfworld or its planner is not installed, and ValueError
    for more official games than there are, saying how many those are.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        tasks: int = 100,
        held_out: int = 0,
        rooms: str = "unseen",
        kinds: Sequence[str] = tuple(KINDS),
        games: str = "generated",
        receptacles: int | None = None,
        anchor: str = "state",
        guide: str = "direct",
        step_limit: int = 50,
        cache: str | None = None,
    ):
        _require_packages()
        _check_names(kinds, rooms=rooms, games=games, anchor=anchor, guide=guide)
        if min(tasks, step_limit) < 1 or not 0 <= held_out <= tasks:
            raise ValueError(
                f"tasks={tasks}, held_out={held_out}, step_limit={step_limit}: give at "
                "least one task and one step, and no more held out than tasks"
            )
        self.tasks, self.step_limit, self.anchor = tasks, step_limit, anchor
        self.guide = guide
        self.cache = preparing.folder(cache, "alfworld")
        if games == "official" and receptacles is not None:
            raise ValueError("receptacles: only generated games can be so chosen")
        deal: Callable[..., list[Game]] = _official
        if games == "generated":
            deal = functools.partial(_generated, most=receptacles)
        self._games = deal(tuple(kinds), seed, tasks - held_out, held_out, rooms)
        self._session: Session | None = None
        self._last: Turn | None = None

    def reset(self, task: int) -> Turn:
        made = self._compiled(task)
        self._session = self._session or Session()
        self._session.begin(made)
        self._steps = 0
        self._last = self._turn(f"{made.objective}\n{made.room}", made.objective)
        return self._last

    def step(self, action: str) -> Turn:
        check_running(self._last)
        assert self._last is not None and self._session is not None
        self._steps += 1
        able = {command.lower(): command for command in self._last.admissible or ()}
        command = able.get(" ".join(action.split()).lower())
        if command is None:
            self._last = Turn(
                REFUSAL,
                truncated=self._steps >= self.step_limit,
                admissible=self._last.admissible,
                anchor="" if self.anchor == "text" else self._last.anchor,
            )
        else:
            self._last = self._turn(self._session.do(command))
        return self._last

    def walkthrough(self, task: int) -> list[str]:
        game = self._compiled(task)
        if self.guide == "looking":
            route = searching.searched(game)
            if len(route) <= self.step_limit:
                return route
        return list(game.walkthrough)

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
        self._session = self._last = None

    def game(self, task: int) -> Game:
        """Where the task's game comes from."""
        check_task(task, self.tasks)
        return self._games[task]

    def _compiled(self, task: int) -> Compiled:
        return _loaded(self.game(task), self.cache)

    def _turn(self, said: str, objective: str = "") -> Turn:
        assert self._session is not None
        won = self._session.won
        return Turn(
            observation=said,
            reward=float(won),
            terminated=won,
            truncated=not won and self._steps >= self.step_limit,
            admissible=() if won else self._session.commands,
            anchor="" if self.anchor == "text" else visible(self._session.known),
            objective=objective,
            won=won,
        )


class Compiling(ALFWorld):
    """Compiles the game of a task on `reset` and does not play it; see `prepare`."""

    def reset(self, task: int) -> Turn:
        return Turn(self._compiled(task).objective)


def prepare(
    options: Mapping[str, Any], tasks: Iterable[int], *, seed: int, workers: int
) -> int:
    """Compiles the games of `tasks` that the cache lacks; gives how many those were.

    `options` and `seed` are those of `ALFWorld`. Raises RuntimeError for a game that
    cannot be made, and IndexError for a task that does not exist.
    """
    env = ALFWorld(**options, seed=seed)
    caches.clear_unfinished(env.cache)
    kept = {task: compiled.path(env.game(task).data(), env.cache) for task in tasks}
    lacking = [task for task in kept if not kept[task].exists()]
    if not lacking:
        return 0
    path = f"{__name__}:{Compiling.__name__}"
    preparing.compile_all(
        path, options, lacking, seed=seed, workers=workers, what="ALFWorld"
    )
    return len(lacking)


@functools.lru_cache(maxsize=32)
def _loaded(game: Game, cache: pathlib.Path) -> Compiled:
    """A game, once in a process whoever plays it: a group of rollouts shares it."""
    return compiled.load(game.data(), cache)


def _generated(
    kinds: tuple[str, ...],
    seed: int,
    train: int,
    held_out: int,
    rooms: str,
    *,
    most: int | None,
) -> list[Game]:
    dealt = functools.partial(dealing.generated, seed=seed, most=most)
    seen = rooms == "seen"
    return [
        *dealt(train, kinds, part="train", seen=True),
        *dealt(held_out, kinds, part="held_out", seen=seen),
    ]


def _official(
    kinds: tuple[str, ...], seed: int, train: int, held_out: int, rooms: str
) -> list[Game]:
    where = dict(seed=seed, directory=dealing.directory())
    parts = [("train", train), (ROOMS[rooms], held_out)]
    return [
        game
        for split, count in parts
        if count
        for game in dealing.official(count, kinds, split=split, **where)
    ]


def _require_packages() -> None:
    try:
        import alfworld  # noqa: F401
        import fast_downward  # noqa: F401
        import textworld  # noqa: F401
    except ModuleNotFoundError as error:
        raise ImportError(
            f"the package {error.name!r} is missing; the planner and the interpreter "
            "are compiled when they are installed, which takes a C++ compiler, make "
            "and a command named python"
        ) from error


def _check_names(kinds: Sequence[str], **chosen: str) -> None:
    if isinstance(kinds, str) or not kinds:
        raise ValueError(f"kinds is {kinds!r}: give at least one of {', '.join(KINDS)}")
    known = dict(rooms=ROOMS, games=SOURCES, anchor=ANCHORS, guide=GUIDES)
    for name, value in chosen.items():
        if value not in known[name]:
            raise ValueError(unknown(name, value, known[name]))
    for kind in kinds:
        if kind not in KINDS:
            raise ValueError(unknown("kind of task", kind, KINDS))
