"""The report of a sweep says what its arrays say, with intervals, and nothing else."""

import json

import numpy as np
import pytest

from rl_credit.analysis import fidelity
from rl_credit.analysis import fidelity_figures as figures
from rl_credit.analysis.fidelity import METRICS, Cell, Metric
from rl_credit.analysis.intervals import Interval

SEEDS, BLOCKS, WIDE = 32, 8, 20


def scored(random, level, budget):
    """Arrays of one budget whose metrics lie about a level."""
    near = {
        name: np.float32(level + 0.05 * random.normal(size=SEEDS))
        for name in ("cosine", "ranking", "spearman", "sign")
    }
    errors = {name: random.uniform(0.1, 1, BLOCKS) for name in ("bias", "variance")}
    gradients = 1.0 + random.normal(size=(SEEDS, WIDE))
    products = np.tile([[level, 1.0, 1.0]], (SEEDS, 1))
    cost = np.tile([[128.0, 16.0, 4.4]], (SEEDS, 1))
    known = dict(gram=gradients @ gradients.T, products=products, cost=cost)
    known |= dict(afforded=np.asarray(32), along=gradients.mean(1))
    return {f"{budget}/{k}": v for k, v in (near | errors | known).items()}


def cell(process, estimator, level, budgets=(8, 32)):
    """A cell with learning."""
    random = np.random.default_rng(round(1000 * level))
    arrays = dict(before=np.asarray(1.0), best=np.asarray(3.0))
    for budget in budgets:
        arrays |= scored(random, level, budget)
    rising = 1.0 + 2 * level * np.linspace(0.1, 1, 5)
    arrays["returns"] = rising + 0.05 * random.normal(size=(SEEDS, 5))
    arrays["updates"] = np.arange(1, 6) * 4
    return Cell(process, estimator, arrays)


def poor(process, estimator, budgets=(8, 32)):
    """A cell whose budgets afford nothing."""
    afforded = {f"{budget}/afforded": np.asarray(0) for budget in budgets}
    known = dict(before=np.asarray(1.0), best=np.asarray(3.0))
    return Cell(process, estimator, known | afforded)


@pytest.fixture
def cells():
    """The first estimator is best in a, level with the second in b."""
    return [
        cell("a", "good", 0.9),
        cell("b", "good", 0.5),
        cell("a", "fair", 0.6),
        cell("b", "fair", 0.5001),
        poor("a", "dear"),
        cell("b", "dear", 0.1),
    ]


def fields(line):
    """The cells of a row."""
    return [word.strip() for word in line.strip("|").split("|")]


def test_the_mean_is_inside_its_interval_and_leaves_out_what_is_unknown():
    values = np.array([0.0, 1.0, np.nan, 2.0, 5.0])
    found = fidelity.mean(values)
    assert found.middle == 2.0 and found.low < 2.0 < found.high
    assert fidelity.mean(np.full(3, np.nan)) is None is fidelity.mean(np.zeros(0))
    assert fidelity.mean(np.ones(4)) == Interval(1.0, 1.0, 1.0)


@pytest.mark.parametrize("which", METRICS)
def test_every_metric_is_inside_its_interval(which, cells):
    found = METRICS[which].of(cells[0], 32)
    assert found.low <= found.middle <= found.high
    assert METRICS[which].of(poor("a", "dear"), 32) is None


def test_noise_is_signal_over_variance_of_the_gradients():
    """Of mean m and unit deviations |m|^2 / n, in n dimensions."""
    random = np.random.default_rng(3)
    inside = 0
    for _ in range(20):
        gradients = 0.4 + random.normal(size=(64, 30))
        arrays = {"8/gram": np.float32(gradients @ gradients.T)}
        found = fidelity.noise(Cell("a", "x", arrays), 8)
        mean = gradients.mean(0)
        spread = np.square(gradients - mean).sum() / 63
        signal = mean @ mean - spread / 64
        assert found.middle == pytest.approx(10 * np.log10(signal / spread), abs=1e-3)
        assert found.low < found.middle < found.high
        inside += found.low < 20 * np.log10(0.4) < found.high
    assert inside >= 17


