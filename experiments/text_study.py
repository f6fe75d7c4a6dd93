"""Compares methods of credit in a text world, several seeds of each.

    python -m experiments.text_study --workdir=runs/text_study \\
        --config=configs/studies/text_agents.py:textworld

Every method and seed is a run of the text agent in its own folder. A study that was
stopped is gone on with, run by run, and reported as far as it came; `--config.only`
names the methods to run now. Ends with tables and pictures: held-out success with 95%
intervals, how likely one method is better than another, and how often states are met
again; `--config.out=docs/results` also writes them there, together with the study's
runs whose results lie there from before: delete those after a change of the config.
`:smoke` takes a minute or two and needs no simulator.
"""

import pathlib

from ml_collections import config_dict

from rl_credit.analysis import text_study as report
from rl_credit.runtime import launch
from rl_credit.training import text_sweep
from rl_credit.training.text_sweep import TextSweep


def main(config: config_dict.ConfigDict, workdir: pathlib.Path) -> None:
    sweep = launch.sections(TextSweep, config)
    command = launch.command("experiments.text_study")
    for _ in text_sweep.run(sweep, workdir):
        report.written(sweep, workdir, command)
    print(f"\n{report.written(sweep, workdir, command)}\n\nIn {workdir}")


if __name__ == "__main__":
    launch.run(main, __doc__)
