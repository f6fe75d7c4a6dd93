"""The benchmark measures what it says; no test looks at how long anything took."""

import json
import sys

import jax.numpy as jnp
import pytest

from experiments import benchmark
from experiments.benchmarks import kernels, timing, worlds


@pytest.fixture(autouse=True)
def brief(monkeypatch):
    """As few rounds as there are, on small sizes."""
    monkeypatch.setattr(timing, "SECONDS", 0.0)
    monkeypatch.setattr(kernels, "ROWS", {"200": 200})
    monkeypatch.setattr(kernels, "SHAPES", {"6 x 3": (6, 3)})


def test_every_case_agrees_with_its_peer_and_is_reported(tmp_path, capsys):
    benchmark.main(["--suite=kernels", f"--out={tmp_path}"])
    printed = capsys.readouterr().out
    rows = json.loads((tmp_path / "kernels.json").read_text())["timings"]
    names = [name for name, *_ in kernels.BY_ROWS + kernels.BY_SHAPE]
    assert [row["name"] for row in rows] == names
    for row in rows:
        assert len(row["ours"]) == len(row["peer"]) == timing.ROUNDS[0]
        assert row["ratio_median"] > 0
        assert f"| {row['name']} | {row['size']} |" in printed
    assert (tmp_path / "kernels.md").read_text() in printed


def test_a_peer_that_does_other_work_is_refused():
    ours, peer = (lambda: jnp.zeros(2)), (lambda: [0.0, 1.0])
    with pytest.raises(AssertionError, match="lazy"):
        timing.measure(timing.Case("lazy", "2", ours, "peer", peer))


def test_a_peer_that_fails_does_not_take_the_others_times_along(
    tmp_path, monkeypatch, capsys
):
    def failing():
        raise RuntimeError("no peer")

    def cases():
        yield timing.Case("first", "1", lambda: 1.0, "peer", lambda: 1.0)
        yield timing.Case("second", "1", lambda: 1.0, "peer", failing)

    monkeypatch.setitem(benchmark.SUITES, "kernels", cases)
    with pytest.raises(RuntimeError, match="no peer"):
        benchmark.main([f"--out={tmp_path}"])
    assert "| first | 1 |" in capsys.readouterr().out
    (row,) = json.loads((tmp_path / "kernels.json").read_text())["timings"]
    assert row["name"] == "first" and len(row["ours"]) == timing.ROUNDS[0]


def test_a_case_that_is_not_there_is_met_with_the_names(capsys):
    with pytest.raises(SystemExit):
        benchmark.main(["--only=GIGPO"])
    assert "GiGPO from strings" in capsys.readouterr().err


@pytest.mark.slow
def test_the_pool_does_the_work_of_its_single_environments(tmp_path, monkeypatch):
    monkeypatch.setattr(worlds, "SLOTS", 4)
    monkeypatch.setattr(worlds, "STEPS", 3)
    game = worlds.GAME | dict(levels=(2, 2), cache=str(tmp_path / "games"))
    monkeypatch.setattr(worlds, "GAME", game)
    benchmark.main(["--suite=pool", f"--out={tmp_path}"])
    (row,) = json.loads((tmp_path / "pool.json").read_text())["timings"]
    assert row["name"] == "pool of TextWorld" and row["ratio_median"] > 0


@pytest.mark.slow
def test_an_iteration_is_timed_by_its_phases(tmp_path, monkeypatch):
    small = worlds.config.smoke()
    monkeypatch.setattr(worlds.config, "full", lambda: small)
    monkeypatch.setattr(worlds, "SIZE", dict(train=2, held_out=1))
    monkeypatch.setattr(timing, "ROUNDS", (1, 1))
    benchmark.main(["--suite=iteration", f"--out={tmp_path}"])
    rows = json.loads((tmp_path / "iteration.json").read_text())["timings"]
    names = "play, environments alone, credit, log-probabilities, update".split(", ")
    assert [row["name"] for row in rows] == names
    sizes = {row["size"] for row in rows}
    assert len(sizes) == 1 and sizes.pop().startswith("6 episodes, 48 turns")


def test_without_its_peer_a_suite_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"pip install 'rl_credit\[benchmark\]'"):
        benchmark.main(["--suite=decode"])
