"""Environments by name."""

import configparser
import inspect
import pathlib
import sys

import pytest

from rl_credit.envs import make
from rl_credit.envs.text.scripted import Scripted
from rl_credit.envs.text.turn import TextEnv

ROOT = pathlib.Path(__file__).parents[2]


def test_every_name_of_the_table_has_its_constructor():
    for name in make.TEXT:
        assert inspect.isclass(make.constructor(name))


def test_the_catalogue_says_of_each_what_it_is_and_what_it_needs():
    told = make.catalogue()
    assert max(map(len, told.splitlines())) <= 88
    words = " ".join(told.split())
    for name, entry in make.TEXT.items():
        install = f"pip install 'rl_credit[{entry.extra}]'" if entry.extra else ""
        needs = "; ".join(filter(None, [install, entry.needs])) or "nothing more"
        assert entry.about and f" {name} {entry.about} needs: {needs}" in words
    assert "\n  scripted  " in told and "\n  textworld  " in told
    indents = {len(line) - len(line.lstrip()) for line in told.splitlines()}
    assert indents == {0, 2, max(map(len, make.TEXT)) + 4}


def test_every_extra_can_be_installed_and_is_tested():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    extras = {
        extra: set(filter(None, wanted.splitlines()))
        for extra, wanted in setup["options.extras_require"].items()
    }
    for name, entry in make.TEXT.items():
        wanted = extras[entry.extra] if entry.extra else set()
        assert wanted <= extras["dev"], name


def test_a_name_builds_with_its_options():
    env = make.make("scripted", seed=4, tasks=7)
    assert isinstance(env, TextEnv) and env.tasks == 7
    assert env.reset(2) == Scripted(seed=4).reset(2) != Scripted(seed=5).reset(2)


def test_a_path_builds_an_environment_of_your_own():
    env = make.make("tests.envs.misbehaving:Misbehaving", seed=0, kinds=("",))
    assert env.reset(0) == Scripted().reset(0)


@pytest.mark.parametrize(
    "name, options, error, message",
    [
        ("textwrld", {}, ValueError, "did you mean 'textworld'.*'module:attribute'"),
        ("scripted", dict(step_limt=1), TypeError, "did you mean 'step_limit'"),
        ("nowhere.at_all:Env", {}, ValueError, "No module named 'nowhere'"),
        ("tests.envs.misbehaving:Costy", {}, ValueError, "did you mean 'Costly'"),
    ],
)
def test_a_wrong_name_or_option_is_told_the_nearest_right_one(
    name, options, error, message
):
    with pytest.raises(error, match=message):
        make.make(name, **options)


def test_a_missing_simulator_is_named_with_its_remedy(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "textworld", None)
    wanted = r"'textworld' is missing.*pip install 'rl_credit\[text\]'"
    with pytest.raises(ImportError, match=wanted):
        make.make("textworld", kind="quest", levels=(1, 2))
    monkeypatch.setenv("PATH", str(tmp_path))
    wanted = r"first install a C compiler, a C\+\+ compiler, cmake, make"
    with pytest.raises(ImportError, match=wanted):
        make.make("textworld", kind="quest", levels=(1, 2))
