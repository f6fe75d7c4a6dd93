"""Crosses the River: searches pushes of one boulder, the others in the way."""

import collections

from rl_credit.envs.grid.render import Tile
from rl_credit.envs.grid.rooms_words import COMPASS
from tests.envs.grid.rooms_oracle import STEPS, first_step


def cross(player, limit=60):
    """Fills water until there is a way, then walks it."""
    goal = player.place(player.state.layout.goal)
    for _ in range(limit):
        here = player.place(player.state.cell)
        if player.over:
            return
        if first_step(clear(player), here, goal, {Tile.FLOOR}) is not None:
            follow(player, goal)
            continue
        pushes = plan(player)
        if pushes is None:
            return
        player.act(*(COMPASS[step] for step in pushes))


def clear(player):
    """The tiles, with boulders as walls."""
    ground = player.ground
    for boulder in player.state.boulders:
        if int(boulder):
            ground[player.place(boulder)] = Tile.WALL
    return ground


def follow(player, goal):
    """Walks around boulders."""
    while not player.over:
        here = player.place(player.state.cell)
        step = first_step(clear(player), here, goal, {Tile.FLOOR})
        player.act(COMPASS[step])


def plan(player):
    """The shortest steps after which a boulder sinks in the first water of row 3."""
    plans = []
    for boulder in player.state.boulders:
        if int(boulder):
            ground = clear(player)
            place = player.place(boulder)
            ground[place] = Tile.FLOOR
            steps = search(ground, player.place(player.state.cell), place)
            plans += [steps] if steps else []
    return min(plans, key=len, default=None)


def search(ground, here, boulder, row=3):
    """Breadth first over (agent, boulder)."""
    before = {(here, boulder): ()}
    queue = collections.deque(before)
    while queue:
        state = queue.popleft()
        for number, (down, along) in enumerate(STEPS):
            agent = state[0][0] + down, state[0][1] + along
            if ground[agent] != Tile.FLOOR:
                continue
            moved = state[1]
            if agent == moved:
                moved = moved[0] + down, moved[1] + along
                if ground[moved] == Tile.WATER and moved[0] == row:
                    return (*before[state], number)
                if ground[moved] != Tile.FLOOR:
                    continue
            if (agent, moved) not in before:
                before[agent, moved] = (*before[state], number)
                queue.append((agent, moved))
    return None
