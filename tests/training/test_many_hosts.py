"""Several processes learn what one would, and together play every task once."""

import json

import jax
import numpy as np
import pytest

from rl_credit.runtime import metrics
from rl_credit.training import collect
from tests import processes
from tests.training import many_hosts, tiny

pytestmark = pytest.mark.slow
PROGRAM = "tests.training.many_hosts"
MESHES = {2: "2x4", 4: "4x2"}  # processes: their mesh of eight devices


@pytest.mark.parametrize("count", MESHES)
def test_an_update_is_that_of_one_device(count):
    devices, arguments = 8 // count, [MESHES[count]]
    told = processes.printed(
        f"{PROGRAM}:updated", count=count, devices=devices, arguments=arguments
    )
    expected, seen = many_hosts.updated("1x1")
    for params, scalars in told:
        np.testing.assert_allclose(params, expected, rtol=0, atol=1e-5)
        for name, value in seen.items():
            np.testing.assert_allclose(
                scalars[name], value, rtol=1e-4, atol=1e-5, err_msg=name
            )


def test_a_warm_up_and_what_learns_from_turns_come_to_what_one_device_does():
    count, program = 2, f"{PROGRAM}:learned"
    told = processes.printed(program, count=count, devices=4, arguments=["4x2"])
    (alone,) = processes.printed(program, count=1, devices=1, arguments=["1x1"])
    warm, sources = alone
    for name, expected in sources.items():
        for host, (imitated, report) in enumerate(told):
            np.testing.assert_allclose(imitated, warm, rtol=0, atol=1e-5)
            found = report[name]
            np.testing.assert_allclose(
                found["params"], expected["params"], rtol=0, atol=1e-5
            )
            for scalar, value in expected["seen"].items():
                if not scalar.endswith(("/forwards", "/gradients")):  # of its own rows
                    np.testing.assert_allclose(
                        found["seen"][scalar], value, rtol=1e-4, err_msg=scalar
                    )
            own = [row for row in range(24) if row // 4 % count == host]
            assert found["turns"] == [expected["turns"][row] for row in own]
            for field, values in expected["filled"].items():
                np.testing.assert_allclose(
                    found["filled"][field], np.array(values)[own], rtol=0, atol=1e-4
                )


def test_a_run_of_two_hosts_goes_on_on_one_and_plays_every_task_once(tmp_path):
    arguments = [str(tmp_path), "", 2]
    processes.printed(f"{PROGRAM}:run", count=2, devices=1, arguments=arguments)
    many_hosts.run(tmp_path, "", 3)
    settings = tiny.small()
    panel = json.loads((tmp_path / "panel.json").read_text())["train"]
    lines = (tmp_path / "episodes.jsonl").read_text().splitlines()
    played = {step: [] for step in range(3)}
    for line in map(json.loads, lines):
        played[line["step"]] += line["tasks"]
    given = settings.train.tasks
    for step, tasks in played.items():
        dealt = collect.tasks(panel, settings.seed, step * given, given)
        assert sorted(tasks) == sorted(dealt * settings.train.attempts)
    assert len(lines) == 2 + 2 + 1  # a line for each host
    judged = [line for line in metrics.read(tmp_path) if "held_out/episodes" in line]
    assert {line["held_out/episodes"] for line in judged} == {settings.env.held_out}
    assert [line["step"] for line in judged] == [0, 1, 2, 3]
    starts = json.loads((tmp_path / "run.json").read_text())["starts"]
    assert [start["processes"] for start in starts] == [2, jax.process_count()]
