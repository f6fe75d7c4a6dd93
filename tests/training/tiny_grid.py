"""Runs of the grid agent that are over in no time: few shapes, to compile little."""

import copy
import functools
import json
import pathlib

from configs.grid import cartpole
from rl_credit.runtime.sections import plain, sections
from rl_credit.training import grid_agent
from rl_credit.training.grid_settings import Settings
from tests.training import tiny

WALK = "tests.rollout.walk:Walk"
BY_COUNT = dict(
    name="count_product",
    options={},
    coefficient=0.5,
    formula="running",
    count="message",
)
SMALL = {  # by dotted path
    "env.name": WALK,
    "bonus": BY_COUNT,
    "model.hidden": (8,),
    "play.num_envs": 4,
    "play.horizon": 6,
    "train.frames": 4 * 6 * 2 * 3,
    "train.updates_per_call": 2,
    "train.epochs": 2,
    "train.minibatches": 2,
    "evaluate.every": 1,
    "evaluate.episodes": 3,
    "evaluate.threshold": None,
}


def config(**changes):
    """The smoke config as a dict; "a__b" is the field b of the section a."""
    made = copy.deepcopy(plain(cartpole.get_config("smoke")))
    for path, value in changes.items():
        *parents, last = path.replace("__", ".").split(".")
        section = made
        for name in parents:
            section = section[name]
        assert last in section, path
        section[last] = copy.deepcopy(value)  # other changes may go into it
    return made


def settings(**changes):
    """Settings of the smoke config with these changes."""
    return sections(Settings, config(**changes))


def small(**changes):
    """Settings of walks with these changes."""
    return settings(**{**SMALL, **changes})


def trained(workdir, **changes):
    """Trains in walks; the folder."""
    grid_agent.train(small(**changes), workdir)
    return workdir


@functools.cache
def run():
    """The folder of the one run that the tests share; nobody may write to it."""
    return trained(tiny.folder("grid"))


def told(workdir):
    """The lines of seeds.jsonl."""
    return list(map(json.loads, (workdir / "seeds.jsonl").read_text().splitlines()))


def assert_same_end(one: pathlib.Path, other: pathlib.Path):
    """Both runs ended with the same lines and arrays, bit for bit."""
    assert tiny.metrics(one) == tiny.metrics(other)
    assert tiny.result(one) == tiny.result(other)
    assert told(one) == told(other)
    tiny.assert_same_arrays(one, other)
