"""The command line, with configs on disk."""

import os
import pathlib
import subprocess
import sys

import ml_collections
import pytest

from rl_credit.runtime import launch, preemption
from rl_credit.runtime.errors import UserError

ROOT = pathlib.Path(__file__).parents[2]
DOC = "Trains something.\n\n    python -m experiments.something --config=...\n"
CONFIG = """
import ml_collections

def get_config(size="full"):
    steps = {"full": 200, "smoke": 2}[size]
    train = dict(steps=steps, rate=1e-3, clips=(0.2, 0.3), nesterov=True, limit=None)
    credit = dict(name="gigpo", options=dict(step_weight=1.0), sizes=[1, 2])
    return ml_collections.ConfigDict(dict(seed=0, credit=credit, train=train))
"""
FINICKY = """
def get_config(size):
    if size == "broken":
        return dict(seed=undefined)
    if size == "lost":
        return dict(seed={}["key"])
    raise ValueError(f"unknown size {size!r}; did you mean 'smoke'")
"""
FRAGMENT = "OPTIMISER = dict(rate=1e-3)\n"


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """`command(*arguments)` runs it: the config and folder main got, or its error."""
    folder = tmp_path / "configs" / "text"
    folder.mkdir(parents=True)
    (folder / "shop.py").write_text(CONFIG)
    (folder / "finicky.py").write_text(FINICKY)
    (folder.parent / "fragments.py").write_text(FRAGMENT)
    monkeypatch.chdir(tmp_path)

    def call(*arguments, main=None):
        seen = []
        monkeypatch.setattr(sys, "argv", ["something", *arguments])
        try:
            launch.run(main or (lambda *given: seen.extend(given)), DOC)
        except SystemExit as stop:
            return stop.code
        return seen or capsys.readouterr().out

    return call


@pytest.fixture
def shop(command):
    """The same with --workdir and the config of a shop: `shop(*overrides)`."""
    given = "--config=configs/text/shop.py:smoke", "--workdir=runs/shop"
    return lambda *overrides, **options: command(*given, *overrides, **options)


def test_main_gets_the_config_of_that_size_and_the_folder(shop, command):
    config, workdir = shop()
    assert isinstance(config, ml_collections.ConfigDict) and config.is_locked
    assert config.train.steps == 2 and config.seed == 0
    assert workdir == pathlib.Path("runs/shop") and not workdir.exists()
    config, _ = command("--workdir", "runs", "--config", "configs/text/shop.py")
    assert config.train.steps == 200


@pytest.mark.parametrize(
    "arguments, path, value",
    [
        (["--config.seed=7"], "seed", 7),
        (["--config.seed", "7"], "seed", 7),
        (["--config.seed", "-7"], "seed", -7),
        (["--config.seed=7", "--config.seed=8"], "seed", 8),
        (["--config.train.rate=1"], "train.rate", 1.0),
        (["--config.train.nesterov=false"], "train.nesterov", False),
        (["--noconfig.train.nesterov"], "train.nesterov", False),
        (["--config.train.clips=(0.1,)"], "train.clips", (0.1,)),
        (["--config.train.limit=5"], "train.limit", 5),
        (["--config.train.limit=short"], "train.limit", "short"),
        (["--config.credit.name=7"], "credit.name", "7"),
        (["--config.credit.options={'a': 1}"], "credit.options", {"a": 1}),
    ],
)
def test_an_override_changes_its_field_and_no_other(shop, arguments, path, value):
    before, _ = shop()
    config, _ = shop(*arguments)
    *parents, last = path.split(".")
    section, old = config, before
    for name in parents:
        section, old = section[name], old[name]
    found = section[last].to_dict() if isinstance(value, dict) else section[last]
    assert found == value and type(found) is type(value)
    section[last] = old[last]
    assert config.to_dict() == before.to_dict()


@pytest.mark.parametrize(
    "override, message",
    [
        (
            "--config.credit.nmae=grpo",
            "--config.credit.nmae: unknown field of config.credit 'nmae'; "
            "did you mean 'name'? (known: name, options, sizes)",
        ),
        (
            "--config.trian.steps=3",
            "--config.trian.steps: unknown field of config 'trian'; "
            "did you mean 'train'? (known: credit, seed, train)",
        ),
        (
            "--config.seed.x=3",
            "--config.seed.x: config.seed is 0 and has no fields",
        ),
        (
            "--config.train.steps=many",
            "--config.train.steps=many: config.train.steps must be an int",
        ),
        (
            "--config.train.steps=1.5",
            "--config.train.steps=1.5: config.train.steps must be an int",
        ),
        (
            "--config.train.nesterov=maybe",
            "--config.train.nesterov=maybe: config.train.nesterov must be true or "
            "false",
        ),
        (
            "--config.train=3",
            "--config.train=3: config.train must be a dict, as in {'field': 1}",
        ),
        ("--config.seed", "--config.seed: config.seed must be an int"),
        (
            "--config.credit.sizes=[3]",
            "--config.credit.sizes=[3]: no flag can set a list; a tuple it can",
        ),
        (
            "--wrokdir=runs/other",
            "unknown argument '--wrokdir'; did you mean '--workdir'? (known: "
            "--allow_changes, --config, --config.SECTION.FIELD, --distributed, --help, "
            "--workdir)",
        ),
    ],
)
def test_a_mistake_is_one_line_that_names_it(shop, override, message):
    assert shop(override) == f"error: {message}"


