"""What the agent sees: planes of zeros and ones, or the codes they are made of."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32, UInt8

from rl_credit.envs.grid.render import Tile
from rl_credit.envs.grid.rooms_prompts import Prompt
from rl_credit.envs.grid.rooms_state import RoomsState, World
from rl_credit.envs.grid.rooms_words import Kind

OBJECTS = {
    Kind.KEY: Tile.KEY,
    Kind.POTION: Tile.POTION,
    Kind.RING: Tile.RING,
    Kind.BOOTS: Tile.BOOTS,
    Kind.WAND: Tile.WAND,
    Kind.HORN: Tile.HORN,
}
CODES = max(Tile) + 1
FACTS = ("row", "column", "held", "floats", "weak", "prompt")  # last of the codes
LOW = 5  # hit points from which one kick at a wall may kill


class Planes:
    """Makes the observation of a state.

    A cell shows one `Tile`: the uppermost of monster, boulder, object, staircase and
    ground. The agent has a plane of its own, so that it hides nothing. Over the whole
    map hold: carrying an object, levitating, few hit points, the question that waits,
    and, with `coordinates`, the bits of the agent's row and of its column in Gray code:
    a step changes one of them.
    """

    def __init__(
        self,
        world: World,
        prompts: tuple[Prompt, ...],
        view: int,
        coordinates: bool,
    ):
        self.world = world
        self.prompts = prompts
        self.view = view
        family, rules = world.family, world.rules
        self.shown = list(world.tiles)
        if family.stairs:
            self.shown.append(Tile.STAIRS_DOWN)
        self.shown += [OBJECTS[kind] for kind in family.kinds]
        self.boulders = Tile.WATER in world.tiles
        if self.boulders:
            self.shown.append(Tile.BOULDER)
        if rules.pack is not None:
            self.shown.append(rules.pack.tile)
        floats = {Kind.POTION, Kind.RING, Kind.BOOTS} & set(family.kinds)
        self.floats = bool(floats)
        self.weakens = "kick" in rules.actions or (
            rules.pack is not None and rules.pack.damage < rules.health
        )
        sizes = world.shape if coordinates else (1, 1)
        self.bits = [(size - 1).bit_length() for size in sizes]  # of row and column
        self.placed = coordinates or not view  # whether planes tell where the agent is
        self.channels = (
            *(tile.name.lower() for tile in self.shown),
            "agent",
            *(f"carries_{kind.name.lower()}" for kind in family.kinds),
            *(["levitates"] if self.floats else []),
            *(["weak"] if self.weakens else []),
            *(f"asked_{prompt.name.lower()}" for prompt in prompts),
            *(f"row_{bit}" for bit in range(self.bits[0])),
            *(f"column_{bit}" for bit in range(self.bits[1])),
        )
        self.code_of = np.full(CODES, len(self.shown), np.uint8)  # each tile
        self.code_of[self.shown] = range(len(self.shown))
        self.rows = np.zeros((len(self.shown) + 1, len(self.channels)), np.uint8)
        np.fill_diagonal(self.rows[:-1], 1)
        height, width = (view, view) if view else world.shape
        self.shape = (height, width, len(self.channels))

    @property
    def numbers(self) -> int:
        """How many the codes are."""
        height, width, _ = self.shape
        return height * width + len(FACTS)

    @functools.cached_property
    def maps(self) -> np.ndarray:
        """The maps in codes, uint8, with as much nothing around as a view may show."""
        half = self.view // 2
        return np.pad(
            self.code_of[self.world.family.maps],
            ((0, 0), (half, half), (half, half)),
            constant_values=self.code_of[Tile.UNSEEN],
        )

    def tiles(self, state: RoomsState) -> UInt8[Array, "height width"]:
        """The uppermost tile of every cell of the map, without the agent."""
        shown = jnp.asarray(self.shown, jnp.uint8)
        family = self.world.family
        maps = self.code_of[family.maps].reshape(len(family.maps), -1)
        seen = jnp.asarray(maps)[state.layout.chart]
        seen = self._laid(state, seen, lambda cells: cells)
        return shown[seen].reshape(self.world.shape)

    def _window(self, state: RoomsState) -> UInt8[Array, " cells"]:
        """The uppermost tile of every cell that is seen, by its code."""
        height, width, _ = self.shape
        corner = (state.layout.chart, *(self._place(state) if self.view else (0, 0)))
        sizes = (1, height, width)
        seen = jax.lax.dynamic_slice(jnp.asarray(self.maps), corner, sizes)
        place = functools.partial(self._seen, state)
        return self._laid(state, seen.reshape(-1), place)

    def _laid(
        self,
        state: RoomsState,
        seen: UInt8[Array, " cells"],
        place: Callable[[Int32[Array, " *n"]], Int32[Array, " *n"]],
    ) -> UInt8[Array, " cells"]:
        """The codes of a map and, on it, what changes; `place` finds cells in it."""
        family, rules = self.world.family, self.world.rules
        codes = jnp.asarray(self.code_of)

        def put(seen: Array, cells: Array, tile: Array | Tile) -> Array:
            where = jnp.where(cells > 0, place(cells), seen.size)  # 0 means none
            return seen.at[where].set(codes[tile], mode="drop")

        if state.covers.size:
            seen = put(seen, state.layout.sites, state.covers)
        if family.stairs:
            seen = put(seen, state.layout.goal, Tile.STAIRS_DOWN)
        if family.kinds:
            pictures = np.zeros(len(Kind), np.uint8)
            pictures[list(OBJECTS)] = list(OBJECTS.values())
            seen = put(seen, state.item, jnp.asarray(pictures)[state.layout.kind])
        if state.boulders.size:
            seen = put(seen, state.boulders, Tile.BOULDER)
        if rules.pack is not None:
            seen = put(seen, state.monsters, rules.pack.tile)
        return seen

    def _seen(
        self, state: RoomsState, cells: Int32[Array, " *n"]
    ) -> Int32[Array, " *n"]:
        """Where these cells of the map are among those seen; beyond them: not."""
        if not self.view:
            return cells
        across, half = self.world.shape[1], self.view // 2
        row, column = self._place(state)
        rows, columns = cells // across - row + half, cells % across - column + half
        inside = (rows >= 0) & (rows < self.view)
        inside &= (columns >= 0) & (columns < self.view)
        return jnp.where(inside, rows * self.view + columns, self.view * self.view)

    def _place(
        self, state: RoomsState
    ) -> tuple[Int32[Array, ""], Int32[Array, ""]]:
        """The agent's row and column in the map."""
        width = self.world.shape[1]
        return state.cell // width, state.cell % width

    def codes(self, state: RoomsState) -> UInt8[Array, " numbers"]:
        """What the planes show, in few bytes: codes of cells, row by row, then `FACTS`.

        A code is a place in `shown`, or one more for a cell that shows nothing. Facts
        that the planes do not show are 0.
        """
        row, column = self._place(state) if self.placed else (0, 0)
        weak = state.health <= LOW if self.weakens else False
        facts = (row, column, state.held, state.floating, weak, state.prompt)
        told = jnp.stack([jnp.asarray(fact).astype(jnp.uint8) for fact in facts])
        return jnp.concatenate([self._window(state), told])

    def expand(
        self, codes: UInt8[Array, " numbers"]
    ) -> UInt8[Array, "height width channels"]:
        """The planes of `codes`.

        All is put in place by scatters, whose results XLA keeps; what is worked out
        with `where` it would repeat for every byte, three times as slow on a CPU.
        """
        cells, facts = codes[: -len(FACTS)], codes[-len(FACTS) :].astype(jnp.int32)
        row, column, held, floats, weak, prompt = facts
        flags = [jnp.asarray(self.world.family.kinds, jnp.int32) == held]
        flags += [floats[None]] if self.floats else []
        flags += [weak[None]] if self.weakens else []
        flags += [jnp.asarray(self.prompts, jnp.int32) == prompt]
        flags += [gray(at, bits) for at, bits in zip((row, column), self.bits)]
        everywhere = jnp.concatenate([flag.astype(jnp.uint8) for flag in flags])
        height, width, channels = self.shape
        last = np.arange(len(self.shown) + 1, channels)
        rows = jnp.asarray(self.rows).at[:, last].set(everywhere)
        planes = rows.at[cells].get(mode="promise_in_bounds")
        middle = (height * width) // 2
        place = middle if self.view else row * width + column
        return planes.at[place, len(self.shown)].set(1).reshape(self.shape)


def gray(number: Int32[Array, ""], bits: int) -> Int32[Array, " bits"]:
    """The reflected binary code, lowest bit first; neighbours differ in one bit."""
    return ((number ^ (number >> 1)) >> jnp.arange(bits)) & 1
