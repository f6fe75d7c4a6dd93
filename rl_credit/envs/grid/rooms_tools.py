"""Objects: picked up, worn or drunk, zapped, and turned in a lock."""

import dataclasses

import jax.numpy as jnp
from jaxtyping import Array, Int32, UInt32

from rl_credit.envs.grid.render import Tile
from rl_credit.envs.grid.rooms_moves import said
from rl_credit.envs.grid.rooms_state import Outcome, RoomsState, World, pick
from rl_credit.envs.grid.rooms_words import Kind, Message

SHORTEST, REACHES = 7, 7  # a ray goes 7 to 13 cells
LONGEST = SHORTEST + REACHES - 1


def pick_up(
    world: World,
    state: RoomsState,
    action: Int32[Array, ""],
    bits: UInt32[Array, " words"],
) -> Outcome:
    """Takes the object from the floor, which takes a turn."""
    here = (state.item == state.cell) & (state.item > 0)
    message = said(
        (here, Message.GOT_KEY - 1 + state.layout.kind),
        (state.cell == state.layout.start, Message.STAIRS_FIXED),
        (jnp.bool_(True), Message.NOTHING_HERE),
    )
    after = dataclasses.replace(
        state,
        item=jnp.where(here, 0, state.item),
        held=jnp.where(here, state.layout.kind, state.held),
        message=message,
    )
    return Outcome(after, here, jnp.bool_(False))


def float_up(
    world: World,
    state: RoomsState,
    action: Int32[Array, ""],
    bits: UInt32[Array, " words"],
) -> Outcome:
    """Levitates to the end of the episode; the object is drunk or worn."""
    after = dataclasses.replace(
        state, held=jnp.int32(Kind.NOTHING), floating=jnp.bool_(True)
    )
    return Outcome(after, jnp.bool_(True), jnp.bool_(False))


def zap(
    world: World,
    state: RoomsState,
    action: Int32[Array, ""],
    bits: UInt32[Array, " words"],
) -> Outcome:
    """A ray of 7 to 13 cells (NetHack: `rn1(7, 7)`): freezes lava, or kills.

    At a wall it bounces straight back, where it costs a cell more (NetHack also bends
    it in corners); a ray that comes back to the agent kills it: a death ray always
    does, and a bolt of cold (6d6) kills a caveman of 16 hit points 9 times in 10.
    """
    reach = SHORTEST + pick(bits[0], REACHES)
    steps = jnp.arange(1, LONGEST + 1, dtype=jnp.int32)
    cells = state.cell + steps * jnp.asarray(world.offsets)[action]
    last = world.shape[0] * world.shape[1] - 1
    tiles = world.look(state, jnp.clip(cells, 0, last))
    solid = world.among(tiles, Tile.WALL, Tile.UNSEEN)
    wall = jnp.min(jnp.where(solid, steps, LONGEST + 1))
    lit = (steps < wall) & (steps <= reach)
    bounces, returns = wall <= reach, 2 * wall <= reach
    if world.rules.deadly:
        hit = jnp.any((state.monsters[:, None] == cells[None]) & lit[None], axis=1)
        monsters = jnp.where(hit, 0, state.monsters)
        message = said(
            (jnp.any(hit & (state.monsters > 0)), Message.KILL_MINOTAUR),
            (returns, Message.YOU_DIE),
            (bounces, Message.RAY_BOUNCES),
        )
        after = dataclasses.replace(state, monsters=monsters, message=message)
        return Outcome(after, jnp.bool_(True), returns)
    ray = jnp.any((state.layout.sites[:, None] == cells[None]) & lit[None], axis=1)
    frozen = ray & (state.covers == Tile.LAVA)
    wins = world.rules.wins is Message.BOLT_BOUNCES
    dead = returns & (not wins)
    message = said(
        (dead, Message.YOU_DIE),
        (jnp.any(frozen), Message.LAVA_COOLS),
        (bounces, Message.BOLT_BOUNCES),
    )
    covers = jnp.where(frozen, jnp.uint8(Tile.FLOOR), state.covers)
    after = dataclasses.replace(state, covers=covers, message=message)
    return Outcome(after, jnp.bool_(True), dead)


def unlock(
    world: World,
    state: RoomsState,
    action: Int32[Array, ""],
    bits: UInt32[Array, " words"],
) -> Outcome:
    """With the key, unlocks and opens the doors beside the agent in one action.

    MiniHack plays the questions, the turning and the pulling inside one step, until the
    door is open; without key or door it says "Never mind." and no turn passes.
    """
    width = world.shape[1]
    rows = jnp.abs(state.layout.sites // width - state.cell // width)
    columns = jnp.abs(state.layout.sites % width - state.cell % width)
    shut = world.among(state.covers, Tile.DOOR_CLOSED, Tile.DOOR_LOCKED)
    held = state.held == Kind.KEY
    turned = (jnp.maximum(rows, columns) <= 1) & shut & held
    opens = jnp.any(turned)
    after = dataclasses.replace(
        state,
        covers=jnp.where(turned, jnp.uint8(Tile.DOOR_OPEN), state.covers),
        message=said(
            (opens, Message.DOOR_OPENS), (jnp.bool_(True), Message.NEVER_MIND)
        ),
    )
    return Outcome(after, opens, jnp.bool_(False))
