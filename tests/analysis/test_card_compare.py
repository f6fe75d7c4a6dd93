"""Cards of several runs: a warning where they differ, and none where they do not."""

import json
import shutil

import numpy as np
import pytest

from rl_credit.analysis import intervals
from rl_credit.analysis.card import page
from tests.analysis.cards import configured, rewrite, tables, warnings
from tests.training import tiny


@pytest.fixture
def runs(tmp_path):
    """Two copies of the shared run, as if of two methods."""
    made = [shutil.copytree(tiny.run(), tmp_path / name) for name in ("one", "two")]
    configured(made[1], **{"credit.options.gigpo.step_weight": 0.5})
    return made


def longer(run, extra):
    """Every episode of the run has taken so many turns more."""

    def change(line):
        return line | {"turns": [turns + extra for turns in line["turns"]]}

    rewrite(run / "episodes.jsonl", change)


def test_runs_that_agree_carry_no_warning(runs):
    text = page.card(runs)
    assert not warnings(text) and "Warning" not in text
    assert "**Compute-matched:** every count" in text
    assert "| A | one | `gigpo` | 0 |" in text
    assert len(tables(text)["Method"]["its options"]) == 2  # a column each
    alone = tables(page.card(runs[:1]))
    same = tables(text)["Budget"]
    for name, value in alone["Budget"].items():
        assert same[name] == value


def test_another_budget_is_warned_of_with_both_numbers(runs):
    before = tables(page.card(runs[:1]))["Budget"]["environment steps to train"]
    longer(runs[1], 3)
    text = page.card(runs)
    (told,) = warnings(text)
    after = int(before) + 3 * 24
    assert told.startswith(f"environment steps to train: A {before}; B {after} (")
    assert f"({after / int(before):.2f} times the least)" in told
    assert "**Not compute-matched:**" in text
    columns = tables(text)["Budget"]["environment steps to train"]
    assert columns == [before, str(after)]


def test_a_budget_that_is_nearly_the_same_is_matched(runs):
    rewrite(
        runs[1] / "metrics.jsonl",
        lambda line: {n: v * 1.04 if n == "rows" else v for n, v in line.items()},
    )
    assert not warnings(page.card(runs))
    rewrite(
        runs[1] / "metrics.jsonl",
        lambda line: {n: v * 1.02 if n == "rows" else v for n, v in line.items()},
    )
    (told,) = warnings(page.card(runs))
    assert told.startswith("sequences forward and backward, policy: ")


def test_another_panel_is_warned_of(runs):
    panel = json.loads((runs[1] / "panel.json").read_text())
    panel["train"], panel["held_out"] = panel["held_out"], panel["train"]
    (runs[1] / "panel.json").write_text(json.dumps(panel))
    text = page.card(runs)
    assert warnings(text) == [
        "training tasks: one in A, another in B.",
        "held-out tasks: one in A, another in B.",
    ]
    assert "**Compute-matched:**" in text and "**Not on the same tasks:**" in text


def test_what_one_run_did_not_record_cannot_be_compared(runs):
    (runs[1] / "episodes.jsonl").unlink()
    text = page.card(runs)
    (told,) = warnings(text)
    assert told.startswith("cannot be compared") and "steps to train (B)" in told
    assert "**Nobody knows whether it is compute-matched:**" in text


def test_methods_meet_on_the_same_seeds(runs, tmp_path):
    """Two methods, two seeds each: a panel differs by the seed, not by the method."""
    more = [shutil.copytree(run, tmp_path / f"{run.name}-1") for run in runs]
    for run in more:
        configured(run, seed=1)
        panel = json.loads((run / "panel.json").read_text())
        panel["train"] = panel["train"][::-1][1:] + [99]
        (run / "panel.json").write_text(json.dumps(panel))
    judged = {"held_out/success": 0.75}
    rewrite(more[0] / "metrics.jsonl", lambda line: line | judged)
    text = page.card([*runs, *more])
    assert not warnings(text)
    last = json.loads((runs[0] / "result.json").read_text())["after"]["success"]
    scores = np.array([last, 0.75])
    low, high = intervals.bootstrap(scores)
    told = f"{intervals.iqm(scores):.1%} ({low:.1%} to {high:.1%}), 2 seeds, IQM"
    assert tables(text)["Results"]["A, C"].startswith(told)
    odd = warnings(page.card([*runs, more[0]]))
    assert "seed: one in A, C, another in B." in odd
