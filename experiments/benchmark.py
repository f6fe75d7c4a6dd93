"""Times ours beside its peers, on the same work, in turn.

    python -m experiments.benchmark --suite=kernels --out=runs/benchmark

Prints a Markdown table of medians (milliseconds, after compilation); `--out` also
writes it as kernels.md, and every single run as kernels.json. About a minute on two
CPU cores. What it printed on our machine stands in docs/results/benchmark.md.
"""

import argparse
import json
import os
import pathlib
import platform
from collections.abc import Iterator, Sequence

import jax
import numpy as np
from tqdm import tqdm

from experiments.benchmarks import (
    bonuses,
    envs,
    grid_turns,
    kernels,
    language,
    ppo,
    timing,
    worlds,
)
from rl_credit.runtime import records

SUITES = {
    "kernels": kernels.cases,
    "decode": language.generation,
    "train_step": language.training,
    "pool": worlds.pool,
    "iteration": worlds.iteration,
    "bonuses": bonuses.cases,
    "grid_turns": grid_turns.cases,
    "ppo": ppo.cases,
    "envs": envs.cases,
    "minihack": envs.per_core,
}
HEADER = (
    "| what | size | ours (ms) | peer | peer (ms) | peer / ours | first call + (ms) "
    "| goal |\n|---|---|---|---|---|---|---|---|"
)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--suite", choices=sorted(SUITES), default="kernels")
    parser.add_argument("--only", default="", help="time the cases whose name has this")
    parser.add_argument("--out", type=pathlib.Path, help="folder for the two files")
    flags = parser.parse_args(argv)
    timings: list[timing.Timing] = []
    names: set[str] = set()
    try:
        _measure(SUITES[flags.suite](), flags.only, timings, names)
    finally:  # a peer that fails does not take the others' times along
        if timings:
            _report(timings, flags.suite, flags.out)
    if not timings:
        parser.error(f"no case has {flags.only!r} in its name; known: {sorted(names)}")


def _measure(
    cases: Iterator[timing.Case],
    only: str,
    timings: list[timing.Timing],
    names: set[str],
) -> None:
    with tqdm(cases, unit="case") as progress:
        for case in progress:
            names.add(case.name)
            if only in case.name:
                progress.set_postfix_str(f"{case.name}, {case.size}")
                timings.append(timing.measure(case))


def _report(
    timings: Sequence[timing.Timing], suite: str, out: pathlib.Path | None
) -> None:
    machine = _machine()
    report = f"{machine}\n\n{table(timings)}\n"
    print(report)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        (out / f"{suite}.md").write_text(report)
        rows = dict(machine=machine, timings=[t.as_json() for t in timings])
        (out / f"{suite}.json").write_text(json.dumps(rows, indent=1))
        print(f"written: {out}/{suite}.md and .json")


def table(timings: Sequence[timing.Timing]) -> str:
    """The Markdown table: medians, and in brackets the fastest and the slowest run.

    Then steps in a second, in millions, where the case counts them.
    """
    lines = [HEADER]
    for row in timings:
        ratio = "" if row.ratio is None else f"{row.ratio:.3g}"
        cells = (
            row.name,
            row.size,
            _spread(row, row.ours),
            row.peer_name,
            _spread(row, row.peer),
            ratio,
            f"{row.compiled:.0f}",
            row.goal,
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _spread(row: timing.Timing, times: list[float]) -> str:
    if not times:
        return ""
    spread = f"{np.median(times):.3g} ({min(times):.3g} to {max(times):.3g})"
    return f"{spread}, {row.rate(times) / 1e6:.3g} M/s" if row.steps else spread


def _machine() -> str:
    device = jax.devices()[0]
    return (
        f"{device.platform} ({device.device_kind}), {records.cores()} cores, load "
        f"{os.getloadavg()[0]:.1f}, JAX {jax.__version__}, NumPy {np.__version__}, "
        f"Python {platform.python_version()}"
    )


if __name__ == "__main__":
    main()
