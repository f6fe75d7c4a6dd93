"""The grid agent on several devices and in several processes, in tiny walks."""

import pathlib
import re

import jax
import numpy as np

from rl_credit.training import grid_agent, grid_lanes, grid_placement
from tests.training import tiny_grid

CALL = 8 * 6 * 2  # steps of a seed
MANY = dict(train__frames=3 * CALL, train__anneal=False, model__hidden=())
ENVS = dict(seeds=1, play__num_envs=8, evaluate__episodes=8, **MANY)
SPREAD = {
    "seeds": dict(seeds=8, **MANY),
    "environments": ENVS,
}
SENT = re.compile(r"\b(all-\w+|reduce-scatter|collective-\w+?)(?:-start)?\(")


def called(changes):
    """The programs, the learner after a call, and what was seen then and judged."""
    programs = grid_lanes.programs(tiny_grid.small(**changes))
    learner, seen = programs.call(programs.init(), 0)
    judged = programs.judge(learner, 1)
    return programs, learner, grid_placement.fetched((seen, judged))


def numbers(tree):
    """Of all arrays, by their path."""
    return {
        jax.tree_util.keystr(path): np.asarray(leaf, np.float32).tolist()
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def parts(tree):
    """Into how many parts arrays are cut."""
    leaves = jax.tree.leaves(tree)
    return sorted({x.size // np.prod(x.addressable_data(0).shape) for x in leaves})


def sent(programs, learner):
    """What devices send each other, by program."""
    each = programs._seeds
    lowered = dict(
        call=programs._call.lower(learner, each, each),
        judge=programs._judge.lower(learner.policy.params, each, each),
    )
    return {
        name: sorted(set(SENT.findall(program.compile().as_text())))
        for name, program in lowered.items()
    }


def compared():
    """What one call comes to, what is sent, and where things lie."""
    report = {}
    for name, changes in SPREAD.items():
        programs, learner, seen = called(changes)
        report[name] = dict(
            numbers=numbers((learner, seen)),
            sent=sent(programs, learner),
            playing=list(map(int, parts(learner.playing))),
            rest=list(map(int, parts((learner.policy, learner.known)))),
        )
    try:
        grid_placement.Placement.of(3, 12)
    except ValueError as error:
        report["refused"] = str(error)
    return report


def run(workdir, calls):
    """A run with environments spread over the devices; goes on with what is there."""
    settings = tiny_grid.small(**ENVS | dict(train__frames=calls * CALL))
    grid_agent.train(settings, pathlib.Path(workdir))
