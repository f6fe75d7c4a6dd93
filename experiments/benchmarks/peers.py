"""Another library's environments, played and timed by an interpreter that has it.

    PYTHON -I experiments/benchmarks/peers.py NAME OPTIONS

`peer_process.py` starts this script; OPTIONS are JSON, the arguments of the function
NAME below. The script plays once, to compile; then, whenever a line comes in, it plays
on, with random actions, and prints one line of JSON: environment steps, seconds of wall
time and of CPU time. It must not import rl_credit, whose pins conflict with the peers'.
"""

import json
import os
import random
import resource
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO


def jumanji(levels: str, envs: int, steps: int):
    """Sokoban, on the levels of an npz with rooms, boxes and players of ours."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from jumanji.environments.routing.sokoban import env as sokoban
    from jumanji.environments.routing.sokoban.generator import Generator
    from jumanji.environments.routing.sokoban.types import State
    from jumanji.wrappers import AutoResetWrapper

    with np.load(levels) as bank:
        rooms, boxes, players = (bank[name] for name in ("rooms", "boxes", "players"))
    wall, target, player, box = 1, 2, 3, 4  # jumanji's codes; ours are 0 and 2
    fixed = np.select([rooms == 0, rooms == 2], [wall, target], 0).astype(np.uint8)
    variable = np.zeros((len(rooms), rooms[0].size), np.uint8)
    np.put_along_axis(variable, boxes.astype(int), box, axis=1)
    np.put_along_axis(variable, players[:, None].astype(int), player, axis=1)
    variable = variable.reshape(rooms.shape)

    class Bank(Generator):
        def __call__(self, key):
            level = jax.random.randint(key, (), 0, len(fixed))
            return State(
                key=key,
                fixed_grid=jnp.asarray(fixed)[level],
                variable_grid=jnp.asarray(variable)[level],
                agent_location=self.get_agent_coordinates(jnp.asarray(variable)[level]),
                step_count=jnp.array(0, jnp.int32),
            )

    env = AutoResetWrapper(sokoban.Sokoban(generator=Bank()))

    def reset(key):
        state, seen = env.reset(key)
        return state, seen.observation.grid

    def step(carry, action):
        state, seen = env.step(carry[0], action)
        return (state, seen.observation.grid), seen.reward

    return scanned(reset, step, 4, envs, steps)


def navix(task: str, envs: int, steps: int):
    """An environment of navix by its name; it resets itself in the next step."""
    import navix as library

    env = library.make(task)

    def step(carry, action):
        carry = env.step(carry, action)
        return carry, carry.reward

    return scanned(env.reset, step, len(env.action_set), envs, steps)


def scanned(reset, step, actions: int, envs: int, steps: int):
    """Plays `envs` of `reset` and `step` side by side, compiled as one program."""
    import jax

    @jax.jit
    def run(carry, key):
        def body(carry, key):
            chosen = jax.random.randint(key, (envs,), 0, actions)
            carry, rewards = jax.vmap(step)(carry, chosen)
            return carry, rewards.sum()

        return jax.lax.scan(body, carry, jax.random.split(key, steps))

    carry = jax.jit(jax.vmap(reset))(jax.random.split(jax.random.key(0), envs))
    calls = 0

    def play() -> int:
        nonlocal carry, calls
        calls += 1
        carry, _ = jax.block_until_ready(run(carry, jax.random.key(calls)))
        return envs * steps

    return play


def minihack(task: str, seconds: float):
    """One environment in a Python loop, for `seconds` or a little more."""
    import gymnasium
    import minihack as library  # enters its tasks in gymnasium

    assert library
    env: Any = gymnasium.make(task, observation_keys=("glyphs", "blstats", "message"))
    env.reset()
    draw, actions = random.Random(0).randrange, len(env.unwrapped.actions)

    def play() -> int:
        steps, end = 0, time.perf_counter() + seconds
        while time.perf_counter() < end:
            ends = env.step(draw(actions))[2:4]
            steps += 1
            if any(ends):
                env.reset()
        return steps

    return play


def answer(play: Callable[[], int], answers: TextIO) -> None:
    """Plays once for every line that comes in; `play` says how many steps it took."""
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), cpu_seconds()
        steps = play()
        wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
        line = json.dumps({"steps": steps, "wall": wall, "cpu": cpu})
        print(line, file=answers, flush=True)


def cpu_seconds() -> float:
    """Of this process and of those it has started, such as MiniHack's compiler."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


CHILDREN = resource.RUSAGE_CHILDREN
PEERS: dict[str, Callable] = dict(jumanji=jumanji, navix=navix, minihack=minihack)


def main(name: str, options: str) -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the libraries print is no answer
    play = PEERS[name](**json.loads(options))
    play()
    answer(play, answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
