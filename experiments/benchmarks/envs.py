"""Grids beside those of jumanji, navix and MiniHack, which play in their own processes.

All play at random, reset themselves, and keep their last observation; ours and the JAX
peers are many environments in one compiled scan. Rooms show codes, as their peers do:
NLE glyphs, navix symbols. Where a peer takes other numbers of steps than we do, its
time is scaled to ours. MiniHack is one environment in a Python
loop that uses one core: there both sides are given in CPU time, and one core should be
all that they have (`taskset --cpu-list 0`), since two threads of ours wait in it, too.
"""

import time
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
from gymnax.environments.environment import Environment

from configs.grid import minihack16
from experiments.benchmarks import peer_process
from experiments.benchmarks.timing import Case, Took
from rl_credit.envs.grid import minihack, register, sokoban_levels

STEPS = {256: 1000, 4096: 100}  # of a run, by the number of environments
SLOW_STEPS = 20  # of navix's MultiRoom, which draws its rooms at every step
SECONDS = 1.0  # of a run of MiniHack
BOXES = "Sokoban-10x10-4"  # the only size that jumanji has
COMPILES = "first call < 15 s"

SKILLS = minihack16.SKILL  # their actions are restricted to those that help, as ours
ALONE = {
    "Sokoban-6x6-1": "none: jumanji has 10x10 only",
    "Sokoban-7x7-2": "none: jumanji has 10x10 only",
    "MultiRoom-N3-Lava": "none: not in MiniHack",
    "MultiRoom-N4-Lava": "none: not in MiniHack",
    "KeyRoom-S10": "none: not in MiniHack",
    "LavaCrossingS19N13": "none: fails in MiniHack",
    "LavaCrossingS19N17": "none: fails in MiniHack",
}


def cases() -> Iterator[Case]:
    """Beside JAX peers, and those grids that no peer has, for their time to compile."""
    levels = str(sokoban_levels.FOLDER / sokoban_levels.BANKS["10x10/4"])
    for envs, steps in STEPS.items():
        options = dict(levels=levels, envs=envs, steps=steps)
        yield from _compiled(BOXES, ">= 1.5", "jumanji", **options)
    for task in ("Navix-DoorKey-6x6-v0", "Navix-DoorKey-8x8-v0"):  # ours is 7x7
        for envs, steps in STEPS.items():
            options = dict(task=task, envs=envs, steps=steps)
            yield from _compiled("KeyRoom-S5", ">= 3", "navix", **options)
    options = dict(task="Navix-MultiRoom-N4-S5-v0", envs=256, steps=SLOW_STEPS)
    yield from _compiled("MultiRoom-N4-Locked", ">= 100", "navix", **options)
    for name, reason in ALONE.items():
        ours = Ours(made(name), 256)
        yield Case(name, ours.size, ours, reason, goal=COMPILES, steps=ours.steps)


def per_core() -> Iterator[Case]:
    """Every task that MiniHack has, too."""
    for name in register.GRID:
        if name in minihack.TASKS and name not in ALONE:
            yield from _per_core(name)


def _compiled(name: str, goal: str, peer: str, **options) -> Iterator[Case]:
    """Ours beside a JAX peer, by the clock on the wall."""
    ours = Ours(made(name), options["envs"])
    title = f"{peer} {options['task']}" if "task" in options else f"{peer}, same levels"
    with peer_process.process(peer, **options) as process:
        theirs = scaled(process, "wall", ours.steps)
        yield Case(name, ours.size, ours, title, theirs, goal, steps=ours.steps)


def _per_core(name: str) -> Iterator[Case]:
    """A task of MiniHack's, by CPU time."""
    ours = Ours(made(name), 256)
    task = f"MiniHack-{name}{'-Restricted' if name in SKILLS else ''}-v0"
    goal = ">= 1000" if name.startswith("MultiRoom") else ">= 100"
    with peer_process.process("minihack", task=task, seconds=SECONDS) as process:
        yield Case(
            name,
            ours.size,
            cpu_timed(ours),
            f"{task}, CPU time",
            scaled(process, "cpu", ours.steps),
            f"{goal}; {COMPILES}",
            steps=ours.steps,
        )


def scaled(
    process: peer_process.Process, clock: str, steps: int
) -> Callable[[], Took]:
    """Runs of a peer by its "wall" or "cpu" clock, each scaled to so many steps."""

    def run() -> Took:
        done = process.run()
        return Took(getattr(done, clock) * steps / done.steps)

    return run


def cpu_timed(run: Callable[[], object]) -> Callable[[], Took]:
    """The same run, timed by what all cores of this process spend on it."""

    def timed() -> Took:
        start = time.process_time()
        jax.block_until_ready(run())
        return Took(time.process_time() - start)

    return timed


def made(name: str) -> Environment:
    """The grid; rooms with codes."""
    codes = dict(observation="codes") if name in minihack.TASKS else {}
    return register.make(name, **codes)


class Ours:
    """Plays on with each call; the rewards of it, added up."""

    def __init__(self, env: Environment, envs: int):
        self._env, self._envs, self._calls = env, envs, 0
        self._horizon = STEPS[envs]
        self._begin = jax.jit(self._reset)
        self._go_on = jax.jit(self._play)
        self._carry: tuple | None = None
        self.steps = envs * self._horizon
        self.size = f"{envs} environments, {self._horizon} steps"

    def __call__(self) -> jax.Array:
        if self._carry is None:
            self._carry = self._begin(jax.random.key(0))
        self._calls += 1
        self._carry, rewards = self._go_on(self._carry, jax.random.key(self._calls))
        return rewards

    def _reset(self, key):
        reset = jax.vmap(self._env.reset, in_axes=(0, None))
        seen, state = reset(jax.random.split(key, self._envs), self._env.default_params)
        return state, seen

    def _play(self, carry, key):
        def step(carry, key):
            key_actions, key_steps = jax.random.split(key)
            shape, count = (self._envs,), self._env.num_actions
            actions = jax.random.randint(key_actions, shape, 0, count)
            keys = jax.random.split(key_steps, self._envs)
            advance = jax.vmap(self._env.step, in_axes=(0, 0, 0, None))
            seen, state, rewards, *_ = advance(
                keys, carry[0], actions, self._env.default_params
            )
            return (state, seen), jnp.sum(rewards)

        keys = jax.random.split(key, self._horizon)
        carry, rewards = jax.lax.scan(step, carry, keys)
        return carry, jnp.sum(rewards)
