"""The benchmark measures what it says; no test looks at how long anything took."""

import json

import jax.numpy as jnp
import pytest

from experiments import benchmark
from experiments.benchmarks import kernels, timing


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


def test_a_case_that_is_not_there_is_met_with_the_names(capsys):
    with pytest.raises(SystemExit):
        benchmark.main(["--only=GIGPO"])
    assert "GiGPO from strings" in capsys.readouterr().err
