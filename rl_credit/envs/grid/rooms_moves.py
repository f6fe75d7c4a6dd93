"""Walking, doors and boulders: what happens in the cell ahead.

Chances that stand for NetHack's: a closed door opens with 13/20 and breaks under a kick
with 13/35 (`rnl(20)` and `rnl(35)` below the mean of strength, dexterity and
constitution, 15 for a rogue of MiniHack, less an allowance for luck and the spread of
characters; minihack_probe.json has 17 of 29 and 1 of 4). A kicked wall costs 1 to 5 hit
points. A search finds each hidden door beside the agent with 1/7, a passage with 1/3. A
boulder fills water with 9/10.
"""

import dataclasses

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int32, UInt8, UInt32

from rl_credit.envs.grid.render import Tile
from rl_credit.envs.grid.rooms_state import (
    Outcome,
    RoomsState,
    World,
    chance,
    pick,
)
from rl_credit.envs.grid.rooms_words import Message

OPENS, BREAKS, FILLS = 13 / 20, 13 / 35, 9 / 10
FINDS = {Tile.WALL: 1 / 7, Tile.UNSEEN: 1 / 3}


def cover(
    state: RoomsState, cell: Int32[Array, ""], tile: Tile, where: Bool[Array, ""]
) -> UInt8[Array, " sites"]:
    """The covers, with `tile` at this cell where `where`."""
    here = (state.layout.sites == cell) & where
    return jnp.where(here, jnp.uint8(tile), state.covers)


def said(*cases: tuple[Bool[Array, ""], int | Int32[Array, ""]]) -> Int32[Array, ""]:
    """The message of the first case that holds; silence if none does."""
    message = jnp.int32(Message.SILENCE)
    for holds, text in reversed(cases):
        message = jnp.where(holds, jnp.asarray(text, jnp.int32), message)
    return message


def move(
    world: World,
    state: RoomsState,
    action: Int32[Array, ""],
    bits: UInt32[Array, " words"],
) -> Outcome:
    """One step of the compass, which also pushes, opens and fights.

    A closed door opens from any side, also diagonally, as NetHack's autoopen has it.
    Into or out of an open door there is no diagonal step. Water throws the agent back
    to where it was (NetHack: to any dry cell beside it).
    """
    ahead = state.cell + jnp.asarray(world.offsets)[action]
    tile, here = world.look(state, jnp.stack([ahead, state.cell]))
    fought, fights, blow = _fight(world, state, ahead, bits)
    closed = world.among(tile, Tile.DOOR_CLOSED)
    opens = closed & ~fights & chance(bits[0], OPENS)
    bars, why = _bars(world, action, tile, here, opens)
    stepped, pushed, stuck = _push(world, fought, ahead, action, bits, bars | fights)
    enters = ~(bars | fights | stuck)
    lava = enters & world.among(tile, Tile.LAVA) & ~state.floating
    water = enters & world.among(tile, Tile.WATER) & ~state.floating
    arrives = enters & ~water
    cell = jnp.where(arrives, ahead, state.cell)
    finds = arrives & (state.item == cell) & (state.item > 0)
    message = said(
        (fights, blow),
        (bars, why),
        (stuck, Message.BOULDER_STUCK),
        (lava, Message.LAVA_BURNS),
        (water, Message.FALL_IN_WATER),
        (finds, Message.SEE_KEY - 1 + state.layout.kind),
        (pushed > 0, pushed),
    )
    covers = cover(stepped, ahead, Tile.DOOR_OPEN, opens)
    after = dataclasses.replace(stepped, cell=cell, covers=covers, message=message)
    return Outcome(after, fights | closed | enters, lava)


def _fight(
    world: World,
    state: RoomsState,
    ahead: Int32[Array, ""],
    bits: UInt32[Array, " words"],
) -> tuple[RoomsState, Bool[Array, ""], Int32[Array, ""]]:
    """The state after a blow at a monster ahead, if there is one; what is said."""
    pack = world.rules.pack
    if pack is None:
        return state, jnp.bool_(False), jnp.int32(0)
    foe = state.monsters == ahead
    falls = chance(bits[1], pack.falls)
    monsters = jnp.where(foe & falls, 0, state.monsters)
    blow = jnp.where(falls, jnp.int32(pack.kill), jnp.int32(pack.miss))
    return dataclasses.replace(state, monsters=monsters), jnp.any(foe), blow


def _bars(
    world: World,
    action: Int32[Array, ""],
    tile: UInt8[Array, ""],
    here: UInt8[Array, ""],
    opens: Bool[Array, ""],
) -> tuple[Bool[Array, ""], Int32[Array, ""]]:
    """Whether walls or doors keep the agent where it is, and what is said of them."""
    stops = world.among(tile, Tile.WALL, Tile.UNSEEN)
    closed = world.among(tile, Tile.DOOR_CLOSED)
    locked = world.among(tile, Tile.DOOR_LOCKED)
    diagonal = action >= 4
    into = diagonal & world.among(tile, Tile.DOOR_OPEN)
    out = diagonal & world.among(here, Tile.DOOR_OPEN)
    message = said(
        (world.among(tile, Tile.WALL), Message.WALL),
        (stops, Message.STONE),
        (opens, Message.DOOR_OPENS),
        (closed, Message.DOOR_RESISTS),
        (locked, Message.DOOR_LOCKED),
        (into, Message.DIAGONAL_IN),
        (out, Message.DIAGONAL_OUT),
    )
    return stops | closed | locked | into | out, message


