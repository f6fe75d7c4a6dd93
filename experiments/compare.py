"""Puts finished runs of the text agent side by side.

    python -m experiments.compare runs/gigpo-* runs/grpo-* --out=docs/results

Prints a Markdown table (before, after, time) and writes it, with the curves, to `out`
as text_agents_runs.md and text_agents.png, and beside them the credit card of the runs:
whether their tasks and budgets match.
"""

import argparse
import pathlib

from rl_credit.analysis import runs
from rl_credit.analysis.card import page


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("workdirs", nargs="+", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, help="folder for table and picture")
    flags = parser.parse_args()
    try:
        found = runs.read(flags.workdirs)
    except ValueError as error:
        parser.error(str(error))
    print(runs.table(found))
    if flags.out:
        flags.out.mkdir(parents=True, exist_ok=True)
        (flags.out / "text_agents_runs.md").write_text(runs.table(found) + "\n")
        runs.curves(found).savefig(flags.out / "text_agents.png", dpi=120)
        page.written([run.workdir for run in found], flags.out)


if __name__ == "__main__":
    main()
