"""What one must know of a run to trust it, or of several to compare them.

    python -m experiments.card --run=runs/gigpo-0 --run=runs/grpo-0 --out=card.md

Prints the credit card, a page of Markdown filled from the files of the runs: tasks and
seeds, method, budget, lengths of episodes, groups that taught nothing, results with
their intervals, software, and the command. Where several runs differ in tasks or
budget a warning says so. A run writes its own card to credit_card.md as it ends.
"""

import argparse
import pathlib

from rl_credit.analysis.card import page


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--run",
        required=True,
        action="append",
        type=pathlib.Path,
        help="a workdir; once for every run",
    )
    parser.add_argument("--out", type=pathlib.Path, help="the Markdown file")
    flags = parser.parse_args()
    try:
        card = page.card(flags.run)
    except ValueError as error:
        parser.error(str(error))
    print(card, end="")
    if flags.out:
        flags.out.parent.mkdir(parents=True, exist_ok=True)
        flags.out.write_text(card)


if __name__ == "__main__":
    main()
