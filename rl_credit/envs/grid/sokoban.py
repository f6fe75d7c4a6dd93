"""Sokoban by the rules and rewards of gym-sokoban, on banks of levels."""

import os
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from gymnax.environments import environment, spaces
from jaxtyping import Array, Bool, Int32, UInt8

from rl_credit.envs.grid import render
from rl_credit.envs.grid.contexts import Contexts
from rl_credit.envs.grid.sokoban_levels import TARGET, WALL, Levels, load
from rl_credit.ops import names
from rl_credit.types import record

ACTIONS = {"push": 4, "push_move": 9, "push_pull": 13}
OBSERVATIONS = ("planes", "pixels")
NOTHING, BUMPED, PUSHED, PULLED, BOX_ON, BOX_OFF, SOLVED = range(7)
LEGEND = "#_O√XPS"  # the seven codes of `Sokoban.tiles`, in order


@record
class State:
    """What changes in an episode; cells are numbered row by row."""

    time: Int32[Array, ""]  # steps so far
    level: Int32[Array, ""]  # its number in the bank
    player: Int32[Array, ""]  # cell
    boxes: Int32[Array, " boxes"]  # cells
    on_target: Int32[Array, ""]  # boxes that stand on targets, as last rewarded
    message: Int32[Array, ""]  # what the last action did: NOTHING, ..., SOLVED


