"""A player of the rooms that knows everything: shortest ways, found on the host."""

import collections

import jax
import numpy as np

from rl_credit.envs.grid.render import Tile
from rl_credit.envs.grid.rooms_words import COMPASS, DIRECTIONS, Kind

DOORS = {Tile.DOOR_CLOSED, Tile.DOOR_OPEN, Tile.DOOR_LOCKED}
GROUND = {Tile.FLOOR, Tile.CORRIDOR, Tile.DOOR_BROKEN, *DOORS}
STEPS = list(DIRECTIONS.values())


def ways(ground, start, passable=GROUND):
    """From which cell each reachable one is entered first; cells are (row, column)."""
    before = {start: None}
    queue = collections.deque([start])
    while queue:
        cell = queue.popleft()
        for down, along in STEPS:
            ahead = cell[0] + down, cell[1] + along
            inside = 0 <= ahead[0] < len(ground) and 0 <= ahead[1] < len(ground[0])
            if not inside or ahead in before or ground[ahead] not in passable:
                continue
            if down and along and {ground[cell], ground[ahead]} & DOORS:
                continue
            before[ahead] = cell
            queue.append(ahead)
    return before


def first_step(ground, start, end, passable=GROUND):
    """The number of the first step of a shortest way, or None."""
    before = ways(ground, start, passable)
    if end not in before:
        return None
    while before[end] != start:
        end = before[end]
    return STEPS.index((end[0] - start[0], end[1] - start[1]))


def ground_of(layout, maps):
    """The tiles of a layout [height, width], sites as they begin."""
    ground = np.array(maps[int(layout.chart)])
    sites, covers = np.array(layout.sites), np.array(layout.covers)
    ground.reshape(-1)[sites[sites > 0]] = covers[sites > 0]
    return ground


class Player:
    """Plays one environment with compiled steps, a key a step."""

    def __init__(self, env):
        self.env = env
        self.actions = env.world.rules.actions
        params = env.default_params
        self.begin = jax.jit(env.begin)
        self.step = jax.jit(
            lambda key, state, action: env.step_env(key, state, action, params)[1:]
        )

    def start(self, level, seed=0):
        """A new episode; `ended` holds its last reward once it is over."""
        self.state = self.begin(np.int32(level))
        self.keys = iter(jax.random.split(jax.random.key(seed), 2048))
        self.rewards, self.said, self.over = [], [], False
        return self

    def act(self, *names):
        """Actions by name; those after the end are left out."""
        for name in names:
            if self.over:
                break
            action = np.int32(self.actions.index(name))
            self.state, reward, over, info = self.step(
                next(self.keys), self.state, action
            )
            self.rewards.append(round(float(reward), 4))
            self.said.append(self.env.messages[int(info["message"])])
            self.over = bool(over)
        return self

    @property
    def width(self):
        return self.env.world.shape[1]

    def place(self, cell):
        """Row and column of a cell."""
        return divmod(int(cell), self.width)

    @property
    def ground(self):
        """The tiles now, with what is hidden as if it were found."""
        state = self.state
        ground = np.array(self.env.world.family.maps[int(state.layout.chart)])
        sites, covers = np.array(state.layout.sites), np.array(state.covers)
        found = {int(Tile.WALL): Tile.DOOR_CLOSED, int(Tile.UNSEEN): Tile.CORRIDOR}
        for site, cover in zip(sites, covers):
            if site:
                ground.reshape(-1)[site] = found.get(int(cover), cover)
        return ground

    def walk(self, cell, passable=GROUND, limit=600):
        """Goes to a cell; opens, kicks in and searches for what is in the way."""
        end = self.place(cell)
        for _ in range(limit):
            here = self.place(self.state.cell)
            if self.over or here == end:
                break
            step = first_step(self.ground, here, end, passable)
            assert step is not None, (here, end)
            self.act(*self._by(here, step))
        return self

    def _by(self, here, step):
        """The actions that take a step, or prepare it."""
        ahead = (here[0] + STEPS[step][0]) * self.width + here[1] + STEPS[step][1]
        hit = np.flatnonzero(np.array(self.state.layout.sites) == ahead)
        cover = int(self.state.covers[hit[0]]) if len(hit) else None
        if cover in (Tile.WALL, Tile.UNSEEN):
            return ["search"]
        if cover == Tile.DOOR_LOCKED:
            return ["kick", COMPASS[step]]
        return [COMPASS[step]]

    def take(self):
        """Fetches the object."""
        self.walk(self.state.item)
        return self.act("pickup")

    def use(self, toward="east"):
        """Uses the object carried, in a direction where it has one."""
        answers = {
            Kind.POTION: ["quaff", "fire"],
            Kind.BOOTS: ["wear", "fire"],
            Kind.RING: ["put_on", "fire", "east"],
            Kind.WAND: ["zap", "fire", toward],
            Kind.HORN: ["apply", "fire", "northwest", toward],
        }
        return self.act(*answers[Kind(int(self.state.held))])
