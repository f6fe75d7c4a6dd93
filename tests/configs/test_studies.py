"""Every size of every study makes a sweep."""

import pytest

from configs.grid import corridor, keyroom, minihack16, multiroom_contexts
from configs.studies import text_agents
from rl_credit.envs.grid.minihack import TASKS
from rl_credit.runtime.sections import sections
from rl_credit.training.grid_sweep import Sweep
from rl_credit.training.text_sweep import TextSweep

STUDIES = {
    "multiroom_contexts": (
        multiroom_contexts,
        {"full": 36, "product": 20, "quick": 10, "smoke": 4},
    ),
    "corridor": (corridor, {"full": 60, "quick": 10, "smoke": 2}),
    "keyroom": (keyroom, {"full": 8, "quick": 4, "smoke": 2}),
    "minihack16": (minihack16, {"full": 96, "cores": 96, "smoke": 2}),
}


@pytest.mark.parametrize("study", STUDIES)
def test_every_size_makes_a_sweep_of_so_many_runs(study, tmp_path):
    module, counts = STUDIES[study]
    for size, count in counts.items():
        sweep = sections(Sweep, module.get_config(size))
        cells = sweep.cells()
        assert len({cell.folder(tmp_path) for cell in cells}) == len(cells) == count
        assert set(sweep.tasks) <= set(TASKS)


def test_the_sixteen_tasks_are_those_of_the_paper():
    tasks = minihack16.get_config().tasks
    assert len(set(tasks)) == 16 and set(tasks) <= set(TASKS)
    assert sections(Sweep, minihack16.get_config("smoke")).agent.seeds == 2


def test_every_study_of_text_agents_has_so_many_runs(tmp_path):
    counts = {"textworld": 25, "ablations": 16, "alfworld": 6, "shop": 6, "smoke": 2}
    for size, count in counts.items():
        sweep = sections(TextSweep, text_agents.get_config(size))
        cells = sweep.cells()
        assert len({cell.folder(tmp_path) for cell in cells}) == len(cells) == count
        assert len({str(cell.settings) for cell in cells}) == count
