"""Numbers from the official code of other projects; each file names its origin."""

import json
import pathlib

FOLDER = pathlib.Path(__file__).parent.parent / "golden"


def load(name):
    """The content of tests/golden/<name>.json."""
    return json.loads((FOLDER / f"{name}.json").read_text())
