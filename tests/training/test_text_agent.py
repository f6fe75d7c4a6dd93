"""A run from its settings to its files, in process."""

import dataclasses
import json
import runpy
import shutil
import sys

import numpy as np
import pytest

from rl_credit.credit.estimators import ESTIMATORS
from rl_credit.credit.pack import pack
from rl_credit.envs import make
from rl_credit.training import text_agent
from tests.training import tiny

PENALTY = 0.2
ONCE = {"train.steps": 1, "train.tokens": 1024}  # all rows in one microbatch


@pytest.fixture
def copied(tmp_path):
    """The shared run, to go on with."""
    return shutil.copytree(tiny.run(), tmp_path / "run")


def transcripts(workdir):
    """The lines of transcripts.jsonl."""
    lines = (workdir / "transcripts.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def groups(workdir):
    """The episodes of each step."""
    found = {}
    for line in transcripts(workdir):
        found.setdefault(line["step"], []).append(line)
    return found


def test_a_run_leaves_its_files():
    run = tiny.run()
    names = {path.name for path in run.iterdir()}
    files = {"metrics.jsonl", "transcripts.jsonl", "panel.json", "result.json"}
    assert files | {"config.json", "checkpoints", "tensorboard"} <= names
    panel = json.loads((run / "panel.json").read_text())
    assert (panel["seed"], len(panel["train"]), len(panel["held_out"])) == (0, 6, 4)
    checkpoints = {path.name for path in (run / "checkpoints").iterdir()}
    assert checkpoints == {"2", "3"}  # the last two
    assert list((run / "tensorboard").glob("events.*"))
    assert not list(run.glob(".*.draft"))


def test_metrics_have_a_line_a_step_and_one_at_the_end():
    lines = tiny.metrics(tiny.run())
    assert [line["step"] for line in lines] == [0, 1, 2, 3]
    assert all(0 <= line["held_out/success"] <= 1 for line in lines)
    for line in lines[:-1]:
        assert line["skipped"] == 0 and line["gradient_norm"] > 0
        assert line["kl_old"] == pytest.approx(0.0, abs=1e-6)  # drawn by this policy
        assert line["moved"] == 0
        assert line["train/episodes"] == 8 and line["train/failed"] == 0
        turns = line["train/turns"] * 8
        assert 0 < line["rows"] <= round(turns)
    assert len({line["entropy"] for line in lines[:-1]}) == 3  # the policy changes
    assert set(lines[-1]) == {n for n in lines[0] if n[:9] == "held_out/"} | {"step"}


def test_the_result_is_that_of_the_first_and_the_last_evaluation():
    lines, result = tiny.metrics(tiny.run()), tiny.result(tiny.run())
    for when, line in (("before", lines[0]), ("after", lines[-1])):
        for name in ("success", "low", "high", "turns", "invalid", "episodes"):
            assert result[when][name] == line[f"held_out/{name}"], (when, name)
    seconds = [
        value
        for line in (tiny.run() / "metrics.jsonl").read_text().splitlines()
        for name, value in json.loads(line).items()
        if name.startswith("seconds/")
    ]
    told = json.loads((tiny.run() / "result.json").read_text())["seconds"]
    assert told == pytest.approx(sum(seconds))


def test_transcripts_show_one_task_a_step_with_the_credit_of_every_turn():
    panel = json.loads((tiny.run() / "panel.json").read_text())
    found = groups(tiny.run())
    assert sorted(found) == [0, 1, 2]
    for episodes in found.values():
        assert len(episodes) == 4  # attempts
        assert len({episode["task"] for episode in episodes}) == 1
        assert episodes[0]["task"] in panel["train"]
        for episode in episodes:
            assert 1 <= len(episode["turns"]) <= 3
            paid = sum(turn["reward"] for turn in episode["turns"])
            assert paid == pytest.approx(episode["score"])
            assert all(np.isfinite(t["advantage"]) for t in episode["turns"])


def test_the_credit_is_the_estimators_less_the_penalty():
    seen = invalid = 0
    for episodes in groups(tiny.run()).values():
        turns = [episode["turns"] for episode in episodes]
        batch = pack(
            rewards=[[turn["reward"] for turn in row] for row in turns],
            tasks=[0] * len(turns),
            observations=[[turn["observation"] for turn in row] for row in turns],
        )
        expected = np.asarray(ESTIMATORS["gigpo"](batch))
        for row, credits in zip(turns, expected):
            for turn, credit in zip(row, credits):
                penalty = PENALTY * (turn["action"] is None)
                actual = turn["advantage"]
                assert actual == pytest.approx(credit - penalty, rel=1e-4, abs=1e-5)
                seen, invalid = seen + (credit != 0), invalid + (penalty > 0)
    assert seen > 10 and invalid > 0


def test_a_penalty_of_the_score_is_given_to_the_estimator(tmp_path):
    changes = {"credit.penalise": "score", "seed": 2}  # which says something invalid
    run = tiny.trained(tmp_path, **changes, **ONCE)
    turns = [line["turns"] for line in transcripts(run)]
    batch = pack(
        rewards=[[turn["reward"] for turn in row] for row in turns],
        tasks=[0] * len(turns),
        observations=[[turn["observation"] for turn in row] for row in turns],
    )
    penalties = np.zeros(batch.rewards.shape, np.float32)
    for place, row in enumerate(turns):
        refused = [turn["action"] is None for turn in row]
        penalties[place, : len(row)] = PENALTY * np.array(refused)
    assert penalties.any() and not penalties[batch.where].all()
    expected = ESTIMATORS["gigpo"](dataclasses.replace(batch, penalties=penalties))
    for row, credits in zip(turns, np.asarray(expected)):
        given = [turn["advantage"] for turn in row]
        np.testing.assert_allclose(given, credits[: len(row)], rtol=1e-4, atol=1e-5)


def test_metrics_say_how_turns_met():
    lines = tiny.metrics(tiny.run())[:-1]
    kept = (tiny.run() / "episodes.jsonl").read_text().splitlines()
    for line, counts in zip(lines, map(json.loads, kept), strict=True):
        turns, alone = sum(counts["turns"]), sum(counts["alone"])
        assert line["anchors/alone"] == pytest.approx(alone / turns)
        assert line["anchors/groups"] == 2  # a task is one room
        assert line["anchors/size"] == turns / 2
        assert line["anchors/aliased"] == 0


@pytest.mark.parametrize("by", ["state", "observation"])
def test_credit_is_given_by_the_anchors_that_the_settings_name(tmp_path, by):
    """Rooms that look the same at every step: three states, or one."""
    world = {"env.name": "tests.training.worlds:Counted"}
    run = tiny.trained(tmp_path, **world, **ONCE, **{"credit.anchors_by": by})
    assert tiny.metrics(run)[0]["anchors/aliased"] > 0.5
    turns = [line["turns"] for line in transcripts(run)]
    named = {turn["anchor"] for row in turns for turn in row}
    seen = {turn["observation"] for row in turns for turn in row}
    assert len(seen) == 1
    assert named == (seen if by == "observation" else {"step 0", "step 1", "step 2"})
    batch = pack(
        rewards=[[turn["reward"] for turn in row] for row in turns],
        tasks=[0] * len(turns),
        observations=[[turn["anchor"] for turn in row] for row in turns],
    )
    expected = np.asarray(ESTIMATORS["gigpo"](batch))
    for row, credits in zip(turns, expected):
        for turn, credit in zip(row, credits):
            given = turn["advantage"] + PENALTY * (turn["action"] is None)
            assert given == pytest.approx(credit, rel=1e-4, abs=1e-5)


def test_a_finished_run_is_not_gone_on_with(copied):
    again = tiny.trained(copied)
    tiny.assert_same_end(again, tiny.run())


def test_a_run_goes_on_after_its_last_checkpoint_as_if_never_stopped(copied):
    shutil.rmtree(copied / "checkpoints" / "3")
    (copied / "result.json").unlink()
    with (copied / "transcripts.jsonl").open("a") as lines:
        lines.write('{"step": 2, "half": ')  # a kill in the middle of a line
    tiny.assert_same_end(tiny.trained(copied), tiny.run())


def test_the_number_of_workers_changes_nothing(tmp_path):
    other = tiny.trained(tmp_path, **{"env.workers": 3})
    tiny.assert_same_end(other, tiny.run())


def test_another_seed_is_another_run(tmp_path):
    other = tiny.trained(tmp_path, seed=1, **{"train.steps": 1})
    assert tiny.metrics(other)[0] != tiny.metrics(tiny.run())[0]


def test_episodes_that_fail_are_left_out_of_everything(tmp_path):
    panel = json.loads((tiny.run() / "panel.json").read_text())
    *shown, lost = panel["train"]
    options = {"broken": (lost, panel["held_out"][0])}
    changes = {"env.options": options, "demonstrations": len(shown)}
    lines = tiny.metrics(tiny.trained(tmp_path, **changes))
    assert sum(line["train/failed"] for line in lines[:-1]) == 4  # its attempts
    assert [line["held_out/failed"] for line in lines] == [1.0] * 4
    assert lines[0]["train/episodes"] + lines[0]["train/failed"] == 8


def test_a_reference_holds_the_policy_back(tmp_path):
    changes = {"loss.kl": 0.1, "train.steps": 2}
    lines = tiny.metrics(tiny.trained(tmp_path, **changes))
    assert lines[0]["kl_reference"] == pytest.approx(0.0, abs=1e-9)
    assert lines[1]["kl_reference"] > 1e-6
    assert "kl_reference" not in tiny.metrics(tiny.run())[0]


def test_a_conversation_is_one_row_an_episode(tmp_path):
    run = tiny.trained(tmp_path, **{"play.history": None}, **ONCE)
    line = tiny.metrics(run)[0]
    assert line["rows"] == 8 < line["train/turns"] * 8
    assert line["kl_old"] == pytest.approx(0.0, abs=1e-6)
    assert line["gradient_norm"] > 0


def test_answers_in_tags_are_read(tmp_path):
    changes = {"play.format": "action", "play.limit": 12, "play.turns": 1}
    longer = {"imitation.epochs": 100, "imitation.learning_rate": 1e-2}
    run = tiny.trained(tmp_path, **changes, **longer, **ONCE)
    assert tiny.metrics(run)[0]["train/invalid"] < 0.5
    turns = [turn for line in transcripts(run) for turn in line["turns"]]
    read = [turn for turn in turns if turn["action"] is not None]
    assert {turn["action"] for turn in read} & {"red", "blue", "gold"}
    assert all(turn["answer"] != turn["action"] for turn in read)


@pytest.mark.slow
def test_the_smoke_config_runs_as_it_stands(tmp_path):
    settings = tiny.settings()
    text_agent.train(settings, tmp_path)
    lines = tiny.metrics(tmp_path)
    assert [line["step"] for line in lines] == [0, 1, 2]
    assert all(line["skipped"] == 0 for line in lines[:-1])
    played = settings.env.held_out * settings.evaluate.attempts
    assert tiny.result(tmp_path)["after"]["episodes"] == played
    assert len(groups(tmp_path)) == 2


def test_help_lists_the_environments(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["text_agent", "--help"])
    runpy.run_module("experiments.text_agent", run_name="__main__")
    told = capsys.readouterr().out
    assert told.startswith("Trains a language agent")
    assert f"\n\n{make.catalogue()}\n\nFlags:\n" in told
