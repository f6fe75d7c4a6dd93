"""The card of one run: every number again, from the files that the run left."""

import hashlib
import json
import shutil

import numpy as np
import pytest

from experiments import card as command
from rl_credit.analysis.card import page
from tests.analysis.cards import configured, lines, rewrite, tables
from tests.training import tiny


@pytest.fixture(scope="module")
def run():
    """The shared run of three steps; nobody may write to it."""
    return tiny.run()


@pytest.fixture(scope="module")
def card(run):
    """Its tables."""
    return tables(page.card([run]))


@pytest.fixture
def copy(run, tmp_path):
    """The run, to change."""
    return shutil.copytree(run, tmp_path / "run")


def joined(run, name):
    """What episodes.jsonl says, of all steps."""
    return [value for line in lines(run / "episodes.jsonl") for value in line[name]]


def total(run, name):
    """The sum of a metric."""
    return sum(line.get(name, 0) for line in lines(run / "metrics.jsonl"))


def test_tasks_are_those_of_the_panel(run, card):
    panel = json.loads((run / "panel.json").read_text())
    for title, name, size in [("training", "train", 6), ("held-out", "held_out", 4)]:
        text = json.dumps(sorted(panel[name]))
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        assert card["Tasks"][f"{title} tasks"] == f"{size}, panel `{digest}`"
    assert card["Tasks"]["environment"] == tiny.ROOMS
    assert card["Tasks"]["seed"] == "0"


def test_the_method_is_that_of_the_config(run, card):
    config = json.loads((run / "config.json").read_text())
    assert card["Method"]["estimator"] == "`gigpo`"
    for name, value in config["credit"]["options"]["gigpo"].items():
        assert f"{name} = {str(value).lower()}" in card["Method"]["its options"]
    assert card["Method"]["loss"].startswith("`ppo_clip` (clip_high = 0.2, clip_low")
    assert card["Method"]["penalty of an invalid action"] == "0.2"
    assert card["Method"]["equal states"] == "by state"


def test_the_budget_is_what_was_played_and_learned(run, card):
    metrics, budget = lines(run / "metrics.jsonl"), card["Budget"]
    steps = [line for line in metrics if "train/episodes" in line]
    episodes = sum(line["train/episodes"] for line in steps)
    turns = sum(line["train/episodes"] * line["train/turns"] for line in steps)
    said = sum(line["train/episodes"] * line["train/tokens"] for line in steps)
    assert budget["training iterations"] == "3 of 3"
    assert budget["episodes to train (a reset each)"] == f"{episodes:.0f}" == "24"
    assert budget["environment steps to train"] == f"{turns:.0f}"
    assert budget["tokens generated to train"] == f"{said:.0f}"
    assert budget["tokens read to train"] == f"{sum(joined(run, 'read')):,}"
    assert sum(joined(run, "read")) == 5 * round(turns)  # a prompt has 5 tokens
    rows, tokens = total(run, "rows"), total(run, "tokens")
    assert budget["sequences forward and backward, policy"] == f"{rows:.0f}"
    assert budget["tokens trained on"] == f"{tokens:.0f}"
    assert 0 < tokens <= said and sum(joined(run, "taught")) == rows


def test_the_rest_of_the_budget(run, card):
    budget, metrics = card["Budget"], lines(run / "metrics.jsonl")
    taken = json.loads((run / "warm_up.json").read_text())
    assert taken == dict(episodes=6, turns=6, gradients=6, tokens=12, updates=1)
    assert "6 sequences forward and backward, 12 tokens" in budget["warm-up"]
    steps = sum(x["held_out/turns"] * x["held_out/episodes"] for x in metrics)
    told = f"16 episodes in 4 evaluations, {steps:.0f} environment steps"
    assert budget["evaluation"] == told
    assert budget["extra for the estimator"].startswith("none")
    seconds = json.loads((run / "result.json").read_text())["seconds"]
    assert budget["wall time"].startswith(f"{seconds:,.1f} s (")
    (start,) = json.loads((run / "run.json").read_text())["starts"]
    hours = seconds * len(start["devices"]) / 3600
    assert budget["device-hours"] == f"{hours:.4g}"
    assert f"host of {start['cores']} cores" in budget["devices"]


