"""A bad value stops at the door, in one line that names it and what would do."""

import json
import os
import subprocess
import sys

import pytest

from experiments import text_agent
from rl_credit.credit.estimators import ESTIMATORS
from rl_credit.losses.policy import POLICY
from rl_credit.runtime import launch
from rl_credit.runtime.errors import UserError
from tests.models.test_tokenizer import TEMPLATE, pretrained
from tests.training import tiny

DECODER = tiny.SMALL["model.sizes"]


def refused(**changes):
    """The words with which these changes are refused."""
    with pytest.raises(UserError) as caught:
        tiny.settings(**changes)
    message = str(caught.value)
    assert "\n" not in message
    return message


def assert_says(message, *parts):
    """All of the parts are in the message."""
    for part in parts:
        assert part in message, (part, message)


def test_the_smoke_config_is_taken_as_it_is():
    settings = tiny.settings()
    assert settings.train.steps == 2 and settings.env.name == "scripted"
    assert settings.train.clip == 1.0 and type(settings.train.clip) is float
    assert settings.play.sampling.temperature == settings.play.temperature
    assert settings.loss.objective(0.0).temperature == 1.0  # greedy counts as at 1


@pytest.mark.parametrize(
    "changes, parts",
    [
        ({"credit.name": "grop"}, ("estimator 'grop'", "mean 'grpo'", "hgpo")),
        (
            {"credit.options": {"gigpo": {"alpha": 1.0}}},
            ("'gigpo'", "'alpha'", "step_weight"),
        ),
        ({"credit.penalise": "scroe"}, ("'scroe'", "mean 'score'", "advantage")),
        (
            {"credit.name": "grpo", "credit.penalise": "score"},
            ("'grpo'", "penalise='score'", "gigpo_released", "penalise='advantage'"),
        ),
        ({"loss.name": "ppo"}, ("loss 'ppo'", "ppo_clip")),
        ({"loss.options": {"ppo_clip": {"clip": 0.2}}}, ("'ppo_clip'", "'clip'")),
        ({"loss.reduction": "token_meen"}, ("'token_meen'", "mean 'token_mean'")),
        ({"loss.reduction": "constant_length"}, ("length", "constant_length")),
        ({"loss.length": 10}, ("length=10", "token_mean")),
        ({"env.name": "textwold"}, ("'textwold'", "mean 'textworld'", "scripted")),
        ({"env.name": "tests.nowhere:Rooms"}, ("tests.nowhere", "module:attribute")),
        ({"env.name": "tests.training.worlds:Room"}, ("'Room'", "mean 'Rooms'")),
        ({"play.format": "plan"}, ("'plan'", "mean 'plain'", "think")),
        ({"play.invalid": "skip"}, ("'skip'", "noop, send")),
        ({"model.tokenizer": "word"}, ("'word'", "mean 'words'", "bytes, pretrained")),
    ],
)
def test_a_name_nobody_knows_comes_with_the_nearest_and_all(changes, parts):
    assert_says(refused(**changes), *parts)


@pytest.mark.parametrize(
    "changes, parts",
    [
        ({"model.directory": "somewhere"}, ("directory", "sizes")),
        ({"model.sizes": {}}, ("directory", "sizes")),
        ({"model.tokenizer": "pretrained"}, ("'pretrained'", "directory")),
        (
            {"model.sizes": {}, "model.directory": "somewhere"},
            ("'words'", "'somewhere'", "'pretrained'"),
        ),
    ],
)
def test_a_model_is_a_directory_or_sizes_with_the_tokenizer_that_fits(changes, parts):
    assert_says(refused(**changes), "model", *parts)


@pytest.mark.parametrize(
    "path, value",
    [
        ("env.train", 0),
        ("env.held_out", 0),
        ("env.held_out", -3),
        ("env.workers", 0),
        ("env.step_timeout", 0.0),
        ("env.restarts", -1),
        ("play.turns", 0),
        ("play.history", -1),
        ("play.recalled", -1),
        ("play.limit", 0),
        ("play.limit", 512),  # as long as the window
        ("play.window", 4),
        ("play.temperature", -0.5),
        ("play.top_k", -1),
        ("play.top_p", 0.0),
        ("demonstrations", -1),
        ("imitation.batch", 0),
        ("imitation.epochs", -1),
        ("train.steps", -1),
        ("train.tasks", 0),
        ("train.attempts", 0),
        ("train.epochs", 0),
        ("train.minibatches", -2),
        ("train.tokens", 0),
        ("train.resample", -1),
        ("evaluate.attempts", 0),
        ("evaluate.every", -1),
        ("evaluate.temperature", -1.0),
        ("save.every", 0),
        ("save.keep", 0),
        ("seed", -1),
    ],
)
def test_a_number_that_makes_no_run_is_refused_by_its_name(path, value):
    message = refused(**{path: value})
    assert_says(message, path.rpartition(".")[2], str(value))


@pytest.mark.parametrize(
    "sizes, parts",
    [
        (DECODER | {"widht": 32}, ("'widht'", "mean 'width'")),
        (DECODER | {"heads": 0}, ("heads", "0")),
        (DECODER | {"family": "gpt"}, ("family", "'gpt'", "llama")),
        ({k: v for k, v in DECODER.items() if k != "layers"}, ("lack", "'layers'")),
    ],
)
def test_sizes_that_make_no_decoder_are_refused(sizes, parts):
    assert_says(refused(**{"model.sizes": sizes}), *parts)