@pytest.mark.parametrize("stray", [["left"], ["--config.seed=3", "left"]])
def test_a_stray_word_is_refused(shop, stray):
    assert shop(*stray).startswith("error: unknown argument 'left'")


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "missing --config=FILE.py[:SIZE] and --workdir=DIR; --help says more"),
        (["--workdir=a"], "missing --config=FILE.py[:SIZE]; --help says more"),
        (
            ["--config=configs/text/shop.py"],
            "missing --workdir=DIR; --help says more",
        ),
        (["--workdir"], "Missing value for flag --workdir"),
        (
            ["--config=configs/txt/shop.py:smoke", "--workdir=a"],
            "unknown config file 'configs/txt/shop.py'; did you mean "
            "'configs/text/shop.py'? (known: configs/text/finicky.py, "
            "configs/text/shop.py)",
        ),
        (
            ["--config=configs/fragments.py", "--workdir=a"],
            "configs/fragments.py defines no get_config",
        ),
        (
            ["--config=configs/text/shop.py:smol", "--workdir=a"],
            "--config=configs/text/shop.py:smol: no size 'smol'",
        ),
        (
            ["--config=configs/text/finicky.py:smol", "--workdir=a"],
            "--config=configs/text/finicky.py:smol: unknown size 'smol'; did you mean "
            "'smoke'",
        ),
        (
            ["--config=configs/text/finicky.py", "--workdir=a"],
            "get_config of configs/text/finicky.py, given no size: missing a required "
            "argument: 'size'",
        ),
        (
            ["--config=configs/text/shop.py", "--workdir=configs/fragments.py"],
            "--workdir=configs/fragments.py is a file; it must be a folder, or new",
        ),
    ],
)
def test_a_config_or_folder_that_will_not_do_is_one_line(command, arguments, message):
    assert command(*arguments) == f"error: {message}"


def test_what_the_user_can_put_right_in_main_has_no_trace_and_a_bug_has(shop, command):
    def refuse(config, workdir):
        raise UserError("runs/shop is taken")

    def fail(config, workdir):
        raise ValueError("shapes differ")

    assert shop(main=refuse) == "error: runs/shop is taken"
    with pytest.raises(ValueError, match="shapes differ"):
        shop(main=fail)
    with pytest.raises(NameError, match="undefined"):
        command("--config=configs/text/finicky.py:broken", "--workdir=a")
    with pytest.raises(KeyError, match="key"):
        command("--config=configs/text/finicky.py:lost", "--workdir=a")


@pytest.mark.parametrize("others", [(), ("--config=nowhere.py", "--what=3")])
def test_help_prints_the_docstring_first(command, others):
    for flag in ("--help", "-h"):
        text = command(flag, *others)
        assert text.startswith(DOC.strip() + "\n\nFlags:\n  --config=FILE.py[:SIZE]")
        assert "--workdir=DIR" in text and len(text.splitlines()) < 16


PROGRAM = """
import sys
from absl import flags
from rl_credit.runtime import checkpoint, launch, metrics, records
launch.run(lambda config, workdir: print(config.train.steps, workdir), "Doc.")
print({"config", "workdir"} & set(flags.FLAGS))
sys.argv.append("--config.sed=1")
launch.run(print, "Doc.")
"""


def test_no_flag_is_defined_for_others_and_no_device_starts(command):
    given = ["--config=configs/text/shop.py:smoke", "--workdir=a"]
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, *given],
        env=os.environ | {"JAX_PLATFORMS": "none", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert result.stdout == "2 a\nset()\n"
    mistake = "--config.sed: unknown field of config 'sed'; did you mean 'seed'?"
    assert result.stderr == f"error: {mistake} (known: credit, seed, train)\n"
    assert result.returncode == 1


def test_a_run_that_was_stopped_says_so_and_is_no_error(shop, capsys):
    def main(config, workdir):
        raise preemption.Preempted("step 3 of 9 is saved")

    assert shop(main=main) == 143
    assert capsys.readouterr().err == "stopped: step 3 of 9 is saved\n"