def test_lengths_faults_and_invalid_actions(run, card):
    for name, key in [("turns", "turns"), ("tokens of the agent", "said")]:
        values = joined(run, key)
        ends = [f"{x:.4g}" for x in np.percentile(values, [0, 5, 25, 50, 75, 95, 100])]
        told = card["Episodes"][f"{name}, training"]
        assert told.startswith(f"median {ends[3]} (half: {ends[2]} to {ends[4]};")
        assert f"90%: {ends[1]} to {ends[5]}; all: {ends[0]} to {ends[6]})" in told
        assert told.endswith(f"mean {np.mean(values):.4g}")
    invalid, turns = sum(joined(run, "invalid")), sum(joined(run, "turns"))
    assert invalid == round(sum(
        x["train/invalid"] * x["train/turns"] * x["train/episodes"]
        for x in lines(run / "metrics.jsonl")[:-1]
    ))
    told = f"{invalid} of {turns} ({invalid / turns:.1%})"
    assert card["Episodes"]["invalid actions, training"] == told
    assert card["Episodes"]["failed, training"] == "0 of 24 (0.0%)"


def test_groups_that_taught_nothing_are_counted(run, card):
    flat = zero = count = 0
    for line in lines(run / "episodes.jsonl"):
        for group in set(line["groups"]):
            mine = [n for n, other in enumerate(line["groups"]) if other == group]
            count += 1
            flat += len({line["scores"][n] for n in mine}) == 1
            zero += not any(line["taught"][n] for n in mine)
    alone, turns = sum(joined(run, "alone")), sum(joined(run, "turns"))
    told = list(card["Groups"].values())
    assert count == 6 and told[0] == "6"
    assert told[1].startswith(f"{flat} of 6 (") and told[2].startswith(f"{zero} of 6 (")
    assert told[3] == f"{alone} of {turns} ({alone / turns:.1%})"
    assert told[4] == f"0 of {turns} (0.0%)"  # a room looks as it is
    shares = [x.get("train/flat_groups", 0) * 2 for x in lines(run / "metrics.jsonl")]
    assert flat == sum(shares)  # of 2 groups an iteration


def test_aliased_turns_and_similar_texts_are_told(copy):
    def change(line):
        return line | {"anchors/aliased": 0.5} if "train/turns" in line else line

    rewrite(copy / "metrics.jsonl", change)
    configured(copy, **{"credit.anchors_by": "observation", "credit.similarity": 0.9})
    card, turns = tables(page.card([copy])), sum(joined(copy, "turns"))
    told = list(card["Groups"].values())[4]
    assert told == f"{round(turns / 2)} of {turns} (50.0%)"
    by = "by observation, texts of similarity 0.9 or more"
    assert card["Method"]["equal states"] == by


def test_results_have_their_intervals(run, card):
    found = json.loads((run / "result.json").read_text())
    for when in ("before", "after"):
        row = found[when]
        low, high = f"{row['low']:.1%}", f"{row['high']:.1%}"
        told = f"{row['success']:.1%} ({low} to {high}), 4 episodes, Wilson 95%"
        assert card["Results"][f"held-out success, {when}"] == told
        assert card["Results"][f"held-out turns, {when}"] == f"{row['turns']:.1f}"


