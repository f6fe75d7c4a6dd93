"""What the rooms carry: a layout, a state, and the rules of a task."""

import dataclasses
import functools
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int32, UInt8, UInt32

from rl_credit.envs.grid.contexts import SEEDS
from rl_credit.envs.grid.render import Tile
from rl_credit.envs.grid.rooms_words import DIRECTIONS, Kind, Message
from rl_credit.types import record

MARK = 64  # above every `Tile`


@record
class Layout:
    """A level as it begins. Cells are numbered row by row; 0, a corner, means none."""

    chart: Int32[Array, ""]  # row of the family's maps
    start: Int32[Array, ""]  # cell where the agent begins, a staircase up
    goal: Int32[Array, ""]  # cell of the staircase down
    item: Int32[Array, ""]  # cell of the object
    kind: Int32[Array, ""]  # `Kind` of the object
    sites: Int32[Array, " sites"]  # cells that may change, such as doors
    covers: UInt8[Array, " sites"]  # the `Tile` there
    boulders: Int32[Array, " boulders"]  # cells
    monsters: Int32[Array, " monsters"]  # cells


@record
class RoomsState:
    """An episode of rooms."""

    time: Int32[Array, ""]  # actions so far
    level: Int32[Array, ""]  # number of the level
    layout: Layout  # as the level began
    cell: Int32[Array, ""]  # where the agent is
    item: Int32[Array, ""]  # where the object lies; 0: taken
    held: Int32[Array, ""]  # `Kind` carried and not used up
    floating: Bool[Array, ""]  # levitates
    health: Int32[Array, ""]  # hit points
    prompt: Int32[Array, ""]  # `Prompt` that waits
    message: Int32[Array, ""]  # `Message` of the last action
    covers: UInt8[Array, " sites"]  # the `Tile` of each site
    boulders: Int32[Array, " boulders"]  # cells; 0: sunk
    monsters: Int32[Array, " monsters"]  # cells; 0: dead


@record
class Outcome:
    """What an effect makes of a state."""

    state: RoomsState  # with its message
    turn: Bool[Array, ""]  # the turn counter advanced
    dead: Bool[Array, ""]  # the agent died


@dataclasses.dataclass(frozen=True, eq=False)
class Family:
    """The levels of a task: base maps, and how the rest is drawn from a number."""

    maps: np.ndarray  # uint8[charts, height, width] of `Tile`; borders block
    draw: Callable[[Int32[Array, ""]], Layout]  # of the level's number
    size: int = SEEDS  # how many levels there are
    sites: np.ndarray | None = None  # int32[charts, sites] of Layout, if maps fix them
    covers: tuple[Tile, ...] = ()  # what sites may show
    kinds: tuple[Kind, ...] = ()  # objects that occur
    stairs: bool = True  # there is a staircase down


@dataclasses.dataclass(frozen=True)
class Pack:
    """How a task's monsters behave; chances are of one turn."""

    tile: Tile
    sight: int  # chases an agent so near, in moves of a king
    bites: float  # chance that a monster beside the agent hits
    damage: int  # hit points lost: from 1 to this
    haste: float  # chance of a second move
    falls: float  # chance that the agent's blow kills
    kill: Message
    miss: Message
    bite: Message