def test_noise_of_gradients_that_agree_or_have_nothing_in_common():
    same = Cell("a", "x", {"8/gram": np.ones((9, 9))})
    assert fidelity.noise(same, 8).middle == pytest.approx(60, abs=0.1)
    apart = Cell("a", "x", {"8/gram": np.eye(9)})
    assert fidelity.noise(apart, 8).middle == pytest.approx(-60, abs=0.1)
    assert fidelity.noise(Cell("a", "x", {"8/gram": np.zeros((9, 9))}), 8) is None


def test_the_error_is_what_the_best_unit_leaves():
    """Of credit 3 * truth and as much noise: half."""
    random = np.random.default_rng(0)
    truth = random.normal(size=(16, 500))
    credit = 3 * (truth + random.normal(size=truth.shape))
    pairs = (credit, truth), (credit, credit), (truth, truth)
    products = np.stack([(one * other).sum(1) for one, other in pairs], 1)
    for sign, expected in ((1, 0.5), (-1, 1.0)):
        arrays = {"8/products": products * [sign, 1, 1]}
        found = fidelity.error(Cell("a", "x", arrays), 8)
        assert found.middle == pytest.approx(expected, abs=0.05)
        assert found.low <= found.middle <= found.high
    exact = Cell("a", "x", {"8/products": np.ones((4, 3))})
    assert fidelity.error(exact, 8).middle == pytest.approx(0.0)


def test_learned_is_the_share_of_what_can_be_gained(cells):
    returns = cells[0].arrays["returns"][:, -1]
    found = fidelity.gained(cells[0])
    assert found.middle == pytest.approx((returns.mean() - 1.0) / 2.0)
    assert found.middle == pytest.approx(0.9, abs=0.02)


def fixed(low, high):
    """A cell of that interval."""
    arrays = dict(low=np.asarray(low), high=np.asarray(high))
    return Cell("a", f"{low} to {high}", arrays)


@pytest.mark.parametrize(
    "higher, bold", [(True, [False, True, True]), (False, [True, True, False])]
)
def test_bold_is_what_the_best_is_not_surely_better_than(higher, bold):
    """Of 0 to 2, 1 to 4 and 3 to 5 the ends do not touch, and the others do."""

    def of(cell, _):
        low, high = (float(cell.arrays[end]) for end in ("low", "high"))
        return Interval((low + high) / 2, low, high)

    cells = [fixed(0.0, 2.0), fixed(1.0, 4.0), fixed(3.0, 5.0)]
    table = fidelity.across(cells, Metric("", "", of, higher), 8)
    rows = [fields(line)[1] for line in table.splitlines()[2:]]
    assert [row.startswith("**") for row in rows] == bold
    assert rows[0].strip("*") == "1.00 (0.00 to 2.00)"


def test_the_table_has_a_row_an_estimator_and_a_column_a_process(cells):
    lines = fidelity.across(cells, METRICS["cosine"], 32).splitlines()
    assert fields(lines[0]) == ["", "a", "b"]
    rows = {fields(line)[0]: fields(line)[1:] for line in lines[2:]}
    assert list(rows) == ["good", "fair", "dear"]
    assert rows["good"][0].startswith("**0.9") and rows["fair"][0].startswith("0.6")
    assert rows["good"][1].startswith("**") and rows["fair"][1].startswith("**")
    assert rows["dear"][0] == "" and rows["dear"][1].startswith("0.1")


def test_a_process_has_the_other_metrics_and_what_they_cost(cells):
    head, line, *rows = fidelity.within(cells, "a", 32).splitlines()
    assert len({row.count("|") for row in (head, line, *rows)}) == 1
    assert fields(head)[-4:] == ["units", "steps", "resets", "forwards"]
    assert fields(rows[0])[-4:] == ["32", "128", "16", "4"]
    assert fields(rows[2])[1:] == [""] * 6 + ["0", "", "", ""]


