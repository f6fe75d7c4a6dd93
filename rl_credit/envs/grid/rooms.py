"""Rooms as MiniHack has them: one engine for all tasks, compiled with the agent."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from gymnax.environments import environment, spaces
from jaxtyping import Array, Int32, UInt8, UInt32

from rl_credit.envs.grid import (
    render,
    rooms_monsters,
    rooms_moves,
    rooms_prompts,
    rooms_tools,
    rooms_view,
)
from rl_credit.envs.grid.contexts import Contexts
from rl_credit.envs.grid.rooms_prompts import Effect
from rl_credit.envs.grid.rooms_state import (
    Family,
    Outcome,
    RoomsState,
    Rules,
    World,
)
from rl_credit.envs.grid.rooms_words import Message
from rl_credit.ops import names
from rl_credit.types import record

Act = Callable[
    [World, RoomsState, Int32[Array, ""], UInt32[Array, " words"]], Outcome
]
ACTS: dict[Effect, Act] = {
    Effect.MOVE: rooms_moves.move,
    Effect.PICKUP: rooms_tools.pick_up,
    Effect.OPEN: rooms_moves.open_door,
    Effect.KICK: rooms_moves.kick,
    Effect.SEARCH: rooms_moves.search,
    Effect.FLOAT: rooms_tools.float_up,
    Effect.ZAP: rooms_tools.zap,
    Effect.UNLOCK: rooms_tools.unlock,
}
OBSERVATIONS = ("planes", "codes")
WORDS = 3  # random words that an effect may use
IDLE = -0.01  # reward of an action in which the turn counter stood still


@record
class RoomsParams:
    """What may change without compiling anew."""

    max_steps_in_episode: int | Int32[Array, ""]  # actions; then it is truncated


class Rooms(environment.Environment[RoomsState, RoomsParams]):
    """The task of one family of levels under one set of rules.

    Reward: +1 where it succeeds, else -0.01 where NetHack's turn counter did not
    advance (bumps, questions), else 0, also at death. Success and death terminate.

    `observation`: "planes", uint8[height, width, channels] of zeros and ones, named by
    `channels`: what a cell is, then the objects, monsters and the agent on it, then
    what holds for the agent, all over the map; or "codes", the same in a byte a cell:
    uint8[numbers], the tile of every cell, then `rooms_view.FACTS`, of which
    `planes.expand` makes the planes. The whole map is seen, as in a lit level that has
    been walked through; with `view` (odd) a square of that side around the agent, to
    which `coordinates` adds where in the map that is, as NetHack's status line does.

    Raises ValueError for an unknown observation, for a `view` that is not odd or not at
    least 3, and for contexts as `Contexts` does.
    """

    def __init__(
        self,
        family: Family,
        rules: Rules,
        max_steps: int,
        *,
        observation: str = "planes",
        view: int = 0,
        coordinates: bool = False,
        num_contexts: int = 0,
        context_seed: int = 0,
    ):
        if observation not in OBSERVATIONS:
            raise ValueError(names.unknown("observation", observation, OBSERVATIONS))
        if view and (view < 3 or view % 2 == 0):
            raise ValueError(f"view is {view}; use an odd side from 3, or 0 for all")
        self.observation = observation
        self.world = World(family, rules)
        self.max_steps = max_steps
        self.contexts = Contexts(num_contexts, context_seed, family.size)
        self.replies = rooms_prompts.replies(rules.actions, rules.unlocks)
        self.planes = rooms_view.Planes(
            self.world, rooms_prompts.reachable(self.replies), view, coordinates
        )
        self.effects = [Effect(number) for number in np.unique(self.replies[..., 0])]
        self.messages = tuple(message.text for message in Message)
        self.channels = self.planes.channels
        height, width = self.world.shape
        self.num_positions = height * width
        self.num_messages = len(self.messages)

    @property
    def default_params(self) -> RoomsParams:
        return RoomsParams(self.max_steps)

    @property
    def num_actions(self) -> int:
        return len(self.world.rules.actions)

    def action_space(self, params: RoomsParams | None = None) -> spaces.Discrete:
        """One number for each of `rules.actions`."""
        return spaces.Discrete(self.num_actions)

    def observation_space(self, params: RoomsParams | None = None) -> spaces.Box:
        """Planes of zeros and ones, or codes."""
        if self.observation == "planes":
            return spaces.Box(0, 1, self.planes.shape, jnp.uint8)
        return spaces.Box(0, 255, (self.planes.numbers,), jnp.uint8)

    def reset_env(
        self, key: jax.Array, params: RoomsParams
    ) -> tuple[UInt8[Array, "..."], RoomsState]:
        """The first observation and state of a level drawn with this key."""
        state = self.begin(self.contexts.draw(key))
        return self.get_obs(state), state

    def get_obs(
        self, state: RoomsState, params: Any = None, key: Any = None
    ) -> UInt8[Array, "..."]:
        """The observation of a state; see the class for its shape."""
        codes = self.planes.codes(state)
        return codes if self.observation == "codes" else self.planes.expand(codes)

    @functools.partial(jax.jit, static_argnames=("self",))
    def step(
        self,
        key: jax.Array,
        state: RoomsState,
        action: int | float | jax.Array,
        params: RoomsParams | None = None,
    ) -> tuple[Any, RoomsState, jax.Array, jax.Array, jax.Array, dict[Any, Any]]:
        """What gymnax's `step` returns, with one observation made less.

        The first observation of the next episode is made of the state that goes on, and
        not besides it; `final_observation` costs nothing where nobody reads it.
        """
        params = self.default_params if params is None else params
        key_step, key_reset = jax.random.split(key)
        observed, stepped, reward, terminated, info = self.step_env(
            key_step, state, jnp.asarray(action, jnp.int32), params
        )
        truncated = self.is_truncated(stepped, params)
        begun = self.begin(self.contexts.draw(key_reset))
        done = terminated | truncated
        after = jax.tree.map(lambda new, old: jnp.where(done, new, old), begun, stepped)
        info |= dict(terminated=terminated, truncated=truncated)
        info["final_observation"] = observed
        return self.get_obs(after), after, reward, terminated, truncated, info

    def begin(self, level: Int32[Array, ""]) -> RoomsState:
        """The first state of this level."""
        drawn = self.world.family.draw(level)
        zero = jnp.int32(0)
        return RoomsState(
            time=zero,
            level=level,
            layout=drawn,
            cell=drawn.start,
            item=drawn.item,
            held=zero,
            floating=jnp.bool_(False),
            health=jnp.int32(self.world.rules.health),
            prompt=zero,
            message=zero,
            covers=drawn.covers,
            boulders=drawn.boulders,
            monsters=drawn.monsters,
        )

    def step_env(
        self,
        key: jax.Array,
        state: RoomsState,
        action: Int32[Array, ""],
        params: RoomsParams,
    ) -> tuple[Any, RoomsState, jax.Array, jax.Array, dict[str, jax.Array]]:
        """One action; see the class for reward and end."""
        action = jnp.asarray(action, jnp.int32)
        outcome = self._act(key, state, action)
        after = outcome.state
        succeeds = self._succeeds(after) & ~outcome.dead
        idle = jnp.where(outcome.turn, 0.0, IDLE)
        reward = jnp.where(succeeds, 1.0, jnp.where(outcome.dead, 0.0, idle))
        info = {"position": self.position(after), "message": self.message(after)}
        ended = succeeds | outcome.dead
        return self.get_obs(after), after, reward.astype(jnp.float32), ended, info

    def _act(
        self, key: jax.Array, state: RoomsState, action: Int32[Array, ""]
    ) -> Outcome:
        """The action's effect, then the monsters' turn."""
        pack, count = self.world.rules.pack, state.monsters.size
        many = WORDS + (rooms_monsters.words(pack, count) if pack else 0)
        bits = jax.random.bits(key, (many,), jnp.uint32)
        reply = jnp.asarray(self.replies)[state.prompt, state.held, action]
        effect, says, prompt = reply[0], reply[1], reply[2]
        heard = _said(state, says, prompt)
        outcome = Outcome(heard, effect == Effect.PASS, jnp.bool_(False))
        for kind in self.effects:
            if kind in ACTS:
                done = ACTS[kind](self.world, heard, action, bits[:WORDS])
                outcome = _choose(effect == kind, done, outcome)
        if pack is not None:
            outcome = rooms_monsters.turn(self.world, outcome, bits[WORDS:])
        return outcome

    def _succeeds(self, state: RoomsState) -> jax.Array:
        """On the staircase, or the winning message was said."""
        wins = self.world.rules.wins
        if wins is None:
            return state.cell == state.layout.goal
        return state.message == wins

    def position(self, state: RoomsState) -> Int32[Array, ""]:
        """The agent's cell, row by row: in [0, num_positions)."""
        return state.cell

    def message(self, state: RoomsState) -> Int32[Array, ""]:
        """What the last action brought up: an index of `messages`, 0 for nothing."""
        return state.message

    def tiles(self, state: RoomsState) -> UInt8[Array, "height width"]:
        """The `Tile` of every cell, with objects and monsters but without the agent."""
        return self.planes.tiles(state)

    def render(self, state: RoomsState) -> UInt8[Array, "rows columns 3"]:
        """A picture of the state, 16 pixels a cell."""
        tiles = self.planes.tiles(state).reshape(-1)
        shown = tiles.at[state.cell].set(jnp.uint8(render.Tile.PLAYER))
        return render.frame(shown.reshape(self.world.shape))


def _said(
    state: RoomsState, says: Int32[Array, ""], prompt: Int32[Array, ""]
) -> RoomsState:
    """The state one action later, with the reply of the table."""
    return dataclasses.replace(
        state, time=state.time + 1, message=says, prompt=prompt
    )


def _choose(where: jax.Array, chosen: Outcome, otherwise: Outcome) -> Outcome:
    """One outcome or the other; what they share stays as it is."""

    def leaf(one: jax.Array, other: jax.Array) -> jax.Array:
        return one if one is other else jnp.where(where, one, other)

    return jax.tree.map(leaf, chosen, otherwise)
