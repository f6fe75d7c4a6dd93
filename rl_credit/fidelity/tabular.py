"""Tables as a gymnax environment, to be played like any other."""

from typing import Any

import jax
import jax.numpy as jnp
from gymnax.environments import environment, spaces
from jaxtyping import Array, Bool, Float, Int, Int32

from rl_credit.fidelity.process import END, Process, Tables
from rl_credit.types import record

ANY = -1  # the task is drawn anew for every episode


@record
class TabularState:
    """Where an episode stands."""

    time: Int32[Array, ""]  # steps so far
    state: Int32[Array, ""]  # number of the state, or END
    task: Int32[Array, ""]


@record
class TabularParams:
    """What may change without compiling anew."""

    max_steps_in_episode: int | Int32[Array, ""]  # then it is truncated
    task: int | Int32[Array, ""]  # of every episode; ANY: drawn evenly
    tables: Tables  # may be those of another process of the same sizes


class Tabular(environment.Environment[TabularState, TabularParams]):
    """A process, played.

    Observation: float32[num_observations], one at the number of what is seen and else
    zero; all zero after the end. `info` has "state" and "observation", the numbers of
    the state that the step led to, before a reset; after the end both are END.
    """

    def __init__(self, process: Process):
        self.process = process

    @property
    def name(self) -> str:
        """The name of the process."""
        return self.process.name

    @property
    def default_params(self) -> TabularParams:
        return TabularParams(self.process.horizon, ANY, self.process.tables)

    @property
    def num_actions(self) -> int:
        return self.process.num_actions

    def action_space(self, params: TabularParams | None = None) -> spaces.Discrete:
        """The actions by number."""
        return spaces.Discrete(self.num_actions)

    def observation_space(self, params: TabularParams | None = None) -> spaces.Box:
        """Zeros and at most a one."""
        return spaces.Box(0, 1, (self.process.num_observations,), jnp.float32)

    def reset_env(
        self, key: jax.Array, params: TabularParams
    ) -> tuple[Float[Array, " observations"], TabularState]:
        """The first observation and state of an episode of the task."""
        key_task, key_state = jax.random.split(key)
        drawn = jax.random.randint(key_task, (), 0, self.process.num_tasks)
        task = jnp.where(jnp.equal(params.task, ANY), drawn, params.task)
        starts = jnp.log(params.tables.starts[task])
        begun = TabularState(
            time=jnp.int32(0),
            state=jax.random.categorical(key_state, starts).astype(jnp.int32),
            task=task.astype(jnp.int32),
        )
        return self.get_obs(begun, params), begun

    def step_env(
        self,
        key: jax.Array,
        state: TabularState,
        action: int | Int[Array, ""],
        params: TabularParams,
    ) -> tuple[Any, TabularState, jax.Array, jax.Array, dict[str, jax.Array]]:
        """One action; what comes of it is drawn from the tables."""
        tables = params.tables
        at = state.state, jnp.asarray(action, jnp.int32)
        outcome = jax.random.categorical(key, jnp.log(tables.chance[at]))
        after = TabularState(
            time=state.time + 1,
            state=tables.ahead[at][outcome].astype(jnp.int32),
            task=state.task,
        )
        seen = self.observation(after, params)
        info = {"state": after.state, "observation": seen}
        reward = tables.paid[at][outcome].astype(jnp.float32)
        ended = self.is_terminated(after, params)
        return self.get_obs(after, params), after, reward, ended, info

    def observation(
        self, state: TabularState, params: TabularParams
    ) -> Int32[Array, ""]:
        """The number of what is seen of the state, END after the end."""
        seen = params.tables.sees[jnp.maximum(state.state, 0)]
        return jnp.where(state.state == END, END, seen).astype(jnp.int32)

    def get_obs(
        self, state: TabularState, params: TabularParams | None = None, key: Any = None
    ) -> Float[Array, " observations"]:
        """The observation of a state."""
        seen = self.observation(state, params or self.default_params)
        return jax.nn.one_hot(seen, self.process.num_observations, dtype=jnp.float32)

    def is_terminated(
        self, state: TabularState, params: TabularParams
    ) -> Bool[Array, ""]:
        """Whether the episode has ended by itself."""
        return state.state == END
