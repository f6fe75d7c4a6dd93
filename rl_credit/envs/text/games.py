"""TextWorld games: generated from a seed, compiled once, kept in a directory."""

import contextlib
import dataclasses
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from rl_credit.envs.text import panels

UNFINISHED = ".unfinished-"
ATTEMPTS = 20  # not every seed has a map on which a quest of that length fits
COOKING = (  # ingredients, of them to fetch, rooms; and the skills that are needed
    dict(recipe=1, take=1, go=1, open=False, cook=False, cut=False),
    dict(recipe=1, take=1, go=1, open=True, cook=True, cut=False),
    dict(recipe=1, take=1, go=6, open=True, cook=True, cut=False),
    dict(recipe=2, take=2, go=6, open=True, cook=True, cut=True),
    dict(recipe=3, take=3, go=9, open=True, cook=True, cut=True),
)


Generator = Callable[["Game", Any], Any]  # a game and its options -> textworld.Game


@dataclasses.dataclass(frozen=True)
class Game:
    """What one game is generated from; equal fields give equal games."""

    kind: str
    difficulty: int
    seed: int

    @property
    def name(self) -> str:
        """Its directory in the cache; another version of textworld has its own."""
        import textworld

        made_by = f"textworld-{textworld.__version__}"
        return f"{self.kind}-{self.difficulty}-{self.seed}-{made_by}"


def game(kind: str, levels: tuple[int, int], seed: int, task: int) -> Game:
    """The game of a task: difficulty and seed are drawn from the hash of all four."""
    lowest, highest = levels
    bits = panels.digest("game", kind, lowest, highest, seed, task)
    difficulty = lowest + bits[0] % (highest - lowest + 1)
    return Game(kind, difficulty, int.from_bytes(bits[1:4], "big"))


def compiled(made: Game, cache: pathlib.Path) -> pathlib.Path:
    """The path of the game's file, compiled now unless the cache has it.

    The directory of a game appears in the cache complete, by one rename: a compilation
    that is killed leaves none, and of two at the same time one is kept. Raises
    RuntimeError where the game cannot be generated or compiled.

    The generator walks over sets of strings, so it gives the same game only under the
    same hash seed: it runs where that is 0, as in the pool's workers, or else in a
    process of its own.
    """
    kept = cache / made.name
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        building = pathlib.Path(tempfile.mkdtemp(dir=cache, prefix=UNFINISHED))
        try:
            if sys.flags.hash_randomization:
                _build_apart(made, building)
            else:
                build(made, building)
            os.rename(building, kept)
        except OSError:
            if not kept.exists():  # else another process was faster
                raise
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return kept / "game.z8"


def walkthrough(made: Game, cache: pathlib.Path) -> list[str]:
    """The commands that win the game, as planned when it was compiled."""
    path = compiled(made, cache).with_name("walkthrough.json")
    return json.loads(path.read_text())


def build(made: Game, building: pathlib.Path) -> None:
    """Makes the game, and its walkthrough, in a directory."""
    import textworld

    try:
        with contextlib.redirect_stdout(io.StringIO()):
            generated, options = _generated(made)
            options.path = str(building / "game.z8")
            path = textworld.generator.compile_game(generated, options)
            infos = textworld.EnvInfos(policy_commands=True)
            game = textworld.start(path, infos)
            plan = list(game.reset()["policy_commands"])
            game.close()
    except Exception as error:
        raise RuntimeError(
            f"cannot make the TextWorld game {made}: {error}; choose other `levels` or "
            "another seed; if every game fails, install textworld again"
        ) from error
    (building / "walkthrough.json").write_text(json.dumps(plan))
    (building / "game.ni").unlink()  # the source; only .z8 and .json are played


def _build_apart(made: Game, building: pathlib.Path) -> None:
    code = (
        f"import sys, pathlib; sys.path[:] = {sys.path!r}\n"
        "from rl_credit.envs.text.games import Game, build\n"
        f"build({made!r}, pathlib.Path({str(building)!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip().rpartition("\n")[2] or f"{made} failed")


def _generated(made: Game) -> tuple[Any, Any]:
    """The game and the options it came from; the first seed that has one."""
    import textworld
    from textworld.generator import QuestGenerationError

    for attempt in range(ATTEMPTS):
        options = textworld.GameOptions()
        options.seeds = made.seed + (attempt << 24)  # a seed has 24 bits
        try:
            return KINDS[made.kind].generate(made, options), options
        except QuestGenerationError:
            continue
    raise RuntimeError(f"none of {ATTEMPTS} seeds has a map for it")


def _challenge(name: str, settings: Callable[[Game], dict]) -> Generator:
    def generate(made: Game, options):
        from textworld.challenges import CHALLENGES

        _, make, _ = CHALLENGES[f"tw-{name}"]
        return make(settings(made), options)

    return generate


def _quest(made: Game, options):
    import textworld

    options.quest_length = made.difficulty
    options.nb_rooms = 2 + made.difficulty // 2
    options.nb_objects = 3 + made.difficulty
    return textworld.generator.make_game(options)


def _level(made: Game) -> dict:
    return dict(level=made.difficulty)


def _cooking(made: Game) -> dict:
    # A recipe seed of 0 would give all games the same recipe.
    own = dict(recipe_seed=made.seed % 65535 + 1, drop=False, split=None)
    return {**COOKING[made.difficulty - 1], **own}


@dataclasses.dataclass(frozen=True)
class Kind:
    """A family of games, its hardest level (the easiest is 1), and how one is made."""

    hardest: int
    generate: Generator


KINDS = {
    # find the coin: level = steps to it; from 101 on with rooms that lead nowhere
    "coin_collector": Kind(200, _challenge("coin_collector", _level)),
    # take the right one of two objects: 5, 10 (from 11 on) or 20 rooms (from 21 on)
    "treasure_hunter": Kind(30, _challenge("treasure_hunter", _level)),
    # cook what the book says: see COOKING
    "cooking": Kind(len(COOKING), _challenge("cooking", _cooking)),
    # a chain of that many actions over rooms, containers, keys and other objects
    "quest": Kind(20, _quest),
}


def clear_unfinished(cache: pathlib.Path, age: float = 3600.0) -> None:
    """Removes what killed compilations left, unless it is younger than `age` seconds.

    What is younger may belong to another run that is compiling now.
    """
    for left in cache.glob(f"{UNFINISHED}*"):
        if time.time() - left.stat().st_mtime >= age:
            shutil.rmtree(left, ignore_errors=True)
