"""How a grid is told in words: what a language agent reads of a state, and can do."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from gymnax.environments import environment
from jaxtyping import Array, Int32, UInt8

from rl_credit.envs.grid import sokoban as boxes
from rl_credit.envs.grid.render import Tile
from rl_credit.envs.grid.rooms import Rooms
from rl_credit.envs.grid.rooms_prompts import WHERE, Prompt
from rl_credit.envs.grid.rooms_state import RoomsState
from rl_credit.envs.grid.rooms_view import LOW
from rl_credit.envs.grid.rooms_words import KEYS, Kind
from rl_credit.envs.grid.sokoban import Sokoban

REFUSED = "No command."
BLOCKED = "Blocked."

# One symbol for every `Tile`; the first seven are the published ones of Sokoban.
SYMBOLS = dict(zip(Tile, "#_O√XPS%LWI+|&.k><B!=[/(nHc", strict=True))
SILENT = (Tile.FLOOR, Tile.CORRIDOR, Tile.PLAYER)  # not worth a word under the agent
Seen = tuple[UInt8[Array, "height width"], Int32[Array, " facts"]]


@dataclasses.dataclass(frozen=True, eq=False)
class Telling:
    """The words of a grid.

    A state is told as its rows, symbols between single spaces, so that vocabularies of
    words, bytes and pieces split them alike; then, a line each, what else is so.

    Raises ValueError for symbols with spaces in them, and for commands that are not
    different small ASCII words.
    """

    objective: str  # what to do, what the symbols mean, and the commands
    legend: tuple[str, ...]  # the symbol of every code of a tile
    commands: tuple[str, ...]  # one for each action
    phrases: tuple[tuple[str, ...], ...]  # phrases[i][facts[i]] is said; "": nothing.
    # The first are of the last action, and the last of those of an answer that was no
    # command; the others belong to the state.
    shape: tuple[int, int]  # height and width
    still: tuple[int, ...]  # codes of the first cells, row by row, that never differ
    seen: Callable[[Any], Seen]  # codes and facts of a state; traceable

    def __post_init__(self):
        for symbol in self.legend:
            if symbol.split() != [symbol]:
                raise ValueError(f"the symbol {symbol!r} is empty or has spaces in it")
        if len(set(self.commands)) != len(self.commands):
            raise ValueError(f"two of the commands {self.commands} are the same")
        for command in self.commands:
            words = command.split(" ")
            if not all(w.isascii() and w.isalpha() and w.islower() for w in words):
                raise ValueError(f"the command {command!r} is not of small ASCII words")

    @property
    def refusal(self) -> int:
        """The first fact after an answer that was no command."""
        return len(self.phrases[0]) - 1

    def text(self, tiles: np.ndarray, facts: Sequence[int] | np.ndarray) -> str:
        """The lines of what `seen` gave; on the host."""
        rows = [" ".join(map(self.legend.__getitem__, row)) for row in tiles.tolist()]
        said = (table[fact] for table, fact in zip(self.phrases, facts, strict=True))
        return "\n".join([*rows, *filter(None, said)])

    def anchor(self, tiles: np.ndarray, facts: Sequence[int] | np.ndarray) -> str:
        """The lines of the state alone, without what the last action brought up."""
        return self.text(tiles, [0, *map(int, facts[1:])])


def telling(env: environment.Environment) -> Telling:
    """How this grid is told.

    Raises ValueError for one that nobody told how to tell, for Sokoban with other
    actions than the four of language agents, and for rooms of which a part is seen.
    """
    if isinstance(env, Sokoban):
        return _sokoban(env)
    if isinstance(env, Rooms):
        return _rooms(env)
    raise ValueError(f"no words for {type(env).__name__}; there are for Sokoban, Rooms")


def _sokoban(env: Sokoban) -> Telling:
    if env.actions != "push":
        raise ValueError(
            f"actions={env.actions!r}: language agents push; give actions='push'"
        )
    messages = [""] * env.num_messages
    messages[boxes.BUMPED] = BLOCKED
    wall, floor, target, stowed, box, player, upon = tuple(boxes.LEGEND)
    return Telling(
        objective=(
            f"Push every box ( {box} ) onto a target ( {target} ): {wall} wall, "
            f"{floor} floor, {stowed} box on target, {player} you, {upon} you on "
            "target. Say up, down, left or right."
        ),
        legend=tuple(boxes.LEGEND),
        commands=("up", "down", "left", "right"),
        phrases=((*messages, REFUSED),),
        shape=(env.height, env.width),
        still=_still(env.levels.rooms),
        seen=lambda state: (env.tiles(state), state.message[None]),
    )


def _rooms(env: Rooms) -> Telling:
    if env.planes.view:
        raise ValueError(f"view={env.planes.view}: rooms are told whole; give view=0")
    rules, family, planes = env.world.rules, env.world.family, env.planes
    commands = tuple(action.replace("_", " ") for action in rules.actions)
    shown = [Tile.PLAYER, *planes.shown]
    meanings = [f"{SYMBOLS[tile]} {_name(tile)}" for tile in shown]
    wins = "Go to > ." if rules.wins is None else f'Make it say "{rules.wins.text}"'
    tables = [(*env.messages, REFUSED), tuple(map(_beneath, Tile))]
    tables += [tuple(map(_carried, Kind))] if family.kinds else []
    tables += [("", "You float.")] if planes.floats else []
    tables += [("", "You are weak.")] if planes.weakens else []
    if planes.prompts:
        tables.append(tuple(_answers(prompt, rules.actions) for prompt in Prompt))
    return Telling(
        objective=f"{wins} {', '.join(meanings)}. Say {', '.join(commands)}.",
        legend=tuple(SYMBOLS.values()),
        commands=commands,
        phrases=tuple(tables),
        shape=env.world.shape,
        still=_still(family.maps),
        seen=functools.partial(_look, env),
    )


def _look(env: Rooms, state: RoomsState) -> Seen:
    """The map with the agent on it, and a number for every table of `_rooms`."""
    planes = env.planes
    tiles = env.tiles(state).reshape(-1)
    facts: list[jax.Array] = [state.message, tiles[state.cell]]
    facts += [state.held] if env.world.family.kinds else []
    facts += [state.floating] if planes.floats else []
    facts += [state.health <= LOW] if planes.weakens else []
    facts += [state.prompt] if planes.prompts else []
    tiles = tiles.at[state.cell].set(jnp.uint8(Tile.PLAYER))
    numbers = jnp.stack([fact.astype(jnp.int32) for fact in facts])
    return tiles.reshape(env.world.shape), numbers


def _name(tile: Tile) -> str:
    return "you" if tile is Tile.PLAYER else tile.name.lower().replace("_", " ")


def _beneath(tile: Tile) -> str:
    return "" if tile in SILENT else f"Under you: {_name(tile)}."


def _carried(kind: Kind) -> str:
    return f"You carry: {kind.name.lower()}." if kind else ""


def _answers(prompt: Prompt, actions: Sequence[str]) -> str:
    """What answers the question that waits: commands stand for their keys."""
    if prompt is Prompt.NONE:
        return ""
    if prompt in WHERE:
        return "Say a direction."
    letters = {Prompt.IMPROVISE: "ynq", Prompt.FINGER: "lr"}.get(prompt, "f")
    known = {KEYS[action]: action.replace("_", " ") for action in actions}
    able = [f"{known[key]} for {key}" for key in letters if key in known]
    return f"Say {', '.join(able)}." if able else ""


def _still(maps: np.ndarray) -> tuple[int, ...]:
    """The cells of the upper border, and the next one, as long as all maps agree.

    Borders block and never change.
    """
    edge = maps.reshape(len(maps), -1)[:, : maps.shape[2] + 1]
    alike = np.all(edge == edge[:1], axis=0)
    return tuple(edge[0, : int(np.argmin(np.append(alike, False)))].tolist())
