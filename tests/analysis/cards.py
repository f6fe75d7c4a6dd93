"""Runs to make cards of, and the tables of a card."""

import json
import re


def tables(card):
    """The rows of each section, by the first cell: a value, or a list of columns."""
    found = {}
    for part in re.split(r"^## ", card, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        lines = body.splitlines()
        rows = [line[2:-2].split(" | ") for line in lines if line[:2] == "| "]
        found[title] = {
            name: cells[0] if len(cells) == 1 else cells
            for name, *cells in rows
            if name.strip(" |")  # else it is the head of a table
        }
    return found


def warnings(card):
    """The warnings, without their marks."""
    return re.findall(r"^> - \*\*Warning:\*\* (.*)$", card, re.MULTILINE)


def lines(path):
    """The records of a JSONL file."""
    return list(map(json.loads, path.read_text().splitlines()))


def rewrite(path, change):
    """`change` is made to every record of a JSONL file; one that is None goes."""
    kept = [one for one in map(change, lines(path)) if one is not None]
    path.write_text("".join(json.dumps(one) + "\n" for one in kept))


def configured(workdir, **changes):
    """The config of a run is another; "a.b" is the field b of the section a."""
    path = workdir / "config.json"
    config = json.loads(path.read_text())
    for name, value in changes.items():
        *parents, last = name.split(".")
        section = config
        for parent in parents:
            section = section[parent]
        section[last] = value
    path.write_text(json.dumps(config))
