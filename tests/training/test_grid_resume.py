"""The grid agent, killed at any moment and started again, ends as one that was not."""

import json
import sys

import pytest

from tests.training import killing, tiny, tiny_grid
from tests.training.killing import KILLS, STEPS

FRAMES = 4 * 6 * 2  # of a call
CHANGES = {**tiny_grid.SMALL, "train.frames": FRAMES * STEPS, "evaluate.every": 4}


def command(workdir):
    """The command line, its config that of the small runs."""
    flat = {name: value for name, value in CHANGES.items() if name != "bonus"}
    flat |= {f"bonus.{name}": value for name, value in CHANGES["bonus"].items()}
    for name in ("bonus.options", "evaluate.threshold"):
        flat.pop(name)  # the smoke size's will do
    return [
        *(sys.executable, "-m", "experiments.grid_agent"),
        "--config=configs/grid/cartpole.py:smoke",
        f"--workdir={workdir}",
        *(f"--config.{name}={value}" for name, value in flat.items()),
    ]


@pytest.mark.slow
def test_a_run_that_is_killed_and_started_again_equals_an_unbroken_one(tmp_path):
    program = killing.Program("grid", command, tmp_path / "log")
    broken, unbroken = tmp_path / "broken", tmp_path / "unbroken"
    program.finished(unbroken)
    program.broken(broken)
    tiny_grid.assert_same_end(broken, unbroken)
    assert len(tiny.metrics(broken)) == STEPS + 1
    record = json.loads((broken / "run.json").read_text())
    assert len(record["starts"]) == KILLS + 2
