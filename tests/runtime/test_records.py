"""The folder of a run and the record of its starts."""

import json
import os
import pathlib
import subprocess
import sys

import jax
import ml_collections
import numpy as np
import pytest

from rl_credit.runtime import records
from rl_credit.runtime.errors import UserError

CONFIG = dict(
    seed=0,
    train=dict(steps=100, rate=1e-3, clips=(0.2, 0.3), limit=None, extras={}),
    credit=dict(name="gigpo"),
)


def config(**train):
    changed = CONFIG | dict(train=CONFIG["train"] | train)
    return ml_collections.ConfigDict(changed)


def read(path):
    return json.loads(path.read_text())


def test_the_config_is_written_sorted_with_every_value(tmp_path):
    workdir = tmp_path / "runs" / "first"
    records.prepare(workdir, config(steps=7))
    assert (workdir / "config.json").read_text().splitlines()[:4] == [
        "{",
        '  "credit": {',
        '    "name": "gigpo"',
        "  },",
    ]
    train = dict(steps=7, rate=1e-3, clips=[0.2, 0.3], limit=None, extras={})
    assert read(workdir / "config.json") == CONFIG | dict(train=train)
    assert sorted(os.listdir(workdir)) == ["config.json", "run.json"]


def test_a_start_says_what_it_ran_on(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["something", "--config.seed=0"])
    records.prepare(tmp_path, CONFIG)
    (start,) = read(tmp_path / "run.json")["starts"]
    assert start["argv"] == ["something", "--config.seed=0"]
    assert start["packages"]["jax"] == jax.__version__
    assert start["packages"]["numpy"] == np.__version__
    assert start["packages"]["rl_credit"].count(".") == 2
    assert set(start["packages"]) == set(records.PACKAGES)
    assert start["python"] == ".".join(map(str, sys.version_info[:3]))
    assert len(start["devices"]) == jax.device_count()
    assert start["processes"] == 1
    assert start["changes"] == []
    assert {"commit", "dirty", "platform"} <= start.keys()
    assert start["time"].endswith("+00:00")


def test_only_cores_that_may_be_used_count(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5}, raising=False)
    assert records.environment()["cores"] == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    assert records.environment()["cores"] == 8


def test_every_start_is_added(tmp_path):
    for _ in range(3):
        records.prepare(tmp_path, config())
    starts = read(tmp_path / "run.json")["starts"]
    times = [start["time"] for start in starts]
    assert len(times) == 3 and times == sorted(times)


def test_another_config_is_refused_and_every_difference_named(tmp_path):
    records.prepare(tmp_path, config())
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    other = config(steps=200, clips=(0.2, 0.4), warmup=3, extras=dict(a="b c"))
    other["credit"]["name"] = "grpo"
    with pytest.raises(UserError) as raised:
        records.prepare(tmp_path, other)
    assert str(raised.value).splitlines() == [
        f"{tmp_path} holds a run of another config:",
        "  credit.name: 'gigpo' -> 'grpo'",
        "  train.clips: [0.2, 0.3] -> [0.2, 0.4]",
        "  train.extras: {} -> absent",
        "  train.extras.a: absent -> 'b c'",
        "  train.steps: 100 -> 200",
        "  train.warmup: absent -> 3",
        "Give another --workdir, or set the config back (--config.credit.name=gigpo "
        "--config.train.clips='[0.2, 0.3]' --config.train.steps=100), or go on with "
        "the new one: --allow_changes.",
    ]
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_allowed_changes_are_noted_and_become_the_config(tmp_path):
    records.prepare(tmp_path, config())
    told = records.changes_allowed.set(True)
    records.prepare(tmp_path, config(steps=200))
    records.changes_allowed.reset(told)
    assert read(tmp_path / "config.json")["train"]["steps"] == 200
    starts = read(tmp_path / "run.json")["starts"]
    assert [start["changes"] for start in starts] == [[], ["train.steps: 100 -> 200"]]
    records.prepare(tmp_path, config(steps=200))
    with pytest.raises(UserError, match="train.steps: 200 -> 100"):
        records.prepare(tmp_path, config())


def test_a_run_may_go_on_on_other_devices(tmp_path):
    records.prepare(tmp_path, dict(devices=dict(mesh="4x2"), seed=0))
    records.prepare(tmp_path, dict(devices=dict(mesh="1x1"), seed=0))
    assert read(tmp_path / "config.json")["devices"] == dict(mesh="1x1")
    changes = [start["changes"] for start in read(tmp_path / "run.json")["starts"]]
    assert changes == [[], ["devices.mesh: '4x2' -> '1x1'"]]


def test_numbers_that_json_does_not_know_are_equal_to_themselves(tmp_path):
    for _ in range(2):
        records.prepare(tmp_path, config(rate=float("nan"), steps=float("inf")))
    assert len(read(tmp_path / "run.json")["starts"]) == 2


def test_json_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "deep" / "data.json"
    records.write_json(path, dict(b=[1, 2.5], a="ü"))
    assert list(read(path)) == ["a", "b"]
    whole = path.read_text()
    with pytest.raises(TypeError, match="not JSON serializable"):
        records.write_json(path, dict(b=object()))
    assert path.read_text() == whole and os.listdir(path.parent) == ["data.json"]


@pytest.fixture
def checkout(tmp_path):
    """A git checkout with one commit, and git itself as a function."""

    def git(*arguments):
        command = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c"]
        answer = subprocess.run(
            [*command, "user.email=a@b.c", *arguments],
            check=True,
            capture_output=True,
            text=True,
        )
        return answer.stdout.strip()

    git("init", "-q")
    (tmp_path / "code.py").write_text("a = 1\n")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    return tmp_path, git


def test_the_commit_and_whether_it_was_changed(checkout):
    folder, git = checkout
    commit = git("rev-parse", "HEAD")
    (folder / "notes").write_text("not part of the code\n")
    assert records.revision(folder) == dict(commit=commit, dirty=False)
    (folder / "code.py").write_text("a = 2\n")
    assert records.revision(folder) == dict(commit=commit, dirty=True)


def test_a_checkout_of_something_else_is_not_ours(checkout):
    folder, _ = checkout
    installed = folder / "site-packages"
    installed.mkdir()
    assert records.revision(installed) == dict(commit=None, dirty=None)


def test_without_git_there_is_no_commit(checkout, monkeypatch):
    folder, _ = checkout
    monkeypatch.setenv("PATH", str(folder))
    assert records.revision(folder) == dict(commit=None, dirty=None)


def test_the_source_is_where_the_package_is():
    assert (records.SOURCE / "rl_credit" / "runtime" / "records.py").is_file()
    assert isinstance(records.SOURCE, pathlib.Path)
