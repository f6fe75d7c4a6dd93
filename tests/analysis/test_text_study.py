"""The report of a study of text agents: its numbers, from runs that were made."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from rl_credit.analysis import text_study as report
from rl_credit.analysis.text_study import Finished
from rl_credit.runtime.errors import UserError
from rl_credit.training import text_sweep
from tests.training.test_text_sweep import sweep

EMPTY = dict(turns=10, alone=0.5, curve=[(0, 0.1), (10, 0.2)], seconds=60.0)


def runs(**after):
    """Runs of methods with these successes, seeds counted from 0."""
    return [
        Finished(method, seed, before=0.1, after=success, **EMPTY)
        for method, found in after.items()
        for seed, success in enumerate(found)
    ]


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """A study with one of its three runs finished."""
    folder = tmp_path_factory.mktemp("study")
    for _ in text_sweep.run(sweep(only=("grpo",)), folder):
        pass
    return folder


@pytest.mark.slow
def test_a_run_is_read_as_it_was_played(workdir):
    (run,) = report.read(sweep(), workdir)
    folder = workdir / "cells" / "grpo" / "5"
    found = json.loads((folder / "result.json").read_text())
    assert (run.method, run.seed) == ("grpo", 5)
    assert (run.before, run.after) == tuple(
        found[when]["success"] for when in ("before", "after")
    )
    lines = (folder / "episodes.jsonl").read_text().splitlines()
    steps = [sum(json.loads(line)["turns"]) for line in lines]
    assert [turns for turns, _ in run.curve] == np.cumsum([0, *steps]).tolist()
    assert run.curve[-1] == (run.turns, run.after)


@pytest.mark.slow
def test_states_met_once_are_counted_where_something_was_learned(workdir, tmp_path):
    shutil.copytree(workdir, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "cells" / "grpo" / "5" / "episodes.jsonl"
    steps = list(map(json.loads, path.read_text().splitlines()))
    for step in steps:
        step["turns"][0], step["alone"][0] = 50, None  # dropped
        step["alone"][1:] = [1] * len(step["alone"][1:])
    path.write_text("".join(json.dumps(step) + "\n" for step in steps))
    (run,) = report.read(sweep(), tmp_path)
    learned = sum(sum(step["turns"][1:]) for step in steps)
    assert run.alone == sum(len(step["alone"]) - 1 for step in steps) / learned
    assert run.turns == learned + 50 * len(steps)


@pytest.mark.slow
def test_a_finished_run_is_not_done_again_and_one_of_other_settings_refused(workdir):
    path = workdir / "cells" / "grpo" / "5" / "result.json"
    before = path.stat().st_mtime_ns
    list(text_sweep.run(sweep(only=("grpo",)), workdir))
    assert path.stat().st_mtime_ns == before
    other = sweep(only=("grpo",))
    agent = other.agent | dict(train=other.agent["train"] | dict(learning_rate=0.5))
    other = dataclasses.replace(other, agent=agent)
    assert not report.read(other, workdir)
    with pytest.raises(UserError, match="learning_rate"):
        list(text_sweep.run(other, workdir))


@pytest.mark.slow
def test_the_report_goes_into_the_documents(workdir, tmp_path):
    text = report.written(sweep(out=str(tmp_path)), workdir, "the command")
    assert "1 of 3 runs" in text and "the command" in text and "| grpo | 1 |" in text
    assert text in (tmp_path / "text_agents.md").read_text()
    kept = json.loads((tmp_path / "text_agents_rooms.json").read_text())
    assert [(run["method"], run["seed"]) for run in kept] == [("grpo", 5)]
    assert (tmp_path / "text_agents_rooms.png").stat().st_size > 5000


def test_pieces_of_a_study_meet_in_the_documents(tmp_path):
    study = sweep(out=str(tmp_path))
    cells = [(cell.method, cell.settings.seed) for cell in study.cells()]
    made = [Finished(*cell, before=0.1, after=0.2, **EMPTY) for cell in cells]
    elsewhere = [Finished("gone", 5, before=0.1, after=0.9, **EMPTY), *made[1:]]
    lines = json.dumps([dataclasses.asdict(run) for run in elsewhere])
    (tmp_path / "text_agents_rooms.json").write_text(lines)
    again = dataclasses.replace(made[2], after=0.5)
    assert report.joined(study, [made[0], again]) == [*made[:2], again]
    assert report.joined(sweep(), [made[0]]) == made[:1]


def test_runs_of_a_seed_are_compared_with_each_other():
    found = runs(grpo=[0.2, 0.9], half=[0.3, 0.8, 0.5])
    one, other = (report.of(found, name) for name in ("half", "grpo"))
    assert report.gains(one, other) == pytest.approx([0.1, -0.1])


def test_the_table_tells_success_gain_and_probability():
    text = report.table(sweep(), runs(grpo=[0.2, 0.2], half=[0.4, 0.4]))
    base, half = text.splitlines()[2:]
    assert base == "| grpo | 2 | 10% | 20% (20% to 20%) |  |  | 10 | 50.0% |"
    assert "+20 (+20 to +20) points | 100% (100% to 100%)" in half


def test_a_single_run_has_no_interval_and_is_not_compared():
    found = runs(grpo=[0.2], half=[0.4])
    base, half = report.table(sweep(), found).splitlines()[2:]
    assert "| 10% | 20% |  |  |" in base and "| 40% | +20 points |  |" in half
    assert "half" not in report.improvements(sweep(), found)


def test_every_pair_is_compared_both_ways():
    text = report.improvements(sweep(), runs(grpo=[0.2, 0.4], half=[0.1, 0.3]))
    first, second = text.splitlines()[2:]
    assert first.startswith("| grpo |  | 75%") and second.startswith("| half | 25%")


def test_a_study_without_a_finished_run_has_no_table(tmp_path):
    text = report.written(sweep(), tmp_path, "the command")
    assert "0 of 3 runs" in text and "|" not in text
