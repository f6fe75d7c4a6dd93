"""Shows who got the credit in a run of the text agent, as one HTML file.

    python -m experiments.viewer --run=runs/textworld --out=credit.html

Opens in any browser, without a network. Besides the credit of the run itself, every one
of `--estimators` is asked about the same episodes.
"""

import argparse
import pathlib

from rl_credit.analysis.viewer import transcripts


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", required=True, type=pathlib.Path, help="its workdir")
    parser.add_argument("--out", required=True, type=pathlib.Path, help="the HTML file")
    parser.add_argument("--estimators", default="grpo,gigpo,hgpo", help="by name")
    parser.add_argument("--last", default=25, type=int, help="training steps to show")
    flags = parser.parse_args()
    names = [name for name in flags.estimators.split(",") if name]
    try:
        page = transcripts.run(flags.run, names, flags.last)
    except ValueError as error:
        parser.error(str(error))
    print(f"In {page.save(flags.out)}")


if __name__ == "__main__":
    main()
