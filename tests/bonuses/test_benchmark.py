"""The suite of the benchmark does the work of its peers; no time is looked at."""

import importlib.util
import json

from experiments import benchmark
from experiments.benchmarks import bonuses, timing


def test_every_case_agrees_with_its_peer(tmp_path, monkeypatch):
    monkeypatch.setattr(timing, "SECONDS", 0.0)
    monkeypatch.setattr(bonuses, "GOALS", {70: 1.0})
    monkeypatch.setattr(bonuses, "STEPS", 9)
    monkeypatch.setattr(bonuses, "ENVS", 2)
    monkeypatch.setattr(bonuses, "COUNTED", (6, 4))
    benchmark.main(["--suite=bonuses", f"--out={tmp_path}"])
    rows = json.loads((tmp_path / "bonuses.json").read_text())["timings"]
    names = "E3B; E3B, carried; episodic count; global count".split("; ")
    assert [row["name"] for row in rows] == names
    torch = importlib.util.find_spec("torch") is not None
    for row in rows:
        compared = torch or not row["name"].startswith("E3B")
        assert bool(row["peer"]) == compared
        assert compared or "pip install" in row["peer_name"]