class Sokoban(environment.Environment):
    """Push every box on a target.

    `levels` names a shipped bank ("6x6/1", "7x7/2", "10x10/4"), a path that
    `sokoban_levels.load` reads, or gives `Levels`. `actions`:

    - "push_move" (9): nothing; push up, down, left, right; move in these directions;
    - "push_pull" (13): the same, then pull in these directions; but 0, meant to do
      nothing, pushes right, as the code of gym-sokoban's Push&Pull variant does;
    - "push" (4): push up, down, left, right, as language agents do.

    To push moves a box that is ahead, if the cell behind it is free; without a box
    ahead it moves the player. To pull moves the player, and a box behind follows.

    A step costs 0.1; if more (fewer) boxes are on targets than before it, 1 is added
    (subtracted), and 10 when all are, which terminates. As in gym-sokoban 0.0.6, whose
    rewards these are exactly, the first step compares with no box on a target, so that
    a level which begins with one pays 1 for it. After 120 steps an episode is
    truncated (`max_steps_in_episode`).

    `observation`: "planes", uint8[height, width, 4] of walls, targets, boxes, player;
    or "pixels", uint8[height * pixels, width * pixels, 3].

    Raises ValueError for unknown levels, actions or observations.
    """

    num_messages = SOLVED + 1

    def __init__(
        self,
        levels: str | os.PathLike | Levels = "7x7/2",
        *,
        actions: str = "push_move",
        observation: str = "planes",
        pixels: int = render.PIXELS,
        num_contexts: int = 0,
        context_seed: int = 0,
    ):
        if actions not in ACTIONS:
            raise ValueError(names.unknown("set of actions", actions, ACTIONS))
        if observation not in OBSERVATIONS:
            raise ValueError(names.unknown("observation", observation, OBSERVATIONS))
        render.sheet(pixels)  # raises where there is none
        self.levels = load(levels)
        self.contexts = Contexts(num_contexts, context_seed, len(self.levels))
        self.actions, self.observation, self.pixels = actions, observation, pixels
        _, self.height, self.width = self.levels.rooms.shape
        self.num_positions = self.height * self.width
        self._rooms = self.levels.rooms.reshape(len(self.levels), -1)
        nothing = np.zeros_like(self._rooms)
        room = [self._rooms == WALL, self._rooms == TARGET, nothing, nothing]
        self._planes = np.stack(room, axis=-1, dtype=np.uint8).reshape(len(nothing), -1)
        self._directions = np.array([-self.width, self.width, -1, 1], np.int32)

    @property
    def default_params(self) -> environment.EnvParams:
        return environment.EnvParams(max_steps_in_episode=120)

    @property
    def num_actions(self) -> int:
        return ACTIONS[self.actions]

    def action_space(self, params: Any = None) -> spaces.Discrete:
        return spaces.Discrete(self.num_actions)

    def observation_space(self, params: Any = None) -> spaces.Box:
        if self.observation == "planes":
            return spaces.Box(0, 1, (self.height, self.width, 4), jnp.uint8)
        shape = (self.height * self.pixels, self.width * self.pixels, 3)
        return spaces.Box(0, 255, shape, jnp.uint8)

    def reset_env(self, key: jax.Array, params: Any) -> tuple[jax.Array, State]:
        state = self.begin(self.contexts.draw(key))
        return self.get_obs(state), state

    def begin(self, level: Int32[Array, ""]) -> State:
        """The first state of this level."""
        zero = jnp.zeros((), jnp.int32)
        return State(
            time=zero,
            level=level,
            player=jnp.asarray(self.levels.players, jnp.int32)[level],
            boxes=jnp.asarray(self.levels.boxes, jnp.int32)[level],
            on_target=zero,
            message=zero,
        )

    def step_env(
        self, key: jax.Array, state: State, action: Any, params: Any
    ) -> tuple[jax.Array, State, jax.Array, jax.Array, dict[str, jax.Array]]:
        player, boxes, happened = self._moved(state, jnp.asarray(action))
        on_target = jnp.sum(self._room(state.level, boxes) == TARGET, dtype=jnp.int32)
        solved = on_target == boxes.size
        gained = jnp.sign(on_target - state.on_target)
        reward = gained.astype(jnp.float32) + 10.0 * solved - 0.1
        message = jnp.select(
            [solved, gained > 0, gained < 0], [SOLVED, BOX_ON, BOX_OFF], happened
        ).astype(jnp.int32)
        state = State(
            time=state.time + 1,
            level=state.level,
            player=player,
            boxes=boxes,
            on_target=on_target,
            message=message,
        )
        info = {"position": self.position(state), "message": self.message(state)}
        return self.get_obs(state), state, reward, solved, info

    def _moved(self, state: State, action: jax.Array) -> tuple[jax.Array, ...]:
        """Player and boxes after the action, and NOTHING, BUMPED, PUSHED or PULLED."""
        code = action + 1 if self.actions == "push" else action
        acts = (code > 0) | (self.actions == "push_pull")
        step = jnp.asarray(self._directions)[(code - 1) % 4]
        ahead, beyond = state.player + step, state.player + 2 * step
        inside = self._room(state.level, jnp.stack([ahead, beyond])) != WALL
        blocked = jnp.any(state.boxes == ahead)
        pushed = acts & (code < 5) & blocked & inside[1]
        pushed &= ~jnp.any(state.boxes == beyond)
        moved = acts & inside[0] & (~blocked | pushed)
        boxes = jnp.where(pushed & (state.boxes == ahead), beyond, state.boxes)
        message = jnp.where(pushed, PUSHED, jnp.where(acts & ~moved, BUMPED, NOTHING))
        if self.actions == "push_pull":
            follows = (code > 8) & moved & (state.boxes == state.player - step)
            boxes = jnp.where(follows, state.player, boxes)
            message = jnp.where(jnp.any(follows), PULLED, message)
        return jnp.where(moved, ahead, state.player), boxes, message

    def _room(self, level: jax.Array, cells: jax.Array) -> jax.Array:
        """What the level has at these cells: WALL, FLOOR or TARGET."""
        return jnp.asarray(self._rooms)[level, cells]

    def get_obs(self, state: State, params: Any = None, key: Any = None) -> jax.Array:
        """The observation of a state; see the class for its shape."""
        if self.observation == "pixels":
            return render.frame(self.tiles(state), self.pixels)
        planes = jnp.asarray(self._planes)[state.level]
        things = jnp.append(4 * state.boxes + 2, 4 * state.player + 3)
        planes = planes.at[things].set(
            1, mode="promise_in_bounds", unique_indices=True
        )
        return planes.reshape(self.height, self.width, 4)

    def tiles(self, state: State) -> UInt8[Array, "height width"]:
        """One code a cell: wall, floor, target, box on it, box, player, player on it.

        The order of `render.Tile` and of the text's legend.
        """
        boxes = jnp.where(self._room(state.level, state.boxes) == TARGET, 3, 4)
        player = jnp.where(self._room(state.level, state.player) == TARGET, 6, 5)
        codes = jnp.asarray(self._rooms)[state.level]
        codes = codes.at[state.boxes].set(boxes.astype(jnp.uint8))
        codes = codes.at[state.player].set(player.astype(jnp.uint8))
        return codes.reshape(self.height, self.width)

    def text(self, state: State) -> str:
        """The state in lines of `# _ O √ X P S`; on the host."""
        rows = np.asarray(self.tiles(state))
        return "\n".join("".join(LEGEND[code] for code in row) for row in rows)

    def render(self, state: State) -> UInt8[Array, "rows columns 3"]:
        """An RGB picture, 16 pixels a cell."""
        return render.frame(self.tiles(state))

    def position(self, state: State) -> Int32[Array, ""]:
        """The cell of the player, in [0, num_positions)."""
        return state.player

    def message(self, state: State) -> Int32[Array, ""]:
        """What the last action did, in [0, num_messages); NOTHING at first."""
        return state.message

    def is_terminated(self, state: State, params: Any) -> Bool[Array, ""]:
        """Whether every box is on a target."""
        return state.message == SOLVED
