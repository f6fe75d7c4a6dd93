"""Every config: its sizes build, smoke among them, and others are refused."""

import importlib
import json
import pathlib
import re

import ml_collections
import pytest

from rl_credit.runtime import records
from rl_credit.runtime.sections import plain, sections
from rl_credit.training.settings import Settings

ROOT = pathlib.Path(__file__).parents[2]
FILES = [
    path.relative_to(ROOT)
    for path in sorted((ROOT / "configs").rglob("*.py"))
    if "def get_config(" in path.read_text()
]
every_config = pytest.mark.parametrize("path", FILES, ids=str)


def get_config(path):
    """The function of that file."""
    return importlib.import_module(".".join(path.with_suffix("").parts)).get_config


def refusal(path):
    """What is said of a size that no config has."""
    with pytest.raises(ValueError) as caught:
        get_config(path)("enormous")
    return str(caught.value)


def sizes(path):
    """The sizes that a refusal names."""
    return re.search(r"\(known: (.*)\)", refusal(path))[1].split(", ")


def test_there_are_configs():
    assert pathlib.Path("configs/text/textworld.py") in FILES


@every_config
def test_a_size_nobody_knows_is_refused_with_those_that_are(path):
    assert "unknown size 'enormous'" in refusal(path)
    assert "smoke" in sizes(path)


@every_config
def test_every_size_is_data(path):
    for size in sizes(path):
        config = get_config(path)(size)
        assert isinstance(config, ml_collections.ConfigDict), size
        json.dumps(plain(config))


@every_config
def test_the_size_that_is_taken_without_a_name_is_one_of_them(path):
    default = plain(get_config(path)())
    assert default in [plain(get_config(path)(size)) for size in sizes(path)]


@every_config
def test_a_config_is_new_every_time(path):
    config = get_config(path)("smoke")
    for name in list(config):
        config[name] = None
    assert plain(get_config(path)("smoke")) != plain(config)


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.parts[1] == "text"], ids=str
)
def test_every_size_of_a_text_config_makes_settings(path, tmp_path):
    for size in sizes(path):
        config = get_config(path)(size)
        settings = sections(Settings, config)
        assert settings.train.steps == config.train.steps
        records.prepare(tmp_path / size, config)
        records.prepare(tmp_path / size, get_config(path)(size))  # to go on with it
