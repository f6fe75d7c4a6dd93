"""What a run will need, before anyone pays for a pod.

    python -m experiments.plan --config=configs/text/alfworld_qwen25_1p5b.py --mesh=4x2

Prints the memory of one device and of all, the work, and an estimate of the seconds,
for a mesh of any devices: half a minute on two CPU cores. No weight is allocated and
none is needed; XLA compiles the programs of the run for simulated devices. `--scaling`
prints the work of a device on 1 to 256 of them instead. See docs/pods.md.

A config takes changes as in a run, as in --config.train.tokens=8192.
"""

import argparse
from collections.abc import Sequence

from rl_credit.analysis.plan import devices, models, programs
from rl_credit.analysis.plan.job import Job
from rl_credit.runtime import launch
from rl_credit.runtime import mesh as meshes
from rl_credit.training.settings import Settings

MOST = 256


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--config", required=True, help="FILE.py[:SIZE]")
    parser.add_argument("--mesh", required=True, help="DATAxMODEL, as in 4x2")
    parser.add_argument("--device", default="v5e", help=", ".join(devices.KINDS))
    parser.add_argument("--model", help=f"in its place: {', '.join(models.KNOWN)}")
    parser.add_argument("--scaling", action="store_true", help="on 1 to 256 devices")
    flags, changes = parser.parse_known_args(argv)
    try:
        print(report(flags, changes))
    except ValueError as error:
        parser.error(str(error))


def report(flags: argparse.Namespace, changes: Sequence[str]) -> str:
    """What the flags ask for; ValueError where they cannot be."""
    data, model = meshes.sizes(flags.mesh)
    kind = devices.named(flags.device)
    if data * model > MOST:
        raise ValueError(f"a mesh of {flags.mesh}: give {MOST} devices or fewer")
    config = launch._config(flags.config, launch._overrides(changes))
    settings = launch.sections(Settings, config)
    job = Job(settings, models.described(settings, flags.model), data, model, kind)
    programs.simulate(MOST if flags.scaling else job.devices)
    # Only now: some of what these import asks JAX for its devices.
    from rl_credit.analysis.plan import page, scaling

    return scaling.table(job) if flags.scaling else page.page(page.planned(job))


if __name__ == "__main__":
    main()
