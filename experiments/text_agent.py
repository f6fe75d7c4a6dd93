"""Trains a language agent in a text world, with credit for every step.

    python -m experiments.text_agent --config=configs/text/textworld.py \\
        --workdir=runs/textworld

Generates the games, warms a small decoder up on walkthroughs, trains it with GiGPO, and
ends with a table and two pictures: held-out success before and after, and the credit of
every turn of one task. `--config.credit.name=grpo` (rloo, hgpo, ...) runs a comparison;
the size `:smoke` takes seconds and needs no simulator. A run that is found in the
folder is gone on with.
"""

import pathlib

import jax
from ml_collections import config_dict

from rl_credit.analysis import text_agent as report
from rl_credit.envs import make
from rl_credit.runtime import launch
from rl_credit.training import text_agent
from rl_credit.training.settings import Settings


def main(config: config_dict.ConfigDict, workdir: pathlib.Path) -> None:
    text_agent.train(launch.sections(Settings, config), workdir)
    if jax.process_index() == 0:
        print(report.written(workdir))


if __name__ == "__main__":
    launch.run(main, f"{__doc__}\n{make.catalogue()}")