def test_software_is_what_the_run_wrote_down(run, card):
    (start,) = json.loads((run / "run.json").read_text())["starts"]
    config = json.loads((run / "config.json").read_text())
    text = json.dumps(config, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    assert card["Software"]["digest of the config"] == f"`{digest}`"
    for name, version in start["packages"].items():
        assert (f"{name} {version}" in card["Software"]["packages"]) == bool(version)
    assert "it was started by" in card["Software"]["command"]  # by these tests


def test_the_command_is_told_without_the_folder(copy):
    record = json.loads((copy / "run.json").read_text())
    argv = ["/where/experiments/text_agent.py", "--workdir", "/else", "--config=a b.py"]
    record["starts"][0]["argv"] = argv
    (copy / "run.json").write_text(json.dumps(record))
    told = tables(page.card([copy]))["Software"]["command"]
    assert told == "`python -m experiments.text_agent '--config=a b.py' --workdir=DIR`"


def test_a_killed_run_says_so_and_counts_what_it_did(copy):
    (copy / "result.json").unlink()
    for name in ("metrics.jsonl", "episodes.jsonl"):
        rewrite(copy / name, lambda line: line if line["step"] < 2 else None)
    with (copy / "episodes.jsonl").open("a") as file:
        file.write('{"step": 2, "half')
    text = page.card([copy])
    card = tables(text)
    assert "**Unfinished:**" in text
    assert "**Unfinished:**" not in page.card([tiny.run()])
    assert card["Budget"]["training iterations"] == "2 of 3"
    assert card["Budget"]["environment steps to train"] == str(
        sum(joined_whole(copy, "turns"))
    )
    assert "held-out success, after" not in card["Results"]
    assert "held-out success, last evaluation (iteration 1)" in card["Results"]


def test_a_run_that_was_killed_before_its_first_step_has_a_card_too(copy):
    (copy / "result.json").unlink()
    for name in ("metrics.jsonl", "episodes.jsonl"):
        (copy / name).write_text("")
    card = tables(page.card([copy]))
    assert card["Budget"]["training iterations"] == "0 of 3"
    assert card["Groups"]["groups played"] == "0"
    assert card["Results"]["held-out success"].startswith("not recorded by this run")


def joined_whole(run, name):
    """As `joined`, of the whole lines."""
    texts = (run / "episodes.jsonl").read_text().splitlines()[:-1]
    return [value for line in map(json.loads, texts) for value in line[name]]


def test_what_was_not_recorded_is_never_a_number(copy):
    for name in ("episodes.jsonl", "run.json", "warm_up.json", "panel.json"):
        (copy / name).unlink()
    card = tables(page.card([copy]))
    told = [card["Budget"]["environment steps to train"], card["Budget"]["warm-up"]]
    told += [card["Budget"]["device-hours"], card["Tasks"]["training tasks"]]
    told += [*list(card["Groups"].values())[:4], card["Software"]["commit"]]
    assert all(value.startswith("not recorded by this run: ") for value in told)
    assert "episodes.jsonl" in told[0] and "run.json" in told[2]


def test_what_an_estimator_takes_besides_is_counted(copy):
    configured(copy, **{"credit.name": "gae"})
    told = tables(page.card([copy]))["Budget"]["extra for the estimator"]
    assert told == "not recorded by this run: its metrics do not count for critic"
    cost = {"critic/forwards": 4.0, "critic/gradients": 2.0}
    rewrite(copy / "metrics.jsonl", lambda line: line | cost)
    told = tables(page.card([copy]))["Budget"]["extra for the estimator"]
    assert told == "critic: 16 sequences forward, 8 sequences forward and backward"


def test_a_folder_that_is_no_run_is_refused_with_those_near(copy, tmp_path):
    with pytest.raises(ValueError, match="holds no run.*these are runs") as caught:
        page.card([tmp_path])
    assert str(copy) in str(caught.value)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="--workdir of experiments.text_agent"):
        page.card([tmp_path / "empty"])


def test_the_command_prints_the_page_and_keeps_it(run, tmp_path, monkeypatch, capsys):
    out = tmp_path / "cards" / "card.md"
    monkeypatch.setattr("sys.argv", ["card", f"--run={run}", f"--out={out}"])
    command.main()
    assert out.read_text() == page.card([run]) == capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["card", f"--run={tmp_path / 'none'}"])
    with pytest.raises(SystemExit):
        command.main()
    assert "holds no run" in capsys.readouterr().err
