"""Runs side by side: their own numbers, and the mean of each method."""

import json

import pytest

from experiments import compare
from rl_credit.analysis import runs


def finished(folder, name, seed, before, after):
    """A folder as a finished run leaves it."""
    workdir = folder / f"{name}-{seed}"
    workdir.mkdir()
    config = dict(seed=seed, credit=dict(name=name))
    (workdir / "config.json").write_text(json.dumps(config))

    def share(success):
        interval = dict(low=success - 0.1, high=success + 0.1)
        return dict(success=success, turns=9.0, invalid=0.1, episodes=20, **interval)

    result = dict(before=share(before), after=share(after), seconds=90.0)
    (workdir / "result.json").write_text(json.dumps(result))
    lines = [
        {"step": 0, "held_out/success": before, "train/success": before},
        {"step": 1, "held_out/success": after},
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (workdir / "metrics.jsonl").write_text(text)
    return workdir


@pytest.fixture
def folders(tmp_path):
    """Two runs with one method and one with another, out of order."""
    return [
        finished(tmp_path, "grpo", 0, 0.2, 0.3),
        finished(tmp_path, "gigpo", 1, 0.3, 0.7),
        finished(tmp_path, "gigpo", 0, 0.2, 0.8),
    ]


def test_the_table_has_a_row_a_run_and_the_mean_of_each_method(folders):
    lines = runs.table(runs.read(folders)).splitlines()
    assert lines[2:] == [
        "| gigpo | 0 | 20% (10% to 30%) | 80% (70% to 90%) | +60 | 1.5 |",
        "| gigpo | 1 | 30% (20% to 40%) | 70% (60% to 80%) | +40 | 1.5 |",
        "| grpo | 0 | 20% (10% to 30%) | 30% (20% to 40%) | +10 | 1.5 |",
        "| gigpo | mean of 2 | | 75 (deviation 7) | 50 (deviation 14) | |",
        "| grpo | mean of 1 | | 30 | 10 | |",
    ]


def test_the_curves_are_those_of_the_runs(folders):
    held_out, train = runs.curves(runs.read(folders)).axes
    drawn = {line.get_label(): line.get_xydata().tolist() for line in held_out.lines}
    assert drawn["gigpo, seed 1"] == [[0.0, 0.3], [1.0, 0.7]]
    assert len(drawn) == 3 and len(train.lines) == 3
    colours = [line.get_color() for line in held_out.lines]
    assert colours[0] == colours[1] != colours[2]


def test_the_command_prints_and_keeps_the_table(folders, monkeypatch, capsys):
    out = folders[0].parent / "docs"
    arguments = ["compare", *map(str, folders), f"--out={out}"]
    monkeypatch.setattr("sys.argv", arguments)
    compare.main()
    table = (out / "text_agents_runs.md").read_text()
    assert table == runs.table(runs.read(folders)) + "\n" == capsys.readouterr().out
    assert (out / "text_agents.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "credit_card.md").read_text().startswith("# Credit card: 3 runs")


def test_a_run_that_is_not_finished_is_named(folders, monkeypatch, capsys):
    (folders[0] / "result.json").unlink()
    with pytest.raises(ValueError, match="grpo-0 has no result.json"):
        runs.read(folders)
    monkeypatch.setattr("sys.argv", ["compare", str(folders[0])])
    with pytest.raises(SystemExit):
        compare.main()
    assert "the run is not finished" in capsys.readouterr().err
