"""The card of a run of the grid agent, every number again from its files."""

import json
import shutil

import numpy as np
import pytest

from rl_credit.analysis import intervals
from rl_credit.analysis.card import page
from tests.analysis.cards import lines, rewrite, tables, warnings
from tests.training import tiny_grid


@pytest.fixture(scope="module")
def run():
    """The shared run of three calls and two seeds; nobody may write to it."""
    return tiny_grid.run()


@pytest.fixture(scope="module")
def card(run):
    """Its tables."""
    return tables(page.card([run]))


def test_the_budget_is_that_of_all_seeds(run, card):
    config = json.loads((run / "config.json").read_text())
    frames = lines(run / "metrics.jsonl")[-2]["frames"] * config["seeds"]
    assert frames == 4 * 6 * 2 * 3 * 2
    assert card["Budget"]["environment steps to train"].startswith("288 (144 of 144 ")
    assert card["Budget"]["observations forward"] == str(3 * 288)
    assert card["Budget"]["observations forward and backward"] == str(2 * 288)
    told = [line for line in tiny_grid.told(run) if line["kind"] == "train"]
    ended = sum(sum(line["episodes"]) for line in told)
    assert card["Budget"]["episodes ended to train (a reset each)"] == f"{ended:.0f}"
    fresh = [line for line in tiny_grid.told(run) if line["kind"] == "held_out"]
    steps = 3 * sum(sum(line["length"]) for line in fresh)
    told = f"24 episodes in 4 evaluations, {steps:.0f} environment steps"
    assert card["Budget"]["evaluation"] == told
    assert card["Tasks"]["seeds"] == "0, 1"


def test_results_are_interquartile_means_with_their_intervals(run, card):
    found = json.loads((run / "result.json").read_text())
    for when in ("before", "after"):
        scores = np.asarray(found[when]["return"])
        low, high = intervals.bootstrap(scores)
        told = f"{intervals.iqm(scores):.4g} ({low:.4g} to {high:.4g}), 2 seeds,"
        assert card["Results"][f"return, {when}"].startswith(told)


def test_what_is_summed_on_the_device_is_said_to_be_unknown(card):
    told = card["Episodes"]["quantiles of the length, training"]
    assert told.startswith("not recorded by this run: episodes are summed")


def test_a_killed_run_says_so(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "run")
    (copy / "result.json").unlink()
    for name in ("metrics.jsonl", "seeds.jsonl"):
        rewrite(copy / name, lambda line: line if line["step"] < 2 else None)
    text = page.card([copy])
    assert "**Unfinished:**" in text
    assert "return, last evaluation (call 1)" in tables(text)["Results"]
    assert "192 (96 of 144 planned" in tables(text)["Budget"][
        "environment steps to train"
    ]
    both = page.card([run, copy])
    assert "**unfinished**" in both and "**Not compute-matched:**" in both
    assert any("environment steps to train: A 288; B 192" in w for w in warnings(both))


def test_a_study_stands_for_its_runs(run, tmp_path):
    for name in ("one", "two"):
        shutil.copytree(run, tmp_path / "cells" / "task" / name)
    text = page.card([tmp_path])
    assert "| A | one | `gae` | 0, 1 |" in text and "| B | two |" in text
    assert not warnings(text)
