"""Trains agents of several seeds side by side in a jitted environment, with PPO.

    python -m experiments.grid_agent --config=configs/grid/cartpole.py \\
        --workdir=runs/cartpole

Ends with a table, interquartile means over the seeds with their 95% intervals, and a
picture of the curves. Any environment of gymnax goes by its name:
`--config.env.name=gymnax:Catch-bsuite`. CartPole-v1 is solved (a return of 500) in less
than a minute on two CPU cores; the size `:smoke` takes seconds. A run that is found in
the folder is gone on with.
"""

import pathlib

from ml_collections import config_dict

from rl_credit.analysis import grid_agent as report
from rl_credit.runtime import launch
from rl_credit.training import grid_agent
from rl_credit.training.grid_settings import Settings


def main(config: config_dict.ConfigDict, workdir: pathlib.Path) -> None:
    grid_agent.train(launch.sections(Settings, config), workdir)
    print(report.written(workdir))


if __name__ == "__main__":
    launch.run(main, __doc__)
