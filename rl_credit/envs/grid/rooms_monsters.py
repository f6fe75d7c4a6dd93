"""Monsters: each chases an agent that it is near enough to see, and bites beside it.

A simple rule in place of NetHack's. In every turn of the agent, one after the other: a
monster beside the agent hits with the chance of its pack; one that sees the agent takes
a king's step towards it, straight or diagonal, else along one axis, if the cell is
free floor, corridor or open door (no diagonal steps at doors); else it waits.
"""

import dataclasses

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int32, UInt32

from rl_credit.envs.grid.render import Tile
from rl_credit.envs.grid.rooms_state import (
    Outcome,
    Pack,
    RoomsState,
    World,
    chance,
    pick,
)
from rl_credit.envs.grid.rooms_words import Message

NEWTS = Pack(
    tile=Tile.MONSTER,
    sight=8,
    bites=0.5,
    damage=2,
    haste=0.0,
    falls=0.6,
    kill=Message.KILL_NEWT,
    miss=Message.MISS_NEWT,
    bite=Message.NEWT_BITES,
)
MINOTAUR = Pack(
    tile=Tile.MINOTAUR,
    sight=99,
    bites=1.0,  # level 15 hits armour class 8 always
    damage=99,  # 3d10 + 3d10 + 2d8 against 16 hit points
    haste=0.25,  # speed 15 against the agent's 12
    falls=0.0,
    kill=Message.KILL_MINOTAUR,
    miss=Message.MISS_MINOTAUR,
    bite=Message.MINOTAUR_BUTTS,
)


def words(pack: Pack, count: int) -> int:
    """How many random words a turn of this many monsters uses."""
    return (3 if pack.haste else 2) * count


def turn(world: World, outcome: Outcome, bits: UInt32[Array, " words"]) -> Outcome:
    """The monsters' turn, where the agent's took one and it lives."""
    pack = world.rules.pack
    assert pack is not None
    state, goes = outcome.state, outcome.turn & ~outcome.dead
    count = state.monsters.size
    for one in range(count):
        mine = bits[one::count]
        state = _act(world, pack, state, one, mine[:2], goes)
        if pack.haste:
            again = goes & chance(mine[2], pack.haste) & (state.health > 0)
            state = _act(world, pack, state, one, mine[:2], again)
    return dataclasses.replace(
        outcome, state=state, dead=outcome.dead | (state.health <= 0)
    )


def _act(
    world: World,
    pack: Pack,
    state: RoomsState,
    one: int,
    bits: UInt32[Array, " 2"],
    goes: Bool[Array, ""],
) -> RoomsState:
    """A monster bites, or takes a step."""
    width = world.shape[1]
    cell = state.monsters[one]
    rows = state.cell // width - cell // width
    columns = state.cell % width - cell % width
    distance = jnp.maximum(jnp.abs(rows), jnp.abs(columns))
    acts = goes & (cell > 0)
    bites = acts & (distance == 1) & chance(bits[0], pack.bites)
    loss = jnp.where(bites, 1 + pick(bits[1], pack.damage), 0)
    if pack.damage > 12:
        loss = jnp.where(bites, pack.damage, 0)
    chases = acts & (distance > 1) & (distance <= pack.sight)
    place = _step(world, state, cell, jnp.sign(rows) * width, jnp.sign(columns))
    return dataclasses.replace(
        state,
        monsters=state.monsters.at[one].set(jnp.where(chases, place, cell)),
        health=state.health - loss,
        message=jnp.where(bites, jnp.int32(pack.bite), state.message),
    )


def _step(
    world: World,
    state: RoomsState,
    cell: Int32[Array, ""],
    vertical: Int32[Array, ""],
    horizontal: Int32[Array, ""],
) -> Int32[Array, ""]:
    """Where a chasing monster goes: the first free of diagonal, column and row."""
    steps = jnp.stack([vertical + horizontal, vertical, horizontal, jnp.int32(0)])
    cells = cell + steps
    tiles = world.look(state, cells)
    ground = world.among(
        tiles, Tile.FLOOR, Tile.CORRIDOR, Tile.DOOR_OPEN, Tile.DOOR_BROKEN
    )
    slants = (vertical != 0) & (horizontal != 0)
    door = (tiles[0] == Tile.DOOR_OPEN) | (tiles[3] == Tile.DOOR_OPEN)
    taken = jnp.any(cells[:, None] == state.monsters[None], axis=1)
    free = ground & ~taken & (cells != state.cell)
    free = free.at[0].set(free[0] & ~(slants & door)).at[3].set(True)
    return cells[jnp.argmax(free)]
