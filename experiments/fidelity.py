"""Scores every estimator of credit against the exact advantage, at equal budgets.

    python -m experiments.fidelity --workdir=runs/fidelity \\
        --config=configs/studies/fidelity.py:quick

In small decision processes the advantage of the very policy that acts is known exactly.
Every estimator gets batches that cost as much (continuations, resets and forwards of
other models are counted), and is scored by how near it comes; then policies learn by
it. Ends with tables, 95% intervals and pictures in the folder; `--config.out=DIR` also
writes them there. A sweep that was stopped is gone on with. `:quick` takes under 2
minutes on two CPU cores, the whole, without a size, 15, `:smoke` seconds.
"""

import pathlib

from ml_collections import config_dict

from rl_credit.analysis import fidelity as report
from rl_credit.fidelity import sweep as sweeps
from rl_credit.fidelity.sweep import Sweep
from rl_credit.runtime import launch


def main(config: config_dict.ConfigDict, workdir: pathlib.Path) -> None:
    sweep = launch.sections(Sweep, config)
    done = list(sweeps.run(sweep, workdir))
    cells = report.read(workdir, done)
    command = launch.command("experiments.fidelity")
    text = report.report(
        sweep.name, cells, sweep.scores.budgets[-1], sweep.pictured, workdir, command
    )
    report.written(text, sweep.name, sweep.out, workdir)
    print(f"\n{text}\n\nIn {workdir}")


if __name__ == "__main__":
    launch.run(main, __doc__)
