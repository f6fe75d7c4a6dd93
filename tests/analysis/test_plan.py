"""A plan says what is so: bytes of real arrays, shapes of real batches, one error."""

import functools
import os
import pathlib
import subprocess
import sys

import jax
import numpy as np
import pytest

from configs.text import alfworld_qwen25_1p5b, alfworld_qwen25_7b
from experiments import plan as command
from rl_credit.analysis.plan import devices as kinds
from rl_credit.analysis.plan import held, models, programs, roofline
from rl_credit.analysis.plan.hlo import Counted
from rl_credit.analysis.plan.job import Job
from rl_credit.runtime.sections import sections
from rl_credit.training import batching
from rl_credit.training.batching import Row
from rl_credit.training.settings import Settings
from tests import devices
from tests.analysis import planned

ROOT = pathlib.Path(__file__).parents[2]
CONFIG = "--config=configs/text/alfworld_qwen25_1p5b.py"
LARGE = {
    "qwen2.5-1.5b": (alfworld_qwen25_1p5b, 1_543_714_304),
    "qwen2.5-7b": (alfworld_qwen25_7b, 7_615_616_512),
}


def large(name, data, model, kind="v5e"):
    """The published job with that model."""
    settings = sections(Settings, LARGE[name][0].get_config())
    return Job(settings, models.described(settings), data, model, kinds.named(kind))


def row(size, said):
    """A row of that many tokens, the last of which were said."""
    numbers = np.zeros(said, np.float32)
    places = np.arange(size - said, size, dtype=np.int32)
    return Row(np.zeros(size, np.int32), places, numbers, numbers)


@functools.cache
def report():
    return devices.printed("tests.analysis.planned:compared")


@pytest.mark.slow
def test_bytes_are_those_of_real_arrays_on_every_device():
    assert report()["planned"] == report()["real"]
    assert report()["rules"] == [True, True]


@pytest.mark.slow
def test_what_is_gathered_comes_from_the_other_parts():
    assert report()["gathered"] == 3 * 32 * 16 * 4 / 4


@pytest.mark.parametrize("name", LARGE)
def test_the_models_have_the_parameters_they_are_known_for(name):
    job = large(name, 4, 4)
    assert sum(leaf.size for leaf in jax.tree.leaves(job.params)) == LARGE[name][1]
    assert job.config.dtype == "bfloat16" and job.config.remat


@pytest.mark.parametrize("name", LARGE)
def test_sixteen_devices_hold_a_sixteenth_each(name):
    alone, spread = (
        {part.name: part.size for part in held.parts(large(name, *mesh))}
        for mesh in ((1, 1), (4, 4))
    )
    assert alone["parameters, float32"] == 4 * LARGE[name][1]
    for part in ("parameters, float32", "optimiser (AdamW)", "gradient"):
        assert alone[part] / 16 <= spread[part] < 1.07 * alone[part] / 16
    assert alone["copy that plays"] == 0  # it plays with what it learns with
    quarter = alone["gradient"] / 4  # without vectors, with keys of 2 heads whole
    assert 0.99 * quarter < spread["copy that plays"] < 1.05 * quarter


def test_an_estimator_that_learns_holds_what_it_learns():
    names = {part.name for part in held.parts(planned.job(1, 1, credit__name="gae"))}
    assert "critic" in names
    parts = held.parts(planned.job(1, 1, credit__name="prime"))
    sizes = {part.name: part.size for part in parts}
    whole = sizes["parameters, float32"]
    assert sizes["reward model"] == pytest.approx(4 * whole, rel=1e-3)


def test_a_microbatch_has_the_shape_of_a_real_one():
    job = large("qwen2.5-1.5b", 1, 1)
    play = job.settings.play
    rows = [row(play.window, play.limit) for _ in range(9)]
    first, *_ = batching.microbatches(rows, job.settings.train.tokens)
    found = jax.tree.map(lambda leaf: leaf.shape, first)
    expected = jax.tree.map(lambda leaf: leaf.shape, job.batch)
    assert found.tokens == expected.tokens == (8, 2560)
    assert found.said == expected.said == (8, 512)
    assert large("qwen2.5-1.5b", 16, 1).rows == 4 * 8  # four hosts


def test_the_slowest_part_is_the_bound():
    kind = kinds.named("v5e")
    found = roofline.bound(Counted(197e12, 1638e9, {"all-reduce": 100e9}), kind)
    assert (found.products, found.memory, found.network) == (1.0, 2.0, 0.5)
    assert (found.seconds, found.by) == (2.0, "memory")


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--mesh=4by2"], "a mesh of shape '4by2': give DATAxMODEL"),
        (["--mesh=4x2", "--device=v5"], "unknown device 'v5'; did you mean 'v5e'"),
        (["--mesh=16x16x2"], "a mesh of shape '16x16x2'"),
        (["--mesh=512x1"], "give 256 devices or fewer"),
        (["--mesh=2x8"], "does not fit hosts of 4 v5e each"),
        (["--mesh=1x8"], "do not divide the 12 heads: 1, 2, 3, 4, 6, 12 do"),
        (["--mesh=4x2", "--model=qwen2.5-2b"], "unknown model 'qwen2.5-2b'"),
        (["--mesh=4x2", "--config.train.tokns=1"], "did you mean 'tokens'"),
        (["--mesh=4x2", "--devise=v5e"], "unknown argument '--devise'"),
    ],
)
def test_a_slip_is_one_clear_error(arguments, words, capsys):
    with pytest.raises(SystemExit) as stop:
        command.main([CONFIG, *arguments])
    error = capsys.readouterr().err
    assert stop.value.code == 2 and words in error
    assert error.count("error:") == 1 and "Traceback" not in error


def test_a_vocabulary_that_is_made_later_asks_for_a_model():
    settings = planned.tiny.settings()
    with pytest.raises(ValueError, match="'words' makes its vocabulary when the run"):
        models.described(settings)
    assert models.described(settings, "qwen2.5-0.5b").layers == 24


def test_hosts_that_would_have_no_task_are_told():
    from rl_credit.analysis.plan import page

    with pytest.raises(ValueError, match="train.tasks=16, .* 64 hosts: .* say to 64"):
        page.planned(large("qwen2.5-1.5b", 256, 1))


def test_more_devices_than_are_simulated_are_refused():
    with pytest.raises(ValueError, match="a mesh of 4x2, and 1 devices here"):
        programs.simulated(4, 2)


@pytest.mark.slow
def test_the_command_prints_the_plan_of_seven_billion():
    given = "--config=configs/text/alfworld_qwen25_7b.py", "--mesh=4x4"
    done = subprocess.run(
        [sys.executable, "-m", "experiments.plan", *given],
        cwd=ROOT,
        env={key: os.environ[key] for key in os.environ if key != "JAX_PLATFORMS"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("7.62 billion parameters (28 layers of 3584)")
    assert "| parameters, float32 | always | 1.90 | 30.48 |" in done.stdout
    assert "does not fit |" in done.stdout.split("| v5e |")[1].splitlines()[0]
    for name in ("generation", "gradient", "reference", "optimiser"):
        assert f"\n| {name} | " in done.stdout
