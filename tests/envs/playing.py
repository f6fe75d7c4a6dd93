"""How the tests of the pool play, and how they compare what was said."""

import dataclasses
import json

from rl_credit.envs.pool import Failed, Pool
from rl_credit.envs.text.scripted import Scripted

PATH = "tests.envs.misbehaving"
SEED = 3


def plans(tasks):
    """The walkthroughs, each with something that cannot be done in second place."""
    env = Scripted(seed=SEED)
    walks = {task: env.walkthrough(task) for task in tasks}
    return [[walk[0], "fly", *walk[1:]] for walk in walks.values()]


def pool(name="scripted", workers=2, step_timeout=60.0, restarts=1000, **options):
    """A pool of the tests' seed."""
    limits = dict(step_timeout=step_timeout, restarts=restarts)
    return Pool(name, options, workers=workers, seed=SEED, **limits)


def faulty(kinds, **limits):
    """A pool of environments that go wrong."""
    return pool(f"{PATH}:Misbehaving", kinds=kinds, **limits)


def play(running, tasks):
    """Plays each task by its plan to the end; gives every slot's results in order."""
    wanted = plans(tasks)
    results = running.reset(list(tasks))
    heard = [[result] for result in results]
    for turn in range(max(map(len, wanted))):
        going = [not isinstance(r, Failed) and not r.ended for r in results]
        acts = [plan[turn] if on else None for plan, on in zip(wanted, going)]
        results = running.step(acts)
        for transcript, result, on in zip(heard, results, going):
            transcript += [result] * on
    return heard


def written(transcript):
    """The bytes of a transcript."""
    return json.dumps([dataclasses.asdict(turn) for turn in transcript]).encode()
