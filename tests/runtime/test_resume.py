"""A run that is killed at any moment and started again equals one that was not."""

import json
import os
import pathlib
import random
import subprocess
import sys
import time

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]
PROGRAM = """
import json, pathlib, sys, time
import jax, jax.numpy as jnp, numpy as np, optax
from rl_credit.runtime import checkpoint, metrics, records

STEPS, workdir = int(sys.argv[1]), pathlib.Path(sys.argv[2])
optimiser, run_key = optax.adam(1e-2), jax.random.key(0)

@jax.jit
def update(params, moments, step):
    inputs = jax.random.normal(jax.random.fold_in(run_key, step), (8, 50))
    loss, grads = jax.value_and_grad(
        lambda params: jnp.mean((inputs @ params - 1.0) ** 2)
    )(params)
    updates, moments = optimiser.update(grads, moments)
    return optax.apply_updates(params, updates), moments, loss

records.prepare(workdir, {"steps": STEPS})
params = jnp.zeros((50, 20))
state = {"params": params, "moments": optimiser.init(params), "seen": np.zeros(3)}
with checkpoint.Checkpoints(workdir) as checkpoints:
    start, extra = checkpoints.latest() or 0, {"history": 0}
    if start:
        state, extra = checkpoints.restore(start, state)
    print("start", start, flush=True)
    with metrics.Writer(workdir, start) as writer:
        for step in range(start, STEPS):
            params, moments, loss = update(state["params"], state["moments"], step)
            state = {"params": params, "moments": moments, "seen": state["seen"] + step}
            extra = {"history": (extra["history"] * 31 + step) % 1_000_003}
            writer.write(step, {"loss": loss, "norm": jnp.linalg.norm(params)})
            if (step + 1) % 4 == 0:
                checkpoints.save(step + 1, state, extra)
            print("step", step, flush=True)
    print("end", json.dumps(extra))
np.savez(workdir / "end.npz", *jax.tree.leaves(state))
"""
STEPS = 240


def started(workdir):
    """A process that trains in that folder until step 240, or until it is killed."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(STEPS), str(workdir)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)},
    )


def killed(workdir, lines, seconds):
    """Where a run began that is killed so many lines and seconds later."""
    with started(workdir) as process:
        first = process.stdout.readline().split()
        for _ in range(lines):
            process.stdout.readline()
        time.sleep(seconds)
        process.kill()
    assert process.returncode == -9
    return int(first[1])


def finished(workdir):
    """The arrays, the extra data and the lines at the end, and where it began."""
    with started(workdir) as process:
        lines = process.stdout.read().splitlines()
    assert process.returncode == 0
    arrays = dict(np.load(workdir / "end.npz"))
    return arrays, lines[-1], (workdir / "metrics.jsonl").read_bytes(), lines[0]


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_equals_an_unbroken_one(tmp_path):
    draw = random.Random(0)
    starts, written = [], []
    for _ in range(6):
        wait = draw.randrange(10, 40), draw.uniform(0.0, 0.03)
        starts.append(killed(tmp_path / "broken", *wait))
        lines = (tmp_path / "broken" / "metrics.jsonl").read_bytes()
        written.append(lines.count(b"\n"))
    arrays, extra, lines, first = finished(tmp_path / "broken")
    unbroken = finished(tmp_path / "unbroken")
    starts.append(int(first.split()[1]))
    assert starts[0] == 0 and starts == sorted(starts) and len(set(starts)) > 3
    assert any(lost > start for lost, start in zip(written, starts[1:]))
    assert unbroken[3] == "start 0"
    assert lines == unbroken[2] and lines.count(b"\n") == STEPS
    assert extra == unbroken[1]
    assert arrays.keys() == unbroken[0].keys()
    for name, array in arrays.items():
        assert array.tobytes() == unbroken[0][name].tobytes(), name
    record = json.loads((tmp_path / "broken" / "run.json").read_text())
    assert len(record["starts"]) == len(starts)
