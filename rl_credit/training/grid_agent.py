"""Agents of several seeds learn a grid: play, pay, credit, update, and again."""

import contextlib
import dataclasses
import json
import pathlib
import time
from typing import Any

import jax
import numpy as np
import tqdm

from rl_credit.runtime import hosts, metrics, preemption, records
from rl_credit.runtime.checkpoint import Checkpoints
from rl_credit.runtime.errors import blamed_on
from rl_credit.runtime.metrics import Lines
from rl_credit.runtime.records import RESULT
from rl_credit.training import grid_lanes, grid_placement, grid_update
from rl_credit.training.grid_lanes import Programs
from rl_credit.training.grid_settings import Settings
from rl_credit.training.grid_state import Learner

SEEDS = "seeds.jsonl"
HELD_OUT = "held_out"
Scalars = dict[str, float]


def train(settings: Settings, workdir: pathlib.Path) -> None:
    """Does what the settings say, or goes on with it; writes everything to `workdir`.

    That is metrics.jsonl and TensorBoard events (means over seeds; a step is a compiled
    call), seeds.jsonl (the returns of every seed), checkpoints, and at the end
    result.json. A run that was killed goes on after its last checkpoint, and ends as
    one that was not. The work is that of all devices of all processes, which may be
    others then; see `grid_placement`.

    Raises UserError, before anything is trained, for settings that no run can have, and
    Preempted after SIGTERM, when the update under way is done and saved.
    """
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        with blamed_on("config"):
            programs = grid_lanes.programs(settings)
        records.prepare(workdir, dataclasses.asdict(settings))
        hosts.wait("prepared")
        save = settings.save
        checkpoints = Checkpoints(workdir, keep=save.keep, best=save.best)
        stack.enter_context(checkpoints)
        start, learner = begun(programs, checkpoints)
        writer = stack.enter_context(metrics.Writer(workdir, start))
        lines = stack.enter_context(Lines(workdir / SEEDS, start))
        notice = stack.enter_context(preemption.noticed())
        last = settings.calls
        bar = stack.enter_context(progress(settings, start))
        seen: Scalars = {"seconds/start": time.monotonic() - began}
        for step in range(start, last):
            seen |= judged(programs, learner, step, bar, lines, checkpoints)
            learner, more = called(programs, learner, step, bar, lines)
            writer.write(step, seen | more)
            due = (step + 1) % settings.save.every == 0
            notice.after(step, last, due, checkpoints, learner)
            seen = {}
        seen |= judged(programs, learner, last, bar, lines, checkpoints)
        writer.write(last, seen)
    if jax.process_index() == 0:  # the others have no lines
        records.write_json(workdir / RESULT, result(workdir, settings))


def begun(programs: Programs, checkpoints: Checkpoints) -> tuple[int, Learner]:
    """The call to go on with and what to carry: of the last checkpoint, or new."""
    learner, latest = programs.init(), checkpoints.latest()
    if latest is not None:
        return latest, checkpoints.restore(latest, learner)[0]
    checkpoints.save(0, learner, {})
    return 0, learner


def progress(settings: Settings, start: int) -> tqdm.tqdm:
    """A bar that counts the steps of all seeds."""
    total = settings.calls * settings.frames_per_call * settings.seeds
    return tqdm.tqdm(
        total=total,
        initial=start * total // max(settings.calls, 1),
        unit="step",
        unit_scale=True,
        desc=f"{settings.env.name}, {settings.seeds} seeds",
    )


def judged(
    programs: Programs,
    learner: Learner,
    step: int,
    bar: tqdm.tqdm,
    lines: Lines,
    checkpoints: Checkpoints,
) -> Scalars:
    """How fresh episodes end before a call, where it is due.

    The learner is offered to the checkpoints, as one that may be the best.
    """
    settings = programs.agent.settings
    how, last = settings.evaluate, step == settings.calls
    if step and not last and not (how.every and step % how.every == 0):
        return {}
    began = time.monotonic()
    lanes = grid_placement.fetched(programs.judge(learner, step))
    told(lines, step, HELD_OUT, settings, lanes)
    means = {f"{HELD_OUT}/{name}": float(np.mean(v)) for name, v in lanes.items()}
    share, paid = means[f"{HELD_OUT}/success"], means[f"{HELD_OUT}/return"]
    bar.write(f"call {step}, fresh episodes: return {paid:.4g}, success {share:.0%}")
    took = {"seconds/evaluate": time.monotonic() - began}
    checkpoints.offer(step, learner, paid)
    return means | took


def called(
    programs: Programs, learner: Learner, step: int, bar: tqdm.tqdm, lines: Lines
) -> tuple[Learner, Scalars]:
    """The updates of a call: the learner after them, and means over seeds."""
    settings = programs.agent.settings
    began = time.monotonic()
    learner, arrays = programs.call(learner, step)
    lanes = grid_placement.fetched(arrays)
    took = time.monotonic() - began
    ended = {
        name.removeprefix("train/"): lanes[name] for name in lanes if "train/" in name
    }
    told(lines, step, "train", settings, ended)
    means = {name: _mean(values) for name, values in lanes.items()}
    shown = {name: f"{means[f'train/{name}']:.4g}" for name in ("return", "success")}
    bar.set_postfix(**shown, entropy=f"{means['entropy']:.3f}", refresh=False)
    bar.update(settings.frames_per_call * settings.seeds)
    frames = float((step + 1) * settings.frames_per_call)
    passes = grid_update.passes(settings)
    return learner, means | passes | {"frames": frames, "seconds/train": took}


def told(
    lines: Lines,
    step: int,
    kind: str,
    settings: Settings,
    lanes: dict[str, np.ndarray],
) -> None:
    """Adds a line to seeds.jsonl: what each seed came to before a number of frames."""
    lists = {
        name: [value if np.isfinite(value) else None for value in values.tolist()]
        for name, values in lanes.items()
    }
    frames = (step + (kind == "train")) * settings.frames_per_call
    lines.write(step, [{"kind": kind, "frames": frames} | lists])


def result(workdir: pathlib.Path, settings: Settings) -> dict[str, Any]:
    """Before and after, each seed on its own, of a finished run."""
    lines = map(json.loads, (workdir / SEEDS).read_text().splitlines())
    fresh = [line for line in lines if line["kind"] == HELD_OUT]
    names = ("return", "success", "length")
    spent = [
        value
        for line in metrics.read(workdir)
        for name, value in line.items()
        if name.startswith("seconds/")
    ]
    return {
        "before": {name: fresh[0][name] for name in names},
        "after": {name: fresh[-1][name] for name in names},
        "frames": settings.calls * settings.frames_per_call,
        "episodes": settings.evaluate.episodes,
        "seconds": sum(spent),
    }


def _mean(values: np.ndarray) -> float:
    """Over the seeds that have a number; NaN where none has."""
    known = values[np.isfinite(values)]
    return float(np.mean(known)) if known.size else float("nan")
