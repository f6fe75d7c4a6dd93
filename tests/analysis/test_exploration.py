"""The tables of a study are statistics of its runs, and a report has its own place."""

import dataclasses
import json

import numpy as np
import pytest

from configs.grid import multiroom_contexts
from rl_credit.analysis import (
    documents,
    exploration,
    exploration_runs,
    exploration_shared,
    intervals,
)
from rl_credit.analysis.exploration_figures import Place
from rl_credit.analysis.exploration_runs import Finished
from rl_credit.runtime.sections import sections
from rl_credit.training.grid_sweep import Sweep

TASK = "MultiRoom-N4-Lava"


@pytest.fixture(scope="module")
def sweep():
    """Two counts on one map and on three."""
    return sections(Sweep, multiroom_contexts.get_config("smoke"))


def finished(sweep, **successes):
    """A run of each cell, with what `<bonus>_<contexts>` says of its seeds."""
    runs = []
    for cell in sweep.cells():
        seeds = successes[f"{cell.bonus}_{cell.contexts}"]
        curve = [(0, [0.0] * len(seeds)), (64, seeds)]
        runs.append(Finished(cell, np.asarray(seeds), curve, 64, 30.0))
    return runs


@pytest.fixture(scope="module")
def runs(sweep):
    return finished(
        sweep,
        count_global_1=[1.0, 0.8, 0.9, 1.0],
        count_global_3=[0.2, 0.0, 0.1, 0.1],
        count_episodic_1=[0.7, 0.5, 0.6, 0.6],
        count_episodic_3=[0.8, 0.6, 0.9, 0.8],
    )


def test_the_table_has_interquartile_means_and_all_in_the_last_row(sweep, runs):
    head, _, one, three, whole = exploration.table(sweep, runs).splitlines()
    names = [cell.strip() for cell in head.strip("|").split("|")]
    scores = np.array([1.0, 0.8, 0.9, 1.0])
    low, high = intervals.bootstrap(scores[:, None])
    expected = f"{intervals.iqm(scores):.0%} ({low:.0%} to {high:.0%})"
    cells = [cell.strip() for cell in one.strip("|").split("|")]
    assert cells[:2] == [TASK, "1"]
    assert cells[names.index("count_global")] == expected
    both = np.array([[1.0, 0.2], [0.8, 0.0], [0.9, 0.1], [1.0, 0.1]])
    last = [cell.strip() for cell in whole.strip("|").split("|")]
    at = last[names.index("count_global")]
    assert last[0] == "all 2" and at.startswith(f"{intervals.iqm(both):.0%} (")
    partial = exploration.table(sweep, [run for run in runs if run.cell.contexts == 1])
    assert partial.splitlines()[-1].startswith("| all 1 |")
    assert partial.splitlines()[-2].endswith("|  |  |")


def test_what_is_shared_stands_beside_what_a_lifelong_count_gains(sweep, runs):
    one, three = exploration_shared.measured(sweep, runs)
    assert one.variances == {"position": 0.0, "message": 0.0}
    assert 0 < three.variances["position"] <= 1
    assert one.gain == pytest.approx(0.35, abs=0.02) and three.gain < -0.6
    rows = exploration_shared.table([one, three]).splitlines()[2:]
    assert rows[0].startswith(f"| {TASK} | 1 | 0 | 0.00 | 0.00 | +")
    assert "-" in rows[1].rsplit("|", 2)[1]


def test_pieces_of_a_study_meet_in_the_documents(sweep, runs, tmp_path, monkeypatch):
    """The report of a folder that has one run holds those of another folder, too."""
    pieces = {"first": runs[:3], "second": runs[3:]}
    monkeypatch.setattr(exploration, "read", lambda _, folder: pieces[folder.name])
    monkeypatch.setattr(exploration, "_cards", lambda *_: None)  # of folders with files
    out = tmp_path / "docs"
    whole = dataclasses.replace(sweep, out=str(out))
    for name in pieces:
        (tmp_path / name).mkdir()
        text = exploration.written(whole, tmp_path / name, "the command")
    assert "4 of 4 runs" in text and text in (out / "exploration.md").read_text()
    assert exploration.table(sweep, runs) in text
    again = exploration_runs.published(whole)
    for back, run in zip(again, runs, strict=True):
        assert back.cell == run.cell and back.curve == run.curve
        np.testing.assert_array_equal(back.success, run.success)
    known = json.loads((out / "exploration_shared.json").read_text())
    assert [row["contexts"] for row in known[sweep.name]] == [1, 3]
    part = dataclasses.replace(whole, contexts=(3,))
    exploration.written(part, tmp_path / "second", "the command")
    assert len(exploration_runs.published(whole)) == 4  # the others are still there
    assert json.loads((out / "exploration_shared.json").read_text()) == known
    pictures = {path.name for path in out.glob("*.png")}
    assert {"exploration_shared.png", f"exploration_{sweep.name}_shared.png"} < pictures


def test_a_report_takes_the_place_of_the_last_one_and_of_nothing_else():
    first = documents.placed("# Exploration\n\nWords.\n", "a", "one")
    both = documents.placed(first, "b", "two")
    again = documents.placed(both, "a", r"three \1")
    assert again == both.replace("one", r"three \1")
    assert again.startswith("# Exploration\n\nWords.\n\n## a\n\n<!-- a: begin -->")


def test_fresh_contexts_are_written_as_such():
    assert Place(TASK, 0).words == "fresh" and Place(TASK, 3).words == "3"
