"""From batches, runs and rollouts to the viewer."""

import json
import pathlib
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import viewer as command
from rl_credit.analysis import viewer
from rl_credit.analysis.viewer import grids, transcripts
from rl_credit.credit.estimators import ESTIMATORS
from rl_credit.credit.pack import pack
from rl_credit.envs.grid import render
from rl_credit.envs.grid.minihack import MiniHack
from rl_credit.envs.grid.render import Tile
from rl_credit.envs.grid.sokoban import Sokoban
from rl_credit.rollout import scan
from rl_credit.rollout.episodes import Episode
from rl_credit.rollout.episodes import Step as Turn
from rl_credit.rollout.episodes import transcript
from tests import batches
from tests.analysis.viewer_pages import written
from tests.rollout.walk import Walk

DOCS = pathlib.Path(__file__).parents[2] / "docs" / "viewer.md"
SEEN = [["hall", "attic", "hall"], ["hall", "roof"], ["hall"], ["cave", "cave"]]
PAID = [[0.0, 0.0, 1.0], [0.0, 0.0], [0.0], [0.0, 2.0]]
TASKS = ["up", "up", "up", "down"]


def packed():
    """A small batch of two tasks."""
    return pack(PAID, TASKS, SEEN)


def test_estimators_stand_side_by_side_with_what_they_give():
    batch = packed()
    data = written(viewer.compare(batch, ["gigpo", "grpo"], exact=batch.rewards))
    assert [one["name"] for one in data["series"]] == ["exact", "gigpo", "grpo"]
    estimated = [np.asarray(ESTIMATORS[name](batch)) for name in ("gigpo", "grpo")]
    given = [batch.rewards, *estimated]
    for number, row in enumerate(data["trajectories"]):
        count = len(PAID[number])
        for found, expected in zip(row["credit"], given, strict=True):
            np.testing.assert_allclose(found, expected[number, :count], rtol=1e-5)
        assert row["reward"] == PAID[number]
    assert [row["group"] for row in data["trajectories"]] == [0, 0, 0, 1]
    assert data["trajectories"][0]["anchor"] == [0, 1, 0]


def test_options_reach_their_estimator_and_no_other():
    options = {"gigpo": {"step_weight": 0.0}}
    changed = viewer.credit(packed(), ["gigpo", "grpo"], options)
    whole = viewer.credit(packed(), ["gigpo", "grpo"])
    np.testing.assert_array_equal(changed["grpo"][0], whole["grpo"][0])
    assert not np.allclose(changed["gigpo"][0], whole["gigpo"][0])


def test_names_that_nobody_knows_are_refused():
    with pytest.raises(ValueError, match="did you mean 'gigpo'"):
        viewer.compare(packed(), ["gigpoo"])
    with pytest.raises(ValueError, match="unknown estimator 'gp'"):
        viewer.credit(packed(), [], {"gp": {}})


def test_spans_that_were_not_played_are_masked_or_left_out():
    batch = batches.trajectories(mask="mixed")
    rows = viewer.trajectories(batch)
    where = np.asarray(batch.where)
    for row, played, parent in zip(rows, where, batch.parents):
        trained = [step.trained for step in row.steps]
        assert trained == played[: len(trained)].tolist()
        assert not played[len(trained) :].any()
        assert not trained or trained[-1]
        assert row.parent == (parent if parent >= 0 else None)
    assert {len(row.steps) for row in rows} > {0, 7}


def test_texts_actions_and_frames_are_a_spans_own():
    picture = np.zeros((2, 2, 3), np.uint8)
    drawn = [[picture] * len(row) for row in PAID]
    rows = viewer.trajectories(packed(), SEEN, actions=SEEN, frames=drawn)
    assert rows[1].steps[1].text == rows[1].steps[1].action == "roof"
    assert rows[0].steps[0].frame is picture
    assert rows[0].steps[0].anchor == rows[1].steps[0].anchor
    named = viewer.trajectories(packed())[0].steps
    assert [step.text for step in named] == ["state 0", "state 1", "state 0"]
    with pytest.raises(ValueError, match=r"texts\[3\] has 1 entries; .* has 2"):
        viewer.trajectories(packed(), [*SEEN[:3], ["cave"]])
    with pytest.raises(ValueError, match="actions has 2 rows; the batch has 4"):
        viewer.trajectories(packed(), SEEN, actions=SEEN[:2])


def test_the_examples_of_the_docs_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = DOCS.read_text(encoding="utf-8")
    names: dict = {}
    for block in re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        exec(block, names)
    series = written(names["compared"])["series"]
    assert [one["name"] for one in series] == ["grpo", "gigpo", "hgpo"]
    assert (tmp_path / "credit.html").stat().st_size > 10_000
    assert written(names["shown"])["trajectories"][0]["credit"][0][0] is None
    for path in re.findall(r"\]\((.*?)\)", text):
        assert DOCS.parent.joinpath(path).exists(), path


def turn(text, action, reward=0.0):
    """A turn as it was played; its anchor is the last word."""
    said = action or "mumble"
    anchor = text.split()[-1]
    return Turn(text, anchor, [1, 2], [3], [-0.5], said, action, reward)