def test_cells_are_read_in_the_order_that_is_asked_for(tmp_path):
    for process, estimator in (("a", "x"), ("b", "x")):
        path = tmp_path / "cells" / process / f"{estimator}.npz"
        path.parent.mkdir(parents=True)
        names = "8/cosine", "32/cosine", "returns"
        np.savez(path, settings=np.asarray("{}"), **{x: np.ones(3) for x in names})
    found = fidelity.read(tmp_path, [("b", "x"), ("a", "x")])
    assert [one.process for one in found] == ["b", "a"]
    assert set(found[0].arrays) == {"8/cosine", "32/cosine", "returns"}
    assert found[0].budgets() == [8, 32]


def reported(cells, budget, workdir):
    """The report of cells."""
    known = dict(exposes="much", states=3, observations=2, tasks=1, horizon=4)
    text = json.dumps({one.process: known for one in cells})
    (workdir / "processes.json").write_text(text)
    shown = [one.estimator for one in cells]
    return fidelity.report("small", cells, budget, shown, workdir, "python -m x")


def test_a_report_has_tables_pictures_and_how_it_was_made(cells, tmp_path):
    text = reported(cells, 32, tmp_path)
    assert text.startswith("    python -m x\n\n32 batches")
    assert "worth what 32 plain episodes cost" in text
    assert "Learned: 32 policies an estimator, 20 updates each." in text
    assert "| a | much | 3 | 2 | 1 | 4 |" in text
    for title in ("gradient", "ranking", "learned"):
        assert f"### {title}: " in text
    for picture in ("bias_variance", "budgets", "learning"):
        file = tmp_path / f"small_{picture}.png"
        assert f"![{picture}]({file.name})" in text
        assert file.read_bytes().startswith(b"\x89PNG")
    assert text.count("<details>") == 2


def test_a_report_without_learning_and_with_one_budget_leaves_them_out(tmp_path):
    only = cell("a", "good", 0.9, budgets=(32,))
    del only.arrays["returns"], only.arrays["updates"]
    text = reported([only], 32, tmp_path)
    assert "### learned" not in text and "Learned" not in text
    pictures = [path.name for path in tmp_path.glob("*.png")]
    assert pictures == ["small_bias_variance.png"]


def test_every_estimator_that_is_drawn_anywhere_is_in_the_legend(cells):
    for figure in figures.drawn(cells, 32).values():
        (legend,) = figure.legends
        names = {text.get_text() for text in legend.get_texts()}
        assert names == {"good", "fair", "dear"}
        assert [axes.get_title() for axes in figure.axes] == ["a", "b"]


def test_lines_go_through_the_means_and_the_middles(cells):
    drawn = figures.drawn(cells[:1], 32)
    (line,) = drawn["budgets"].axes[0].lines
    means = [cells[0].at(budget, "cosine").mean() for budget in (8, 32)]
    np.testing.assert_allclose(line.get_xydata(), list(zip((8, 32), means)))
    line, best = drawn["learning"].axes[0].lines
    np.testing.assert_array_equal(line.get_xdata(), [4, 8, 12, 16, 20])
    assert best.get_ydata()[0] == 3.0
    (points,) = drawn["bias_variance"].axes[0].collections
    place = [cells[0].at(32, name).mean() for name in ("bias", "variance")]
    np.testing.assert_allclose(points.get_offsets()[0], place)


def test_a_report_is_written_into_its_folder_and_its_own_place(cells, tmp_path):
    workdir, out = tmp_path / "run", tmp_path / "docs" / "results"
    workdir.mkdir()
    (workdir / "small_a.png").write_bytes(b"picture")
    fidelity.written("text", "small", "", workdir)
    assert (workdir / "report.md").read_text() == "text\n" and not out.exists()
    fidelity.written("text", "small", str(out), workdir)
    assert (out / "small_a.png").read_bytes() == b"picture"
    document = out / "fidelity.md"
    assert document.read_text().startswith("# Fidelity\n\n## small\n\n<!-- small: ")
    document.write_text(document.read_text() + "\nConclusions.\n")
    before = document.read_text()
    fidelity.written("another", "small", str(out), workdir)
    assert document.read_text() == before.replace("\ntext\n", "\nanother\n")
