"""Which games of textarena are played here, and why the others are not."""

import contextlib
import dataclasses
import functools
import importlib.resources
import re
from collections.abc import Callable, Iterator

from rl_credit.envs.text.textarena import moves, plans
from rl_credit.envs.text.textarena.moves import Env
from rl_credit.ops.names import unknown


def _paid_in_full(env: Env) -> bool:
    return env.state.rewards[0] >= 1.0


@dataclasses.dataclass(frozen=True)
class Game:
    """How the bridge reads one game; the functions take the package's environment."""

    levels: tuple[str, ...]  # its names in the package: the game, and how hard it is
    legal: Callable[[Env], list[str]]  # what it accepts now
    view: Callable[[Env], str]  # what the player knows of the state
    plan: Callable[[Env], list[str] | None] | None = None  # see `plans`
    won: Callable[[Env], bool] = _paid_in_full  # asked once it has ended
    one_start: bool = False  # whether it always begins in the same state
    building: Callable[[], contextlib.AbstractContextManager] = (
        contextlib.nullcontext
    )  # what holds while the package builds its environment


@contextlib.contextmanager
def own_words() -> Iterator[None]:
    """Words from the dictionary in the package instead of NLTK's list.

    The game would download that list when it is imported, and has no option for words.
    """
    import nltk
    from nltk.corpus import words

    known = _dictionary()
    download = nltk.download
    nltk.download, words.words = lambda *names, **options: True, lambda name: known
    try:
        yield
    finally:
        nltk.download = download
        del words.words


@functools.cache
def _dictionary() -> list[str]:
    folder = importlib.resources.files("textarena.envs.utils.data")
    entries = (folder / "en_US.dic").read_text("utf-8").splitlines()
    words = [entry.partition("/")[0] for entry in entries]
    return [word for word in words if re.fullmatch("[a-z]{4,8}", word)]


def _levels(name: str, *more: str) -> tuple[str, ...]:
    return name, *(f"{name}-{level}" for level in more)


_EASIER = "ultra-easy", "mega-easy", "super-easy", "very-easy", "easy"
GAMES = (
    Game(
        _levels("2048-v0", *_EASIER, "hard", "very-hard", "extreme"),
        moves.slides,
        moves.tiles,
        won=lambda env: env._max_tile() >= env.target_tile,  # a lost game may pay 1
    ),
    Game(
        _levels("FrozenLake-v0", "random", "hardcore"),
        moves.ways,
        lambda env: env._render_board(),
        plans.shortest_path,
    ),
    Game(
        _levels("GuessTheNumber-v0", "hardcore"),
        moves.numbers,
        moves.hints,
        plans.bisection,
    ),
    Game(
        _levels("Hangman-v0"),
        moves.letters,
        moves.gallows,
        plans.spelling,
        building=own_words,
    ),
    Game(
        _levels("Mastermind-v0", "hard"),
        moves.codes,
        moves.pegs,
        plans.consistent_codes,
    ),
    Game(
        _levels("Minesweeper-v0", "small", "medium", "hard"),
        moves.covered,
        lambda env: env._render_board(),
        plans.sweep,
    ),
    Game(
        _levels("PegJump-v0"),
        moves.jumps,
        lambda env: env._render_board(),
        plans.one_peg,
        one_start=True,
    ),
    Game(_levels("Secretary-v0", "long"), moves.choices, moves.values, plans.highest),
    Game(
        _levels("Sudoku-v0", "very-easy", "easy", "medium"),
        moves.digits,
        lambda env: env._get_grid_string_with_indices(),
        plans.filled,
    ),
    Game(
        _levels("TowerOfHanoi-v0", "medium", "hard", "hardcore", "extreme"),
        moves.disks,
        lambda env: env._render_board(),
        plans.hanoi,
        one_start=True,
    ),
)
BY_NAME = {name: game for game in GAMES for name in game.levels}

_DOWNLOADED = (
    "downloads word lists of NLTK when it is imported, also where they are installed "
    "(Hangman-v0 has words of its own)"
)
_DIALOGUE = "asks another language model over the network"
REFUSED = {  # textarena 0.7.4
    "Bandit": "compares the last choice with a table, so that nothing wins",
    "Blackjack": "is many hands, of which no number is a win",
    "FifteenPuzzle": "fails when it is solved, and half of its boards cannot be",
    "GuessWho": _DIALOGUE,
    "LightsOut": "divides by zero where all lights are drawn to be out",
    "Sokoban": "is the environment 'sokoban' of rl_credit",
    "TwentyQuestions": _DIALOGUE,
    "WordLadder": _DOWNLOADED,
    "Wordle": _DOWNLOADED,
    "WordSearch": _DOWNLOADED,
}


def named(name: str) -> Game:
    """The game of that name in the package.

    Raises ValueError for one that is not played here, saying why, or with the nearest
    name.
    """
    base, _, _ = name.partition("-")
    if name not in BY_NAME and base in REFUSED:
        raise ValueError(
            f"{base} of textarena cannot be played here: it {REFUSED[base]}; choose "
            f"one of {', '.join(BY_NAME)}"
        )
    if name not in BY_NAME:
        raise ValueError(unknown("game", name, BY_NAME))
    return BY_NAME[name]