def test_a_dtype_nobody_knows_is_refused():
    assert_says(refused(**{"model.dtype": "float8"}), "'float8'", "bfloat16")


def test_a_window_beyond_the_positions_of_the_decoder_is_refused():
    changes = {"model.sizes": DECODER | {"positions": 128}}
    assert_says(refused(**changes), "window", "512", "128")


@pytest.mark.parametrize(
    "path, value, wanted",
    [
        ("train.steps", "many", "int"),
        ("train.clip", "1", "float"),
        ("play.history", "none", "int | None"),
        ("credit", "grpo", "Credit"),
        ("env.options", 3, "dict"),
    ],
)
def test_a_value_of_another_type_is_refused(path, value, wanted):
    assert_says(refused(**{path: value}), f"config.{path}", repr(value), wanted)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimator_is_taken_or_says_what_it_lacks(name):
    try:
        credit = tiny.settings(**{"credit.name": name}).credit
    except UserError as error:
        assert name in str(error) and ESTIMATORS[name].needs
    else:
        assert credit.estimator is ESTIMATORS[name]
        assert credit.knobs == ESTIMATORS[name].options


@pytest.mark.parametrize("name", POLICY)
def test_every_loss_is_taken_with_its_own_options(name):
    changes = {"loss.name": name, "loss.kl": 0.1}
    made, same = (tiny.settings(**changes).loss.objective(0.5) for _ in range(2))
    assert (made.loss, made.kl, made.temperature) == (name, 0.1, 0.5)
    assert made == same and hash(made) == hash(same)  # compiled once


def test_options_of_other_estimators_and_losses_are_left_alone():
    options = {"grpo": {"epsilon": 0.5}, "hgpo": {"alpha": 3.0}, "nobody": {"x": 1}}
    changes = {"credit.name": "grpo", "credit.options": options}
    assert tiny.settings(**changes).credit.knobs == {"epsilon": 0.5}


def flags(**changes):
    """Overrides of the command line."""
    return [f"--config.{name.replace('__', '.')}={v}" for name, v in changes.items()]


def model(directory):
    """Overrides that take a model from a directory."""
    given = dict(model__directory=directory, model__tokenizer="pretrained")
    return flags(**given, model__sizes="{}")


def written(directory, family, template=TEMPLATE):
    """A directory with a config of that family and a tokenizer, but no weights."""
    pretrained(directory, eos_token="[end]", chat_template=template)
    (directory / "config.json").write_text(json.dumps({"model_type": family}))
    return directory


def missing(folder):
    return model(folder / "nowhere")


def strange(folder):
    return model(written(folder / "strange", "gpt9"))


def untalkative(folder):
    return model(written(folder / "untalkative", "llama", template=None))


ROOMS = dict(env__name=tiny.ROOMS)
GAMES = "{'kind': 'coin_colector', 'levels': (1, 3)}"
BAD_INPUT = {  # overrides, or what makes them in a folder; and what is named
    "model": (missing, ["nowhere", "no "]),
    "family": (strange, ["model_type 'gpt9'", "llama"]),
    "template": (untalkative, ["untalkative", "chat template"]),
    "window": (
        flags(play__window=20, play__limit=17, **ROOMS),
        ["first prompt", "play.window=20"],
    ),
    "environment": (flags(env__name="textwold"), ["mean 'textworld'"]),
    "field": (flags(credit__nmae="grpo"), ["'nmae'", "mean 'name'"]),
    "games": (
        flags(env__name="textworld", env__options=GAMES),
        ["kind 'coin_colector'", "mean 'coin_collector'"],
    ),
    "option": (flags(env__options="{'step_limt': 3}"), ["mean 'step_limit'"]),
    "guide": (flags(env__options="{'silent': True}", **ROOMS), ["walkthrough"]),
    "words": (flags(demonstrations=0), ["words", "demonstrations"]),
}


def bad_input(name, folder):
    """Arguments of the command line, and what the error must name."""
    given, parts = BAD_INPUT[name]
    return (given(folder) if callable(given) else given), parts


SMOKE = f"--config={tiny.ROOT}/configs/text/textworld.py:smoke"


@pytest.mark.parametrize("name", BAD_INPUT)
def test_bad_input_is_one_line_and_no_traceback(name, tmp_path, monkeypatch):
    arguments, parts = bad_input(name, tmp_path)
    run = ["text_agent", SMOKE, f"--workdir={tmp_path / 'run'}", *arguments]
    monkeypatch.setattr(sys, "argv", run)
    with pytest.raises(SystemExit) as stop:  # any other exception is a traceback
        launch.run(text_agent.main, text_agent.__doc__)
    message = stop.value.code
    assert message.startswith("error: ") and "\n" not in message
    assert_says(message, *parts)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["model", "field", "window"])
def test_the_program_ends_with_that_line_and_status_1(name, tmp_path):
    arguments, parts = bad_input(name, tmp_path)
    given = [SMOKE, f"--workdir={tmp_path / 'run'}", *arguments]
    ended = subprocess.run(
        [sys.executable, "-m", "experiments.text_agent", *given],
        cwd=tiny.ROOT,
        env=os.environ | {"JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 1 and ended.stdout == ""
    assert "Traceback" not in ended.stderr
    (line,) = [x for x in ended.stderr.splitlines() if x.startswith("error:")]
    assert ended.stderr.splitlines()[-1] == line
    assert_says(line, *parts)
