"""Compares exploration bonuses over tasks and contexts, all seeds of a run at once.

    python -m experiments.exploration --workdir=runs/multiroom_contexts \\
        --config=configs/grid/multiroom_contexts.py:quick

Every task, number of contexts and bonus is a run of the grid agent in its own folder. A
study that was stopped is gone on with, run by run, and reported as far as it came;
`--config.only` names the tasks to run now. Ends with a table, interquartile means over
the seeds with their 95% intervals, and pictures; `--config.out=docs/results` also
writes them there, together with the study's runs whose results lie there from before:
delete those after a change of the config. The size `:quick` of that config is for two
CPU cores, `:smoke` only shows that all parts meet.
"""

import pathlib

from ml_collections import config_dict

from rl_credit.analysis import exploration as report
from rl_credit.runtime import launch
from rl_credit.training import grid_sweep
from rl_credit.training.grid_sweep import Sweep


def main(config: config_dict.ConfigDict, workdir: pathlib.Path) -> None:
    sweep = launch.sections(Sweep, config)
    command = launch.command("experiments.exploration")
    for _ in grid_sweep.run(sweep, workdir):
        report.written(sweep, workdir, command)
    print(f"\n{report.written(sweep, workdir, command)}\n\nIn {workdir}")


if __name__ == "__main__":
    launch.run(main, __doc__)