@dataclasses.dataclass(frozen=True)
class Rules:
    """What a task fixes besides its levels."""

    actions: tuple[str, ...]  # of rooms_words.KEYS; the first eight are the compass
    wins: Message | None = None  # the message that succeeds; None: the staircase down
    unlocks: bool = False  # apply turns the key by itself
    deadly: bool = False  # the wand is of death
    health: int = 12  # hit points: 12 of a rogue, 16 of a caveman
    pack: Pack | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class World:
    """A family, its rules, and what is worked out from them once."""

    family: Family
    rules: Rules

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the map."""
        _, height, width = self.family.maps.shape
        return height, width

    @functools.cached_property
    def marked(self) -> np.ndarray:
        """The maps, uint8[charts * cells], with `MARK` + n in the cell of site n.

        Only where a map tells its sites; with them a look is two reads, whatever their
        number.
        """
        marked = self.family.maps.reshape(len(self.family.maps), -1).copy()
        if self.family.sites is not None:
            for row, sites in zip(marked, self.family.sites):
                row[sites[sites > 0]] = MARK + np.flatnonzero(sites > 0)
        return marked.reshape(-1)

    @functools.cached_property
    def offsets(self) -> np.ndarray:
        """int32[8]: what a step in each direction adds to a cell."""
        rows = np.array(list(DIRECTIONS.values()), np.int32)
        return rows[:, 0] * self.shape[1] + rows[:, 1]

    @functools.cached_property
    def tiles(self) -> tuple[Tile, ...]:
        """What the cells may show, objects and monsters aside."""
        drawn = {Tile(number) for number in np.unique(self.family.maps)}
        return tuple(sorted(drawn | set(self.family.covers)))

    def among(self, tiles: UInt8[Array, " *n"], *wanted: Tile) -> Bool[Array, " *n"]:
        """Whether each tile is wanted; those that never occur here cost nothing."""
        found = jnp.zeros(tiles.shape, bool)
        for tile in set(wanted) & set(self.tiles):
            found = found | (tiles == tile)
        return found

    def look(
        self, state: RoomsState, cells: Int32[Array, " *n"]
    ) -> UInt8[Array, " *n"]:
        """The tiles of these cells."""
        height, width = self.shape
        seen = jnp.asarray(self.marked)[state.layout.chart * (height * width) + cells]
        if not state.covers.size:
            return seen
        if self.family.sites is not None:
            site = jnp.maximum(seen.astype(jnp.int32) - MARK, 0)
            return jnp.where(seen >= MARK, state.covers[site], seen)
        shape = *cells.shape, state.covers.size
        here = cells[..., None] == jnp.broadcast_to(state.layout.sites, shape)
        covers = jnp.broadcast_to(state.covers, shape)
        cover = jnp.max(jnp.where(here, covers, jnp.uint8(0)), axis=-1)
        return jnp.where(jnp.any(here, axis=-1), cover, seen)


def layout(maps: int | Int32[Array, ""] = 0, **fields: Array) -> Layout:
    """A layout whose other fields are as given, and else empty."""
    none = jnp.int32(0)
    given = dict(
        chart=jnp.asarray(maps, jnp.int32),
        start=none,
        goal=none,
        item=none,
        kind=none,
        sites=jnp.zeros(0, jnp.int32),
        covers=jnp.zeros(0, jnp.uint8),
        boulders=jnp.zeros(0, jnp.int32),
        monsters=jnp.zeros(0, jnp.int32),
    )
    return Layout(**(given | fields))  # type: ignore[arg-type]


def numbers(level: Int32[Array, ""], count: int) -> UInt32[Array, " count"]:
    """The random words of a level, the same in every episode on it.

    MurmurHash3's finaliser of level and place: a few fused operations, where threefry
    is a loop of its own on a CPU, and every step pays for a reset.
    """
    words = level.astype(jnp.uint32) * jnp.uint32(0x9E3779B9)
    words = words + jnp.arange(1, count + 1, dtype=jnp.uint32) * jnp.uint32(0x85EBCA77)
    for factor, shift in ((1, 16), (0x85EBCA6B, 13), (0xC2B2AE35, 16)):
        words = words * jnp.uint32(factor)
        words = words ^ (words >> shift)
    return words


def pick(
    bits: UInt32[Array, " *n"], count: int | Int32[Array, " *n"]
) -> Int32[Array, " *n"]:
    """A number from 0 to count - 1 (below 65536), even to one part in 65536."""
    high = (bits >> 16) * jnp.asarray(count).astype(jnp.uint32)
    return (high >> 16).astype(jnp.int32)


def chance(bits: UInt32[Array, " *n"], probability: float) -> Bool[Array, " *n"]:
    """True with this probability, to one part in 2**32."""
    return bits < jnp.uint32(min(int(probability * 2**32), 2**32 - 1))
