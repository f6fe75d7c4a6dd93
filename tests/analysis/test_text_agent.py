"""The report of a run: its numbers, and that there is something in the pictures."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from rl_credit.analysis import text_agent as report
from rl_credit.analysis.card import page
from tests.analysis.cards import rewrite
from tests.training import tiny


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """A run of three steps, to draw in."""
    return shutil.copytree(tiny.run(), tmp_path_factory.mktemp("report") / "run")


@pytest.fixture
def changed(workdir, tmp_path):
    """`changed(change)` is a run whose transcripts went through `change`."""

    def make(change):
        copy = shutil.copytree(workdir, tmp_path / "changed")
        lines = (copy / "transcripts.jsonl").read_text().splitlines()
        texts = [json.dumps(line) + "\n" for line in change(map(json.loads, lines))]
        (copy / "transcripts.jsonl").write_text("".join(texts))
        return copy

    return make


def texts(figure):
    """All that is written in the panels of a figure."""
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_the_table_has_the_numbers_of_the_result(workdir):
    found = json.loads((workdir / "result.json").read_text())
    head, rule, *rows, _, gain = report.table(workdir).splitlines()
    assert "gigpo" in head and head.count("|") == rule.count("|") == 5
    for when, row in zip(("before", "after"), rows, strict=True):
        numbers = found[when]
        name, success, turns, invalid = [c.strip() for c in row.strip("|").split("|")]
        assert name == when
        low, high = f"{numbers['low']:.0%}", f"{numbers['high']:.0%}"
        assert success.startswith(f"{numbers['success']:.0%} ({low} to {high}, 4 ")
        assert turns == f"{numbers['turns']:.1f}"
        assert invalid == f"{numbers['invalid']:.0%}"
    points = 100 * (found["after"]["success"] - found["before"]["success"])
    assert gain.startswith(f"{points:+.0f} points in {found['seconds']:.0f} s")


def test_the_pictures_are_drawn_and_named(workdir):
    words = report.written(workdir)
    assert report.table(workdir) in words and str(workdir) in words
    assert (workdir / page.CARD).read_text() == page.card([workdir])
    for name in (report.CURVES, report.CREDIT, report.GROUPS):
        assert name in words
        with Image.open(workdir / name) as image:
            assert image.format == "PNG"
            width, height = image.size
            pixels = np.asarray(image.convert("L"))
        assert 600 < width < 4000 and 100 < height < 3000
        assert pixels.std() > 5 and (pixels > 250).mean() > 0.3  # ink on white


def test_curves_are_those_of_the_metrics(workdir):
    lines = tiny.metrics(workdir)
    figure = report.curves(workdir)
    assert len(figure.axes) == len(report.PANELS)
    for axes, (title, training, held_out) in zip(figure.axes, report.PANELS):
        assert axes.get_title() == title
        drawn = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
        names = {"training tasks": training, "held-out tasks": held_out}
        for label, name in names.items():
            known = [[x["step"], x[name]] for x in lines if name in x]
            assert drawn.get(label, []) == known, (title, label)


def test_the_picture_of_credit_shows_a_win_beside_a_loss(workdir):
    figure = report.credit(workdir)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[0].startswith("won in") and titles[1].startswith("lost in")
    lines = (workdir / "transcripts.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    mixed = {r["step"] for r in records if r["won"]}
    mixed &= {r["step"] for r in records if not r["won"]}
    group = [r for r in records if r["step"] == max(mixed)]
    assert f"step {max(mixed)}" in figure.get_suptitle()
    assert f"task {group[0]['task']} " in figure.get_suptitle()
    lost = next(r for r in group if not r["won"])
    told = [text.get_text() for text in figure.axes[1].texts]
    assert len(told) == 2 * len(lost["turns"])
    for turn, words, value in zip(lost["turns"], told[::2], told[1::2]):
        assert value == f"{turn['advantage']:+.2f}"
        assert turn["observation"] in words
        done = "(invalid)" if turn["action"] is None else turn["action"]
        assert done in words
    bars = [bar.get_width() for axes in figure.axes for bar in axes.patches]
    assert max(map(abs, bars)) == pytest.approx(1.0)


def test_without_a_win_two_attempts_are_still_shown(changed):
    lost = changed(lambda records: [record | {"won": False} for record in records])
    titles = [axes.get_title() for axes in report.credit(lost).axes]
    assert len(titles) == 2 and all(title.startswith("lost") for title in titles)


def test_turns_without_any_credit_are_drawn_as_zeros(changed):
    def flattened(records):
        for record in records:
            turns = [turn | {"advantage": 0.0} for turn in record["turns"]]
            yield record | {"turns": turns}

    figure = report.credit(changed(flattened))
    assert {text for text in texts(figure) if text[0] in "+-"} == {"+0.00"}


def test_a_run_of_no_step_is_reported_too(changed):
    nothing = changed(lambda records: [])
    rewrite(
        nothing / "metrics.jsonl",
        lambda line: {
            name: value for name, value in line.items() if name[:8] != "anchors/"
        },
    )
    for name in (report.CREDIT, report.GROUPS):
        (nothing / name).unlink(missing_ok=True)
    words = report.written(nothing)
    assert "before" in words and report.GROUPS not in words
    assert (nothing / report.CURVES).stat().st_size > 0
    assert not (nothing / report.CREDIT).exists()
    assert not (nothing / report.GROUPS).exists()
