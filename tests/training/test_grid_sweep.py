"""A sweep does each run once, goes on where it was stopped, and refuses what is odd."""

import dataclasses
import json

import pytest

from rl_credit.analysis import exploration, exploration_runs
from rl_credit.runtime import records
from rl_credit.runtime.errors import UserError
from rl_credit.runtime.sections import sections
from rl_credit.training import grid_sweep
from rl_credit.training.grid_sweep import Sweep
from tests.training import tiny_grid

NONE = dict(none=dict(tiny_grid.BY_COUNT, name="none"))
CORRIDOR = "tests.training.contexts:Corridor"


def sweep(**changes):
    """Two counts in a walk that has contexts, which do nothing there."""
    agent = tiny_grid.config(**{**tiny_grid.SMALL, "env.name": CORRIDOR})
    bonuses = {
        name: dict(tiny_grid.BY_COUNT, name=name)
        for name in ("count_global", "count_episodic")
    }
    base = dict(
        name="walks",
        out="",
        only=(),
        tasks=(CORRIDOR,),
        contexts=(2, 0),
        context_seeds=(0, 1),
        bonuses=bonuses,
        agent=agent,
    )
    return sections(Sweep, base | changes)


def test_fresh_levels_have_no_second_set_and_every_run_a_folder(tmp_path):
    cells = sweep().cells()
    told = [(cell.contexts, cell.context_seed, cell.bonus) for cell in cells]
    bonuses = ("count_global", "count_episodic")
    pairs = [(2, 0), (2, 1), (0, 0)]
    assert sorted(told) == sorted((*pair, bonus) for pair in pairs for bonus in bonuses)
    assert len({cell.folder(tmp_path) for cell in cells}) == 6
    part = sweep(tasks=(CORRIDOR, "KeyRoom-S5"), only=("KeyRoom-S5",), bonuses=NONE)
    assert len(part.cells()) == 6
    assert {cell.task for cell in grid_sweep.wanted(part)} == {"KeyRoom-S5"}
    for cell in cells:
        assert cell.settings.bonus.name == cell.bonus
        assert cell.settings.env.options["num_contexts"] == cell.contexts


@pytest.mark.parametrize(
    "changes, words",
    [
        (dict(contexts=()), "contexts is (); give one or more"),
        (dict(tasks=(CORRIDOR, CORRIDOR)), "none twice"),
        (dict(only=("Corridor",)), "unknown task 'Corridor'"),
        (dict(bonuses={"a/b": tiny_grid.BY_COUNT}), "'a/b' names a folder"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused(changes, words):
    with pytest.raises(UserError) as caught:
        sweep(**changes)
    assert words in str(caught.value)


@pytest.mark.slow
def test_finished_runs_are_done_once_and_reported(tmp_path):
    one = sweep(contexts=(0,))
    done = [cell.bonus for cell in grid_sweep.run(one, tmp_path)]
    assert done == list(one.bonuses)
    stamps = [cell.folder(tmp_path) / records.RESULT for cell in one.cells()]
    before = [path.stat().st_mtime_ns for path in stamps]
    assert len(list(grid_sweep.run(one, tmp_path))) == 2
    assert [path.stat().st_mtime_ns for path in stamps] == before
    runs = exploration_runs.read(one, tmp_path)
    assert [run.cell.bonus for run in runs] == done
    found = json.loads(stamps[0].read_text())
    assert runs[0].success.tolist() == found["after"]["success"]
    text = exploration.written(one, tmp_path, "the command")
    assert "2 of 2 runs" in text and "the command" in text
    assert (tmp_path / "exploration_walks_curves.png").stat().st_size > 5000
    folders = [tmp_path, *(cell.folder(tmp_path) for cell in one.cells())]
    assert all((folder / "credit_card.md").is_file() for folder in folders)
    longer = dataclasses.replace(one.agent.train, frames=10_000)
    other = dataclasses.replace(
        one, agent=dataclasses.replace(one.agent, train=longer)
    )
    assert not exploration_runs.read(other, tmp_path)
    with pytest.raises(UserError, match="train.frames"):
        next(grid_sweep.run(other, tmp_path))
