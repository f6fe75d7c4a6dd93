"""Runs of the text agent in `worlds.Rooms`: one shape a program, to compile little."""

import copy
import functools
import json
import pathlib
import tempfile

import jax
import numpy as np
import orbax.checkpoint as ocp

from configs.text import textworld
from rl_credit.runtime.sections import plain, sections
from rl_credit.training import text_agent
from rl_credit.training.settings import Settings

ROOT = pathlib.Path(__file__).parents[2]
ROOMS = "tests.training.worlds:Rooms"
FOLDERS = tempfile.TemporaryDirectory()  # goes when the process ends
SMALL = {  # by dotted path: a prompt has 5 tokens and an answer up to 3
    "seed": 0,
    "env.name": ROOMS,
    "env.options": {},
    "env.train": 6,
    "env.held_out": 4,
    "env.workers": 1,
    "model.tokenizer": "words",
    "model.sizes": textworld.model(width=32, layers=1)["sizes"],
    "play.format": "plain",
    "play.history": 0,
    "play.recalled": 0,
    "play.turns": 3,
    "play.limit": 3,
    "play.window": 512,
    "play.temperature": 1.0,
    "demonstrations": 6,
    "imitation.epochs": 1,
    "imitation.batch": 6,
    "credit.name": "gigpo",
    "credit.invalid_penalty": 0.2,
    "train.steps": 3,
    "train.tasks": 2,
    "train.attempts": 4,
    "train.epochs": 1,
    "train.minibatches": 1,
    "train.tokens": 8,  # one row a microbatch
    "train.learning_rate": 1e-2,
    "evaluate.every": 1,
    "evaluate.attempts": 1,
    "evaluate.temperature": 1.0,
    "save.every": 1,
    "save.keep": 2,
}


def config(**changes):
    """The smoke config as a dict; "a__b" is the field b of the section a."""
    made = copy.deepcopy(plain(textworld.get_config("smoke")))
    dotted = {name.replace("__", "."): value for name, value in changes.items()}
    for path, value in dotted.items():
        *parents, last = path.split(".")
        section = made
        for name in parents:
            section = section[name]
        assert last in section, path
        section[last] = value
    return made


def settings(**changes):
    """Settings of the smoke config with these changes."""
    return sections(Settings, config(**changes))


def small(**changes):
    """Settings of `worlds.Rooms` with these changes."""
    return settings(**{**SMALL, **changes})


def trained(workdir, **changes):
    """Trains in `worlds.Rooms`; the folder."""
    text_agent.train(small(**changes), workdir)
    return workdir


def folder(name):
    """One that stays as long as the process."""
    made = pathlib.Path(FOLDERS.name) / name
    made.mkdir()
    return made


@functools.cache
def run():
    """The folder of the one run that the tests share; nobody may write to it."""
    return trained(folder("run"))


def metrics(workdir):
    """The lines of metrics.jsonl without what the clock says."""
    lines = (workdir / "metrics.jsonl").read_text().splitlines()
    return [
        {name: v for name, v in json.loads(line).items() if name[:8] != "seconds/"}
        for line in lines
    ]


def result(workdir):
    """result.json without what the clock says."""
    found = json.loads((workdir / "result.json").read_text())
    assert found.pop("seconds") > 0
    return found


def carried(workdir):
    """Step and arrays of the last checkpoint, by their path."""
    steps = [int(path.name) for path in (workdir / "checkpoints").iterdir()]
    state = workdir.absolute() / "checkpoints" / str(max(steps)) / "state"
    with ocp.StandardCheckpointer() as reader:
        leaves = jax.tree_util.tree_leaves_with_path(reader.restore(state))
    found = {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves}
    return found | {"step": np.asarray(max(steps))}


def assert_same_end(one, other):
    """Both runs ended with the same lines, transcripts and arrays, bit for bit."""
    assert metrics(one) == metrics(other)
    assert result(one) == result(other)
    for name in ("transcripts.jsonl", "episodes.jsonl", "panel.json"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    assert_same_arrays(one, other)


def assert_same_arrays(one, other):
    """The last checkpoints of both runs, and those of the best states, are the same."""
    for place in (".", "best"):
        arrays, others = carried(one / place), carried(other / place)
        assert arrays.keys() == others.keys()
        for name, array in arrays.items():
            assert array.dtype == others[name].dtype, name
            assert array.tobytes() == others[name].tobytes(), name
