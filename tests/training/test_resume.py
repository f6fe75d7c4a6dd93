"""The text agent, killed at any moment and started again, ends as one that was not."""

import json
import sys

import pytest

from tests.training import killing, tiny
from tests.training.killing import KILLS, STEPS

CHANGES = {**tiny.SMALL, "train.steps": STEPS, "evaluate.every": 4, "save.every": 2}


def command(workdir):
    """The command line, its config that of the small runs."""
    given = {name: repr(v) if isinstance(v, dict) else v for name, v in CHANGES.items()}
    return [
        *(sys.executable, "-m", "experiments.text_agent"),
        "--config=configs/text/textworld.py:smoke",
        f"--workdir={workdir}",
        *(f"--config.{name}={value}" for name, value in given.items()),
    ]


@pytest.mark.slow
def test_a_run_that_is_killed_and_started_again_equals_an_unbroken_one(tmp_path):
    program = killing.Program("text", command, tmp_path / "log")
    broken, unbroken = tmp_path / "broken", tmp_path / "unbroken"
    program.finished(unbroken)
    had = program.broken(broken)
    begun = sorted(int(p.suffix[1:]) for p in (broken / "tensorboard").iterdir())
    assert len(begun) == KILLS + 2 and begun[0] == 0 < begun[-1] <= had[-1]
    assert len(set(begun)) > 2
    tiny.assert_same_end(broken, unbroken)
    assert len(tiny.metrics(broken)) == STEPS + 1
    record = json.loads((broken / "run.json").read_text())
    assert len(record["starts"]) == KILLS + 2
    played = (broken / "episodes.jsonl").read_text().splitlines()
    steps = [json.loads(line)["step"] for line in played]
    assert steps == list(range(STEPS))  # no task is played twice, none left out
