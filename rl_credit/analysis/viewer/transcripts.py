"""The transcripts that a run of the text agent leaves, to look at."""

import json
import pathlib
from collections.abc import Sequence
from typing import Any

from rl_credit.analysis.viewer import comparison
from rl_credit.analysis.viewer.document import Page, page
from rl_credit.analysis.viewer.shown import Step, Trajectory
from rl_credit.credit.pack import pack
from rl_credit.training.text_agent import TRANSCRIPTS


def run(workdir: pathlib.Path, estimators: Sequence[str], last: int) -> Page:
    """The episodes of the `last` training steps that were written down.

    A group is one task at one step. The first credit is what the run was trained with,
    less what an invalid answer cost; that of the `estimators` is found anew from the
    rewards and observations.

    Raises ValueError where the folder holds no run, or none that was trained, and as
    `comparison.compare` does.
    """
    config = workdir / "config.json"
    if not config.is_file() or not (workdir / TRANSCRIPTS).is_file():
        raise ValueError(f"{workdir} has no {TRANSCRIPTS}: it is no run of text_agent")
    name = json.loads(config.read_text())["credit"]["name"]
    records = _records(workdir / TRANSCRIPTS, last)
    trained = [[turn["advantage"] for turn in r["turns"]] for r in records]
    batch = pack(
        rewards=[[turn["reward"] for turn in r["turns"]] for r in records],
        tasks=[_group(r) for r in records],
        observations=[[_anchor(turn) for turn in r["turns"]] for r in records],
    )
    credit = {f"{name} (trained)": trained} | comparison.credit(batch, estimators)
    return page(_trajectories(records), credit, title=f"Credit in {workdir.name}")


def _records(path: pathlib.Path, last: int) -> list[dict[str, Any]]:
    with path.open() as lines:
        records = [json.loads(line) for line in lines]
    steps = sorted({record["step"] for record in records})[-last:]
    if not steps:
        raise ValueError(f"{path} is empty: nothing was trained")
    return [record for record in records if record["step"] in steps]


def _trajectories(records: Sequence[dict[str, Any]]) -> list[Trajectory]:
    attempts: dict[str, int] = {}
    made = []
    for record in records:
        group = _group(record)
        attempts[group] = attempts.get(group, 0) + 1
        ended = "won" if record["won"] else "lost"
        title = f"attempt {attempts[group]}, {ended}"
        made.append(Trajectory(title, group, [_step(t) for t in record["turns"]]))
    return made


def _group(record: dict[str, Any]) -> str:
    return f"step {record['step']}, task {record['task']}"


def _step(turn: dict[str, Any]) -> Step:
    action = turn["action"]
    done = f"{turn['answer']} (invalid)" if action is None else action
    return Step(turn["observation"], done, turn["reward"], _anchor(turn))


def _anchor(turn: dict[str, Any]) -> str:
    """What counts as the same state; of a run that did not say so, what was read."""
    return turn.get("anchor", turn["observation"])