@pytest.fixture
def workdir(tmp_path):
    """A folder as two training steps of two episodes leave it."""
    lines = []
    for step in range(2):
        for reward in (0.0, 1.0):
            turns = [turn("Win! in hall", "go"), turn("in hall", None, reward)]
            episode = Episode(7, 0, turns, terminated=True, won=reward > 0)
            told = transcript(episode, [reward, -0.25])
            lines.append(json.dumps({"step": step} | told) + "\n")
    (tmp_path / "transcripts.jsonl").write_text("".join(lines))
    config = {"credit": {"name": "rloo"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    return tmp_path


def test_a_run_is_shown_with_the_credit_it_was_trained_with(workdir):
    data = written(transcripts.run(workdir, ["grpo"], last=5))
    assert [one["name"] for one in data["series"]] == ["rloo (trained)", "grpo"]
    assert data["groups"] == ["step 0, task 7", "step 1, task 7"]
    titles = [row["title"] for row in data["trajectories"]]
    assert titles == ["attempt 1, lost", "attempt 2, won"] * 2
    for number, row in enumerate(data["trajectories"]):
        trained, grpo = row["credit"]
        assert trained == [number % 2, -0.25]
        expected = 0.5**0.5 if number % 2 else -(0.5**0.5)
        assert grpo == pytest.approx([expected] * 2, rel=1e-4)
        assert row["group"] == number // 2
    assert "mumble (invalid)" in data["texts"]


def test_only_the_last_steps_are_shown(workdir):
    data = written(transcripts.run(workdir, ["grpo"], last=1))
    assert data["groups"] == ["step 1, task 7"] and len(data["trajectories"]) == 2


def test_anchors_are_those_that_were_written_down_if_any(workdir):
    def anchors():
        data = written(transcripts.run(workdir, [], last=1))
        return [row["anchor"] for row in data["trajectories"]]

    path = workdir / "transcripts.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for record in records:
        for turn in record["turns"]:
            del turn["anchor"]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    assert anchors() == [[0, 1], [0, 1]]  # of what was read
    for record in records:
        record["turns"] = [one | {"anchor": "hall"} for one in record["turns"]]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    assert anchors() == [[0, 0], [0, 0]]


def test_the_command_writes_the_page(workdir, monkeypatch, capsys):
    out = workdir / "pages" / "credit.html"
    words = ["viewer", f"--run={workdir}", f"--out={out}", "--estimators=grpo"]
    monkeypatch.setattr("sys.argv", words)
    command.main()
    assert str(out) in capsys.readouterr().out
    assert "rloo (trained)" in out.read_text()


@pytest.mark.parametrize(
    "change, said",
    [
        (["--estimators=gigpoo"], "did you mean 'gigpo'"),
        (["--run=nowhere"], "nowhere has no transcripts.jsonl"),
    ],
)
def test_the_command_says_what_is_wrong(workdir, monkeypatch, capsys, change, said):
    words = ["viewer", f"--run={workdir}", f"--out={workdir / 'out.html'}", *change]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit):
        command.main()
    assert said in capsys.readouterr().err


def test_a_run_that_was_not_trained_is_refused(workdir):
    (workdir / "transcripts.jsonl").write_text("")
    with pytest.raises(ValueError, match="nothing was trained"):
        transcripts.run(workdir, ["grpo"], last=1)


def draw(observation):
    """The place of the walk as a grey square."""
    return np.full((2, 2, 3), 10 * observation[0], np.uint8)


def test_whole_episodes_of_a_rollout_are_shown_step_by_step():
    world = scan.World(Walk(), Walk().default_params)

    def act(memory, seen, starts):
        return memory, jnp.zeros((len(starts), 2))

    begun = scan.begin(world, jax.random.key(0), envs=3, memory=0)
    play = jax.jit(lambda begun, key: scan.play(world, act, begun, key, horizon=10))
    _, steps = play(begun, jax.random.key(1))
    batch, shown = grids.episodes(steps, draw, ("stay", "right"))
    ends = np.asarray(steps.ends)
    assert len(shown) == ends.sum() == len(batch.rewards)  # what was cut off is not
    assert not np.asarray(batch.terminated).all()
    for row, episode in enumerate(shown):
        seen = [int(step.frame[0, 0, 0]) // 10 for step in episode.steps]
        walked = [step.action == "right" for step in episode.steps]
        assert seen == [seen[0] + sum(walked[:n]) for n in range(len(seen))]
        assert [step.reward for step in episode.steps] == walked
        assert np.asarray(batch.where[row]).sum() == len(seen)
        first = shown[0].steps[0].frame[0, 0, 0] == episode.steps[0].frame[0, 0, 0]
        assert first == (episode.group == shown[0].group)
    titles = [episode.title for episode in shown]
    assert titles == [f"episode {n}" for n in range(len(shown))]
    with pytest.raises(ValueError, match="no whole episode in 1 steps"):
        grids.episodes(jax.tree.map(lambda a: a[:1], steps), draw, ("stay", "right"))


def begun(env):
    """The first observation and state."""
    reset = jax.jit(lambda key: env.reset_env(key, env.default_params))
    return reset(jax.random.key(0))


def test_pictures_of_our_grids_are_those_of_their_states():
    sokoban = Sokoban("6x6/1")
    observation, state = begun(sokoban)
    expected = render.frame(sokoban.tiles(state), grids.PIXELS)
    found = grids.picture(sokoban)(np.asarray(observation))
    np.testing.assert_array_equal(found, expected)
    rooms = MiniHack("KeyRoom-S5")
    observation, state = begun(rooms)
    tiles = np.asarray(jax.jit(rooms.planes.tiles)(state)).copy()
    tiles.reshape(-1)[int(state.cell)] = Tile.PLAYER
    found = grids.picture(rooms, 4)(np.asarray(observation))
    np.testing.assert_array_equal(found, render.frame(jnp.asarray(tiles), 4))
    pixels = Sokoban("6x6/1", observation="pixels")
    assert grids.picture(pixels)(found) is found
    with pytest.raises(ValueError, match="Walk is none of our grids"):
        grids.picture(Walk())
