"""Grids as text environments: the jitted worlds, told in words and steered by them."""

import functools
import os
from typing import Any

import jax
import numpy as np
from gymnax.environments import environment
from jaxtyping import Array, Int, Key

from rl_credit.envs.grid import sokoban_search, told
from rl_credit.envs.grid.contexts import Contexts
from rl_credit.envs.grid.minihack import MiniHack
from rl_credit.envs.grid.sokoban import Sokoban
from rl_credit.envs.grid.sokoban_levels import NO_MOVE
from rl_credit.envs.text import grid_ways
from rl_credit.envs.text.turn import Turn, check_running, check_task


class Engine:
    """A grid with its words; compiled once in a process, whoever plays in it.

    `begin` and `step` can be traced; `begun` and `stepped` are those, compiled.
    """

    def __init__(self, env: environment.Environment):
        self.env, self.telling = env, told.telling(env)
        self.params = env.default_params
        self.begun, self.stepped = jax.jit(self.begin), jax.jit(self.step)

    def begin(self, level: Int[Array, ""]) -> Any:
        """The first state of a level, its tiles and facts."""
        state = self.env.begin(level)
        return state, *self.telling.seen(state)

    def step(self, key: Key[Array, ""], state: Any, action: Int[Array, ""]) -> Any:
        """State, tiles and facts after the action, its reward, whether it ended all.

        `key` is the episode's.
        """
        now = jax.random.fold_in(key, state.time)
        _, state, reward, terminated, _ = self.env.step_env(
            now, state, action, self.params
        )
        return state, *self.telling.seen(state), reward, terminated

    @functools.cache
    def way(self, level: int, seed: int, task: int) -> list[int] | None:
        """Actions that succeed from here; None where none are found."""
        if isinstance(self.env, Sokoban):
            levels = self.env.levels
            if levels.solutions is None:
                return sokoban_search.solve(levels, level)
            moves = levels.solutions[level]
            return moves[moves != NO_MOVE].tolist()
        return grid_ways.shortest(self.env, level, episode_key(seed, task))


class GridText:
    """A grid as a `TextEnv`; task i is the i-th level that the seed draws.

    What happens by chance is drawn from seed and task, so that all attempts at a task
    begin alike and the same actions lead to the same states. Every command can be given
    in every state: what it cannot do changes nothing, as in the grid. An answer that is
    no command counts as a step, is told, and leaves the state alone.

    Args:
        step_limit: steps until an episode is truncated; the grid's own limit is unused.

    Raises ValueError for more tasks than there are levels, and limits below 1.
    """

    def __init__(self, engine: Engine, *, seed: int, tasks: int, step_limit: int):
        levels = engine.env.contexts.size
        if not 1 <= tasks <= levels:
            raise ValueError(f"tasks is {tasks}; this grid has 1 to {levels}")
        if step_limit < 1:
            raise ValueError(f"step_limit is {step_limit}; it must be at least 1")
        self.engine, self.seed = engine, seed
        self.tasks, self.step_limit = tasks, step_limit
        numbers = Contexts(tasks, seed, levels).numbers
        assert numbers is not None
        self.levels: np.ndarray = numbers  # int32[tasks]
        self._last: Turn | None = None

    def reset(self, task: int) -> Turn:
        check_task(task, self.tasks)
        self._key, self._steps = episode_key(self.seed, task), 0
        begun = self.engine.begun(self.levels[task])
        self._state, self._tiles, self._facts = _host(begun)
        objective = self.engine.telling.objective
        self._last = self._turn(objective=objective)
        return self._last

    def step(self, action: str) -> Turn:
        check_running(self._last)
        telling = self.engine.telling
        said = " ".join(action.split()).lower()
        self._steps += 1
        if said not in telling.commands:
            self._facts = [telling.refusal, *self._facts[1:]]
            self._last = self._turn()
            return self._last
        number = np.int32(telling.commands.index(said))
        after = self.engine.stepped(self._key, self._state, number)
        *seen, reward, terminated = after
        self._state, self._tiles, self._facts = _host(seen)
        self._last = self._turn(reward=float(reward), terminated=bool(terminated))
        return self._last

    def walkthrough(self, task: int) -> list[str] | None:
        check_task(task, self.tasks)
        way = self.engine.way(int(self.levels[task]), self.seed, task)
        commands = self.engine.telling.commands
        return None if way is None else [commands[number] for number in way]

    def close(self) -> None:
        self._last = None

    def _turn(
        self, reward: float = 0.0, terminated: bool = False, objective: str = ""
    ) -> Turn:
        telling = self.engine.telling
        view = telling.text(self._tiles, self._facts)
        return Turn(
            observation=f"{objective}\n{view}" if objective else view,
            reward=reward,
            terminated=terminated,
            truncated=not terminated and self._steps >= self.step_limit,
            admissible=() if terminated else telling.commands,
            anchor=telling.anchor(self._tiles, self._facts),
            objective=objective,
            won=terminated and reward > 0,
        )


class SokobanText(GridText):
    """Sokoban with the four actions of language agents, on a bank of levels.

    Args:
        levels: the name of a bank or a path, as `Sokoban` takes them.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        tasks: int = 100,
        step_limit: int = 30,
        levels: str | os.PathLike = "6x6/1",
    ):
        engine = _sokoban(str(levels))
        super().__init__(engine, seed=seed, tasks=tasks, step_limit=step_limit)


class MiniHackText(GridText):
    """A task of MiniHack's, the whole map in view.

    Args:
        task: its name, as `MiniHack` takes it.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        tasks: int = 100,
        step_limit: int = 50,
        task: str = "KeyRoom-S5",
    ):
        engine = _minihack(task)
        super().__init__(engine, seed=seed, tasks=tasks, step_limit=step_limit)


def episode_key(seed: int, task: int | Int[Array, ""]) -> Key[Array, ""]:
    """What the chances of every attempt at a task are drawn from."""
    return jax.random.fold_in(jax.random.key(seed), task)


@functools.cache
def _sokoban(levels: str) -> Engine:
    return Engine(Sokoban(levels, actions="push"))


@functools.cache
def _minihack(task: str) -> Engine:
    return Engine(MiniHack(task))


def _host(seen: Any) -> tuple[Any, np.ndarray, list[int]]:
    """The state as it is; tiles and facts on the host."""
    state, tiles, facts = seen
    return state, np.asarray(tiles), np.asarray(facts).tolist()
