"""What the agent sees: planes of zeros and ones."""

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
        self.codes = np.full(CODES, len(self.shown), np.uint8)  # of each tile
        self.codes[self.shown] = range(len(self.shown))
        self.rows = np.zeros((len(self.shown) + 1, len(self.channels)), np.uint8)
        np.fill_diagonal(self.rows[:-1], 1)
        height, width = (view, view) if view else world.shape
        self.shape = (height, width, len(self.channels))

    def tiles(self, state: RoomsState) -> UInt8[Array, "height width"]:
        """The uppermost tile of every cell, without the agent."""
        shown = jnp.asarray(self.shown, jnp.uint8)
        return shown[self._uppermost(state)].reshape(self.world.shape)

    def _uppermost(self, state: RoomsState) -> UInt8[Array, " cells"]:
        """The uppermost tile of every cell, by its code: its place in `shown`."""
        family, rules = self.world.family, self.world.rules
        codes = jnp.asarray(self.codes)
        maps = self.codes[family.maps].reshape(len(family.maps), -1)
        seen = jnp.asarray(maps)[state.layout.chart]

        def put(seen: Array, cells: Array, tile: Array | Tile) -> Array:
            where = jnp.where(cells > 0, cells, seen.size)  # 0, a corner, means none
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

    def __call__(self, state: RoomsState) -> UInt8[Array, "height width channels"]:
        """The observation, uint8 of zeros and ones.

        All is put in place by scatters, whose results XLA keeps; what is worked out
        with `where` it would repeat for every byte, three times as slow on a CPU.
        """
        codes, row, column = self._window(state)
        planes = self._rows(state).at[codes].get(mode="promise_in_bounds")
        return planes.at[row, column, len(self.shown)].set(1)

    def _rows(self, state: RoomsState) -> UInt8[Array, "codes channels"]:
        """What a cell of each code shows, without the agent; the last shows no tile."""
        held = jnp.asarray(self.world.family.kinds, jnp.int32) == state.held
        asked = jnp.asarray(self.prompts, jnp.int32) == state.prompt
        flags = [held]
        flags += [state.floating[None]] if self.floats else []
        flags += [(state.health <= LOW)[None]] if self.weakens else []
        where = [gray(at, bits) for at, bits in zip(self._place(state), self.bits)]
        everywhere = jnp.concatenate([*flags, asked, *where]).astype(jnp.uint8)
        channels = np.arange(len(self.shown) + 1, len(self.channels))
        return jnp.asarray(self.rows).at[:, channels].set(everywhere)

    def _place(
        self, state: RoomsState
    ) -> tuple[Int32[Array, ""], Int32[Array, ""]]:
        """The agent's row and column in the map."""
        width = self.world.shape[1]
        return state.cell // width, state.cell % width

    def _window(
        self, state: RoomsState
    ) -> tuple[UInt8[Array, "height width"], int | Array, int | Array]:
        """The codes of what is seen; the agent's row and column in it."""
        height, width = self.world.shape
        codes = self._uppermost(state).reshape(height, width)
        row, column = self._place(state)
        if not self.view:
            return codes, row, column
        half = self.view // 2
        padded = jnp.pad(codes, half, constant_values=self.codes[Tile.UNSEEN])
        side = (self.view, self.view)
        return jax.lax.dynamic_slice(padded, (row, column), side), half, half


def gray(number: Int32[Array, ""], bits: int) -> Int32[Array, " bits"]:
    """The reflected binary code, lowest bit first; neighbours differ in one bit."""
    return ((number ^ (number >> 1)) >> jnp.arange(bits)) & 1