def _push(
    world: World,
    state: RoomsState,
    ahead: Int32[Array, ""],
    action: Int32[Array, ""],
    bits: UInt32[Array, " words"],
    barred: Bool[Array, ""],
) -> tuple[RoomsState, Int32[Array, ""], Bool[Array, ""]]:
    """The state after a boulder ahead has rolled; what is said; whether it is stuck."""
    if not state.boulders.size:
        return state, jnp.int32(0), jnp.bool_(False)
    mine = (state.boulders == ahead) & ~barred
    beyond = ahead + jnp.asarray(world.offsets)[action]
    tile = world.look(state, beyond)
    blocked = jnp.any(state.boulders == beyond)
    free = world.among(tile, Tile.FLOOR, Tile.WATER) & ~blocked
    rolls = jnp.any(mine) & free
    wet = rolls & world.among(tile, Tile.WATER)
    fills = wet & chance(bits[2], FILLS)
    place = jnp.where(wet, 0, beyond)
    after = dataclasses.replace(
        state,
        boulders=jnp.where(mine & rolls, place, state.boulders),
        covers=cover(state, beyond, Tile.FLOOR, fills),
    )
    message = said(
        (fills, Message.BOULDER_FILLS),
        (wet, Message.BOULDER_SINKS),
        (rolls, Message.BOULDER_MOVES),
    )
    return after, message, jnp.any(mine) & ~free


def open_door(
    world: World,
    state: RoomsState,
    action: Int32[Array, ""],
    bits: UInt32[Array, " words"],
) -> Outcome:
    """Pulls at a door; only a closed one takes a turn."""
    ahead = state.cell + jnp.asarray(world.offsets)[action]
    tile = world.look(state, ahead)
    closed = world.among(tile, Tile.DOOR_CLOSED)
    opens = closed & chance(bits[0], OPENS)
    message = said(
        (opens, Message.DOOR_OPENS),
        (closed, Message.DOOR_RESISTS),
        (world.among(tile, Tile.DOOR_LOCKED), Message.DOOR_LOCKED),
        (world.among(tile, Tile.DOOR_OPEN), Message.DOOR_IS_OPEN),
        (world.among(tile, Tile.DOOR_BROKEN), Message.DOOR_BROKEN),
        (jnp.bool_(True), Message.NO_DOOR),
    )
    covers = cover(state, ahead, Tile.DOOR_OPEN, opens)
    after = dataclasses.replace(state, covers=covers, message=message)
    return Outcome(after, closed, jnp.bool_(False))


def kick(
    world: World,
    state: RoomsState,
    action: Int32[Array, ""],
    bits: UInt32[Array, " words"],
) -> Outcome:
    """Kicks a door in, hurts itself at a wall, or kicks at empty space."""
    ahead = state.cell + jnp.asarray(world.offsets)[action]
    tile = world.look(state, ahead)
    door = world.among(tile, Tile.DOOR_CLOSED, Tile.DOOR_LOCKED)
    wall = world.among(tile, Tile.WALL, Tile.UNSEEN)
    breaks = door & chance(bits[0], BREAKS)
    message = said(
        (breaks, Message.KICK_OPENS),
        (door, Message.KICK_WHAMM),
        (wall, Message.KICK_HURTS),
        (jnp.bool_(True), Message.KICK_EMPTY),
    )
    health = state.health - jnp.where(wall, 1 + pick(bits[1], 5), 0)
    covers = cover(state, ahead, Tile.DOOR_BROKEN, breaks)
    after = dataclasses.replace(state, covers=covers, message=message, health=health)
    return Outcome(after, jnp.bool_(True), health <= 0)


def search(
    world: World,
    state: RoomsState,
    action: Int32[Array, ""],
    bits: UInt32[Array, " words"],
) -> Outcome:
    """Looks for what is hidden beside the agent; takes a turn.

    A site that shows a wall hides a door, and one that shows stone a passage; both are
    sought with one word of chance, so a search finds all of a sort or none.
    """
    width = world.shape[1]
    rows = jnp.abs(state.layout.sites // width - state.cell // width)
    columns = jnp.abs(state.layout.sites % width - state.cell % width)
    near = jnp.maximum(rows, columns) <= 1
    door = near & (state.covers == Tile.WALL) & chance(bits[0], FINDS[Tile.WALL])
    path = near & (state.covers == Tile.UNSEEN) & chance(bits[1], FINDS[Tile.UNSEEN])
    covers = jnp.where(door, jnp.uint8(Tile.DOOR_CLOSED), state.covers)
    covers = jnp.where(path, jnp.uint8(Tile.CORRIDOR), covers)
    message = said(
        (jnp.any(door), Message.FIND_DOOR), (jnp.any(path), Message.FIND_PASSAGE)
    )
    after = dataclasses.replace(state, covers=covers, message=message)
    return Outcome(after, jnp.bool_(True), jnp.bool_(False))
