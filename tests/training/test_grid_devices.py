"""Grid agents learn on many devices what they would on one, and go on on others."""

import functools
import json

import numpy as np
import pytest

from rl_credit.runtime import records
from tests import devices, processes
from tests.training import grid_devices, tiny, tiny_grid

pytestmark = pytest.mark.slow
PROGRAM = "tests.training.grid_devices"
every_way = pytest.mark.parametrize("way", grid_devices.SPREAD)


@functools.cache
def report():
    return devices.printed(f"{PROGRAM}:compared")


@every_way
def test_a_call_on_eight_devices_is_that_of_one(way):
    _, learner, seen = grid_devices.called(grid_devices.SPREAD[way])
    expected = grid_devices.numbers((learner, seen))
    found = report()[way]["numbers"]
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(
            found[name], value, rtol=1e-4, atol=1e-5, err_msg=name
        )


@every_way
def test_every_device_plays_its_part(way):
    assert report()[way]["playing"] == [devices.COUNT]
    rest = devices.COUNT if way == "seeds" else 1
    assert report()[way]["rest"] == [rest]


def test_devices_with_seeds_of_their_own_send_each_other_nothing():
    assert report()["seeds"]["sent"] == dict(call=[], judge=[])
    assert "all-reduce" in report()["environments"]["sent"]["call"]


def test_devices_that_divide_neither_are_refused():
    said = report()["refused"]
    assert "seeds=3, play.num_envs=12 and 8 devices" in said
    assert "as 8" in said and "as 16" in said


def test_a_run_of_two_processes_goes_on_on_one_without_a_gap(tmp_path):
    broken, unbroken = tmp_path / "broken", tmp_path / "unbroken"
    arguments = [str(broken), 2]
    processes.printed(f"{PROGRAM}:run", count=2, devices=1, arguments=arguments)
    allowed = records.changes_allowed.set(True)
    grid_devices.run(broken, 3)
    records.changes_allowed.reset(allowed)
    grid_devices.run(unbroken, 3)
    assert_alike(tiny.metrics(broken), tiny.metrics(unbroken), [0, 1, 2, 3])
    steps = [0, 0, 1, 1, 2, 2, 3]  # judged, then trained
    assert_alike(tiny_grid.told(broken), tiny_grid.told(unbroken), steps)
    starts = json.loads((broken / "run.json").read_text())["starts"]
    assert [start["processes"] for start in starts] == [2, 1]


def assert_alike(lines, others, steps):
    """The same lines but for rounding, of these steps."""
    assert [line["step"] for line in lines] == steps
    assert [line["step"] for line in others] == steps
    for line, other in zip(lines, others):
        assert line.keys() == other.keys()
        for name, value in other.items():
            if name == "kind":
                assert line[name] == value
            else:
                np.testing.assert_allclose(
                    line[name], value, rtol=1e-4, atol=1e-5, err_msg=name
                )
