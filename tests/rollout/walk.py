"""A walk on a line, which ends at its right end or after a number of steps."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from gymnax.environments import environment, spaces


@struct.dataclass
class State(environment.EnvState):
    place: Any
    time: Any


@struct.dataclass
class Params(environment.EnvParams):
    max_steps_in_episode: int = 3
    reward: float = 1.0  # of every step to the right


class Walk(environment.Environment[State, Params]):
    """Shows place and time; action 1 goes right, 0 stays."""

    def __init__(self, length: int = 4):
        self.length = length
        self.num_positions = length + 1
        self.num_messages = 2

    @property
    def default_params(self):
        return Params()

    @property
    def num_actions(self):
        return 2

    def reset_env(self, key, params):
        place = jax.random.randint(key, (), 0, 2)
        state = State(place=place, time=0)  # a weak zero, as gymnax's own have
        return self.get_obs(state), state

    def step_env(self, key, state, action, params):
        state = State(place=state.place + action, time=state.time + 1)
        info = {"position": self.position(state), "message": self.message(state)}
        reward = params.reward * action
        return self.get_obs(state), state, reward, self.is_terminated(state), info

    def get_obs(self, state, params=None, key=None):
        return jnp.stack([state.place, state.time]).astype(jnp.float32)

    def is_terminated(self, state, params=None):
        return state.place >= self.length

    def position(self, state):
        """The place, [] int32."""
        return jnp.minimum(state.place, self.length)

    def message(self, state):
        """1 at an even time."""
        return jnp.asarray(state.time % 2 == 0, jnp.int32)

    def action_space(self, params=None):
        return spaces.Discrete(2)

    def observation_space(self, params):
        return spaces.Box(0.0, 100.0, (2,), jnp.float32)
