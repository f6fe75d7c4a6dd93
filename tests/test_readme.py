"""What the README shows is what happens."""

import contextlib
import io
import pathlib
import re

import pytest

from rl_credit.credit.estimators import ESTIMATORS

README = pathlib.Path(__file__).parent.parent.joinpath("README.md").read_text()


def blocks(language):
    found = re.findall(r"^```(\w*)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    return [text for name, text in found if name == language]


def test_the_example_prints_what_it_says():
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(blocks("python")[0], {})
    assert printed.getvalue() in blocks("")


def test_the_example_is_short():
    lines = [line for line in blocks("python")[0].splitlines() if line.strip()]
    assert len(lines) <= 15


def test_the_table_names_every_estimator():
    rows = [line.split("|") for line in README.splitlines() if line.startswith("| ")]
    names = [row[3] for row in rows if len(row) == 6]
    assert set(re.findall("`(.*?)`", " ".join(names))) == set(ESTIMATORS)


@pytest.mark.parametrize("path", re.findall(r"\]\((docs/.*?)\)", README))
def test_links_lead_somewhere(path):
    assert pathlib.Path(__file__).parent.parent.joinpath(path).exists()
