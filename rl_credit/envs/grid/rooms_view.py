"""What the agent sees: planes of zeros and ones."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, UInt8

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
    map hold: carrying an object, levitating, few hit points, the question that waits.
    """

    def __init__(self, world: World, prompts: tuple[Prompt, ...], view: int):
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
        self.channels = (
            *(tile.name.lower() for tile in self.shown),
            "agent",
            *(f"carries_{kind.name.lower()}" for kind in family.kinds),
            *(["levitates"] if self.floats else []),
            *(["weak"] if self.weakens else []),
            *(f"asked_{prompt.name.lower()}" for prompt in prompts),
        )
        self.rows = np.zeros((2, CODES, len(self.channels)), np.uint8)
        self.rows[:, self.shown, range(len(self.shown))] = 1
        self.rows[1, :, len(self.shown)] = 1  # where the agent stands
        height, width = (view, view) if view else world.shape
        self.shape = (height, width, len(self.channels))

    def tiles(self, state: RoomsState) -> UInt8[Array, "height width"]:
        """The uppermost tile of every cell, without the agent."""
        family, rules = self.world.family, self.world.rules
        height, width = self.world.shape
        maps = jnp.asarray(family.maps.reshape(-1, height * width))
        seen = maps[state.layout.chart]
        cells = jnp.arange(height * width, dtype=jnp.int32)

        def put(seen: Array, where: Array, tile: Array | Tile) -> Array:
            return jnp.where(cells == where, jnp.uint8(tile), seen)

        for site in range(state.covers.size):
            seen = put(seen, state.layout.sites[site], state.covers[site])
        if family.stairs:
            seen = put(seen, state.layout.goal, Tile.STAIRS_DOWN)
        if family.kinds:
            pictures = np.zeros(len(Kind), np.uint8)
            pictures[list(OBJECTS)] = list(OBJECTS.values())
            lies = jnp.where(state.item > 0, state.item, -1)
            seen = put(seen, lies, jnp.asarray(pictures)[state.layout.kind])
        for cell in state.boulders:
            seen = put(seen, jnp.where(cell > 0, cell, -1), Tile.BOULDER)
        for cell in state.monsters:
            assert rules.pack is not None
            seen = put(seen, jnp.where(cell > 0, cell, -1), rules.pack.tile)
        return seen.reshape(height, width)

    def __call__(self, state: RoomsState) -> UInt8[Array, "height width channels"]:
        """The observation, uint8 of zeros and ones."""
        codes, agent = self._window(state)
        held = jnp.asarray(self.world.family.kinds, jnp.int32) == state.held
        asked = jnp.asarray(self.prompts, jnp.int32) == state.prompt
        flags = [jnp.zeros(len(self.shown) + 1, bool), held]
        flags += [state.floating[None]] if self.floats else []
        flags += [(state.health <= LOW)[None]] if self.weakens else []
        everywhere = jnp.concatenate([*flags, asked])
        rows = jnp.asarray(self.rows) | everywhere.astype(jnp.uint8)[None, None]
        return rows[agent.astype(jnp.uint8), codes]  # twice as fast as ==

    def _window(
        self, state: RoomsState
    ) -> tuple[UInt8[Array, "height width"], Bool[Array, "height width"]]:
        """The tiles that are seen, and where the agent is among them."""
        codes = self.tiles(state)
        height, width = self.world.shape
        if not self.view:
            cells = jnp.arange(height * width, dtype=jnp.int32)
            return codes, (cells == state.cell).reshape(height, width)
        half = self.view // 2
        padded = jnp.pad(codes, half, constant_values=np.uint8(Tile.UNSEEN))
        row, column = state.cell // width, state.cell % width
        side = (self.view, self.view)
        window = jax.lax.dynamic_slice(padded, (row, column), side)
        middle = np.zeros((self.view, self.view), bool)
        middle[half, half] = True
        return window, jnp.asarray(middle)
