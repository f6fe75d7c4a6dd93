"""Rooms as tables: what every action does in every state, for exact values.

A state is a cell and a stage. In a MultiRoom the stage is the number of doors that are
open: the rooms are a chain and no door closes, so that door k can only be opened when
all before it are. In a KeyRoom it is 0 while the key lies there, 1 when it is held,
and 2 when the door is open. That is all of `rooms.Rooms` but its clock (`max_steps`),
the monsters, and -0.01 for an action in which no turn passes: no best plan takes one.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int32

from rl_credit.envs.grid.render import Tile
from rl_credit.envs.grid.rooms import Rooms
from rl_credit.envs.grid.rooms_moves import OPENS
from rl_credit.envs.grid.rooms_state import Layout
from rl_credit.envs.grid.rooms_words import DIRECTIONS, Kind, Message
from rl_credit.types import record

LOST = -1  # no state: the episode ends
Columns = tuple[np.ndarray, ...]  # ahead, chance, says, paid: [stages, cells, actions]


@record
class Model:
    """A level as a Markov decision process; states are stage * cells + cell.

    Action a of state s leads to `ahead` with probability `chance`, saying `says`; else
    the agent stays in s and hears "The door resists!".
    """

    ahead: Int32[Array, "... states actions"]  # LOST: the episode ends there
    chance: Float[Array, "... states actions"]
    says: Int32[Array, "... states actions"]  # a `Message`
    paid: Bool[Array, "... states actions"]  # with 1: the staircase is reached
    start: Int32[Array, "..."]  # state


def check(env: Rooms) -> None:
    """Raises ValueError for a task that has more to it than these tables hold."""
    rules, family = env.world.rules, env.world.family
    known = {Tile.DOOR_OPEN, Tile.DOOR_CLOSED}
    if rules.unlocks:
        known |= {Tile.DOOR_LOCKED}
    if (
        rules.pack is not None
        or rules.wins is not None
        or not set(family.covers) <= known
        or set(family.kinds) - {Kind.KEY}
        or set(rules.actions) - {*DIRECTIONS, "pickup", "apply"}
        or np.isin(family.maps, (Tile.WATER, Tile.BOULDER)).any()
    ):
        raise ValueError(
            f"{env.name!r} cannot be tabulated; give a MultiRoom whose doors are open "
            "or closed and that has no monsters, a LavaCrossing, or a KeyRoom"
        )


def models(env: Rooms, levels: np.ndarray) -> Model:
    """The tables of these levels; raises ValueError as `check` does."""
    check(env)
    layouts = jax.device_get(jax.vmap(env.world.family.draw)(jnp.asarray(levels)))
    each = [
        _model(env, jax.tree.map(lambda leaf: leaf[place], layouts))
        for place in range(len(levels))
    ]
    return Model(
        **{name: jnp.asarray(np.stack([one[name] for one in each])) for name in each[0]}
    )


def _model(env: Rooms, layout: Layout) -> dict[str, np.ndarray]:
    """The fields of one level."""
    flat = env.world.family.maps[int(layout.chart)].reshape(-1)
    key = env.world.rules.unlocks
    stages = 3 if key else 1 + layout.sites.size
    tiles = np.stack([_tiles(flat, layout, stage, key) for stage in range(stages)])
    states = np.arange(tiles.size, dtype=np.int32).reshape(tiles.shape)
    parts = [_moves(tiles, env.world.offsets, layout, states)]
    if key:
        parts += [_pickup(layout, states), _apply(layout, states, env.world.shape)]
    ahead, chance, says, paid = (
        np.concatenate(columns, axis=-1).reshape(tiles.size, -1)
        for columns in zip(*parts)
    )
    return dict(
        ahead=ahead.astype(np.int32),
        chance=chance.astype(np.float32),
        says=says.astype(np.int32),
        paid=paid.astype(bool),
        start=np.asarray(layout.start, np.int32),
    )


def _tiles(flat: np.ndarray, layout: Layout, stage: int, key: bool) -> np.ndarray:
    """The tile of every cell at a stage."""
    tiles = flat.copy()
    for place, (site, cover) in enumerate(zip(layout.sites, layout.covers)):
        opened = stage == 2 if key else place < stage
        tiles[int(site)] = Tile.DOOR_OPEN if opened else int(cover)
    return tiles


def _moves(
    tiles: np.ndarray, offsets: np.ndarray, layout: Layout, states: np.ndarray
) -> Columns:
    """Of the compass.

    The cases are those of `rooms_moves.move`, a later one giving way to an earlier. The
    border of a map blocks, so that to reach over it is of no account.
    """
    stages, cells = tiles.shape
    aheads = (np.arange(cells)[:, None] + np.asarray(offsets)[:8]) % cells
    tile, here = tiles[:, aheads], tiles[:, :, None]
    diagonal = np.arange(8) >= 4
    closed = tile == Tile.DOOR_CLOSED
    stage = np.arange(stages)[:, None, None]
    sites = [int(site) for site in layout.sites]
    due = np.array([*sites, -1] + [-1] * stages)[:stages]
    opens = closed & (aheads[None] == due[:, None, None])
    seen = (stage == 0) & (aheads == int(layout.item)) & (int(layout.item) > 0)
    cases = [
        (tile == Tile.WALL, Message.WALL),
        (tile == Tile.UNSEEN, Message.STONE),
        (opens, Message.DOOR_OPENS),
        (closed, Message.DOOR_RESISTS),
        (tile == Tile.DOOR_LOCKED, Message.DOOR_LOCKED),
        (diagonal & (tile == Tile.DOOR_OPEN), Message.DIAGONAL_IN),
        (diagonal & (here == Tile.DOOR_OPEN), Message.DIAGONAL_OUT),
    ]
    barred = np.any([holds for holds, _ in cases], axis=0)
    burns = ~barred & (tile == Tile.LAVA)
    cases += [(burns, Message.LAVA_BURNS), (seen, Message.SEE_KEY)]
    says = np.select([holds for holds, _ in cases], [int(m) for _, m in cases], 0)
    paid = ~barred & ~burns & (aheads == int(layout.goal))
    ahead = np.where(barred, states[:, :, None], stage * cells + aheads)
    ahead = np.where(opens, states[:, :, None] + cells, ahead)
    ahead = np.where(burns | paid, LOST, ahead)
    return ahead, np.where(opens, OPENS, 1.0), says, paid


def _pickup(layout: Layout, states: np.ndarray) -> Columns:
    """Only the key can be taken."""
    ahead, says = states.copy(), np.full(states.shape, int(Message.NOTHING_HERE))
    item = int(layout.item)
    ahead[0, item], says[0, item] = states[1, item], Message.GOT_KEY
    says[:, int(layout.start)] = Message.STAIRS_FIXED
    return _told(ahead, says)


def _apply(layout: Layout, states: np.ndarray, shape: tuple[int, int]) -> Columns:
    """With the key, opens a door beside the agent."""
    ahead, says = states.copy(), np.full(states.shape, int(Message.NEVER_MIND))
    place = np.stack(np.unravel_index(np.arange(states.shape[1]), shape))
    door = np.stack(np.unravel_index(int(layout.sites[0]), shape))[:, None]
    beside = np.abs(place - door).max(0) <= 1
    ahead[1] = np.where(beside, states[2], states[1])
    says[1] = np.where(beside, int(Message.DOOR_OPENS), says[1])
    return _told(ahead, says)


def _told(ahead: np.ndarray, says: np.ndarray) -> Columns:
    sure, unpaid = np.ones(ahead.shape), np.zeros(ahead.shape, bool)
    return ahead[..., None], sure[..., None], says[..., None], unpaid[..., None]
