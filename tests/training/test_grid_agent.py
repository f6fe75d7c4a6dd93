"""Whole runs of the grid agent: what they leave, how they go on, what they refuse."""

import json
import shutil

import numpy as np
import pytest
from ml_collections import config_dict

from experiments import grid_agent as experiment
from rl_credit.runtime.errors import UserError
from rl_credit.training import grid_agent
from tests.training import tiny, tiny_grid

CALLS, FRAMES = 3, 48  # of the shared run, and steps of a seed in a call


class Killed(Exception):
    """In the place of a signal."""


def test_a_run_leaves_its_numbers():
    lines = tiny.metrics(tiny_grid.run())
    assert [line["step"] for line in lines] == list(range(CALLS + 1))
    assert [line["frames"] for line in lines[:-1]] == [48.0, 96.0, 144.0]
    names = "entropy kl clipped explained gradient loss/policy loss/value bonus/mean"
    assert {*names.split(), "train/return", "held_out/success"} <= set(lines[0])
    assert all(np.isfinite(line["entropy"]) for line in lines[:-1])
    assert 0.6 < lines[0]["entropy"] < 0.7  # of two actions, almost uniform
    assert {"held_out/return", "held_out/length", "held_out/success", "step"} == set(
        lines[-1]
    )


def test_every_seed_is_told_of():
    lines = tiny_grid.told(tiny_grid.run())
    kinds = [(line["step"], line["kind"], line["frames"]) for line in lines]
    assert kinds == [
        *((0, "held_out", 0), (0, "train", 48)),
        *((1, "held_out", 48), (1, "train", 96)),
        *((2, "held_out", 96), (2, "train", 144)),
        (3, "held_out", 144),
    ]
    for line in lines:
        assert len(line["return"]) == len(line["success"]) == 2
    trained = [line for line in lines if line["kind"] == "train"]
    means = [line["train/return"] for line in tiny.metrics(tiny_grid.run())[:-1]]
    np.testing.assert_allclose(means, [np.mean(line["return"]) for line in trained])


def test_the_result_is_that_of_the_first_and_the_last_evaluation():
    found = tiny.result(tiny_grid.run())
    fresh = [
        line
        for line in tiny_grid.told(tiny_grid.run())
        if line["kind"] == grid_agent.HELD_OUT
    ]
    for name in ("return", "success", "length"):
        assert found["before"][name] == fresh[0][name]
        assert found["after"][name] == fresh[-1][name]
    assert (found["frames"], found["episodes"]) == (144, 3)


@pytest.mark.parametrize("saved", [0, 1, 2])
def test_a_broken_run_goes_on_to_the_same_end(tmp_path, monkeypatch, saved):
    called = grid_agent.called

    def broken(programs, learner, step, *rest):
        if step == saved:
            raise Killed
        return called(programs, learner, step, *rest)

    monkeypatch.setattr(grid_agent, "called", broken)
    with pytest.raises(Killed):
        tiny_grid.trained(tmp_path / "run")
    monkeypatch.undo()
    tiny_grid.trained(tmp_path / "run")
    tiny_grid.assert_same_end(tmp_path / "run", tiny_grid.run())


def test_a_finished_run_stays_as_it_is(tmp_path):
    again = shutil.copytree(tiny_grid.run(), tmp_path / "run")
    tiny_grid.trained(again)
    tiny_grid.assert_same_end(again, tiny_grid.run())


def test_another_config_is_not_gone_on_with(tmp_path):
    again = shutil.copytree(tiny_grid.run(), tmp_path / "run")
    with pytest.raises(UserError, match="loss.clip: 0.2 -> 0.3"):
        tiny_grid.trained(again, loss__clip=0.3)


def test_a_run_that_nobody_can_have_leaves_no_trace(tmp_path):
    with pytest.raises(UserError, match="channels.*give channels="):
        tiny_grid.trained(tmp_path / "run", model__channels=(4,))
    assert not (tmp_path / "run").exists()


def test_a_misspelt_name_is_met_with_the_right_one(tmp_path):
    config = tiny_grid.config()
    config["train"]["minibatch"] = config["train"].pop("minibatches")
    with pytest.raises(UserError, match="'minibatch'; did you mean 'minibatches'"):
        experiment.main(config_dict.ConfigDict(config), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_smoke_size_trains_and_is_reported(tmp_path, capsys):
    experiment.main(config_dict.ConfigDict(tiny_grid.config()), tmp_path / "run")
    printed = capsys.readouterr().out
    assert "gymnax:CartPole-v1, 2 seeds" in printed and "curves.png" in printed
    assert json.loads((tmp_path / "run/result.json").read_text())["frames"] == 64
