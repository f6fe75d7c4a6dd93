"""The report of a run of the grid agent: its numbers, and what is in the picture."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from rl_credit.analysis import grid_agent as report
from rl_credit.analysis import intervals
from rl_credit.analysis.card import page
from tests.training import tiny_grid


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """A run of three calls, to draw in."""
    return shutil.copytree(tiny_grid.run(), tmp_path_factory.mktemp("report") / "run")


def test_the_table_has_the_numbers_of_the_result(workdir):
    found = json.loads((workdir / "result.json").read_text())
    head, rule, *rows, _, spent = report.table(workdir).splitlines()
    assert f"{tiny_grid.WALK}, 2 seeds, 3 fresh episodes each" in head
    assert head.count("|") == rule.count("|") == 5
    for when, row in zip(("before", "after"), rows, strict=True):
        name, paid, share, steps = [cell.strip() for cell in row.strip("|").split("|")]
        scores = np.asarray(found[when]["return"])
        low, high = intervals.bootstrap(scores)
        assert name == when
        assert paid == f"{intervals.iqm(scores):.4g} ({low:.4g} to {high:.4g})"
        middle = intervals.iqm(np.asarray(found[when]["success"]))
        assert share.startswith(f"{middle:.0%} (")
        assert float(steps) == pytest.approx(np.mean(found[when]["length"]), abs=0.05)
    assert spent.startswith("144 steps a seed in")
    assert f"{found['after']['return'][1]:.4g}." in spent


def test_the_picture_is_drawn_and_named(workdir):
    words = report.written(workdir)
    assert report.table(workdir) in words and str(workdir) in words
    assert report.CURVES in words
    assert (workdir / page.CARD).read_text() == page.card([workdir])
    with Image.open(workdir / report.CURVES) as image:
        assert len(np.unique(np.asarray(image.convert("L")))) > 20


def test_curves_are_interquartile_means_of_the_seeds(workdir):
    left, right = report.curves(workdir).axes
    assert "return" in left.get_title() and "success" in right.get_title()
    labelled = {line.get_label(): line for line in left.lines}
    thick = {name: line for name, line in labelled.items() if name[0] != "_"}
    assert set(thick) == set(report.NAMES.values())
    told = [line for line in tiny_grid.told(workdir) if line["kind"] == "train"]
    drawn = thick[report.NAMES["train"]]
    np.testing.assert_array_equal(drawn.get_xdata(), [line["frames"] for line in told])
    expected = [intervals.iqm(np.asarray(line["return"])) for line in told]
    np.testing.assert_allclose(drawn.get_ydata(), expected)


def test_a_call_in_which_no_episode_ended_is_left_out(workdir, tmp_path):
    copy = shutil.copytree(workdir, tmp_path / "run")
    told = tiny_grid.told(copy)
    told[1]["return"][0] = None
    lines = "".join(json.dumps(line) + "\n" for line in told)
    (copy / "seeds.jsonl").write_text(lines)
    left, _ = report.curves(copy).axes
    counts = {line.get_label(): len(line.get_xdata()) for line in left.lines}
    assert counts[report.NAMES["train"]] == 2
    assert counts[report.NAMES["held_out"]] == 4
