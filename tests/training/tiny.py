"""Runs of the text agent in `worlds.Rooms`: one shape a program, to compile little."""

import copy
import functools
import json
import pathlib
import tempfile

from configs.text import textworld
from rl_credit.runtime import records
from rl_credit.runtime.sections import plain, sections
from rl_credit.training import text_agent
from rl_credit.training.settings import Settings

ROOMS = "tests.training.worlds:Rooms"
FOLDERS = tempfile.TemporaryDirectory()  # goes when the process ends
SMALL = {  # by dotted path: a prompt has 5 tokens and an answer up to 3
    "env.name": ROOMS,
    "env.options": {},
    "model.sizes": textworld.decoder(width=32, layers=1),
    "play.recalled": 0,
    "play.turns": 3,
    "play.limit": 3,
    "train.steps": 3,
    "train.attempts": 4,
    "train.tokens": 8,  # one row a microbatch
    "train.learning_rate": 1e-2,
    "imitation.batch": 6,
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
    given = config(**{**SMALL, **changes})
    records.prepare(workdir, given)
    text_agent.train(sections(Settings, given), workdir)
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
