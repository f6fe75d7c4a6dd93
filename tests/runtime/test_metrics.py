"""The files of numbers, and what is cut from them when a run goes on."""

import json
import math
import struct

import jax.numpy as jnp
import numpy as np
import pytest
from tensorboardX.proto import event_pb2

from rl_credit.runtime import metrics


def write(workdir, steps, start=0):
    """The lines of those steps, as a run that began at `start` writes them."""
    with metrics.Writer(workdir, start) as writer:
        for step in steps:
            writer.write(step, {"loss": step / 7, "return": step})
    return (workdir / "metrics.jsonl").read_bytes()


def points(workdir):
    """(step, name, value) of each event that TensorBoard would show.

    A session that starts at a step drops what was written for it and later ones.
    """
    found = []
    for path in sorted((workdir / "tensorboard").iterdir()):
        data = path.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            event = event_pb2.Event.FromString(data[12 : 12 + length])
            data = data[16 + length :]
            if event.HasField("session_log"):
                found = [point for point in found if point[0] < event.step]
            for value in event.summary.value:
                found.append((event.step, value.tag, value.simple_value))
    return found


def test_a_line_has_the_step_first_and_the_numbers_as_given(tmp_path):
    given = {
        "python": 0.1,
        "whole": 3,
        "jax": jnp.float32(0.1),
        "count": jnp.int32(4),
        "half": jnp.bfloat16(1.5),
        "numpy": np.float64(1 / 3),
        "array": np.array(2.5),
    }
    with metrics.Writer(tmp_path / "new") as writer:
        writer.write(12, given)
    (line,) = (tmp_path / "new" / "metrics.jsonl").read_text().splitlines()
    assert line.startswith('{"step": 12, "python": 0.1, "whole": 3, "jax": 0.10000000')
    assert json.loads(line) == {
        "step": 12,
        "python": 0.1,
        "whole": 3,
        "jax": float(np.float32(0.1)),
        "count": 4,
        "half": 1.5,
        "numpy": 1 / 3,
        "array": 2.5,
    }


def test_a_line_is_in_the_file_when_write_returns(tmp_path):
    with metrics.Writer(tmp_path) as writer:
        writer.write(0, {"loss": 1.0})
        assert metrics.read(tmp_path) == [{"step": 0, "loss": 1.0}]


@pytest.mark.parametrize("value", [math.nan, math.inf, jnp.float32(-jnp.inf)])
def test_what_is_not_finite_is_null_and_no_point(tmp_path, value):
    with metrics.Writer(tmp_path) as writer:
        writer.write(3, {"loss": value, "return": 1.0})
    text = (tmp_path / "metrics.jsonl").read_text()
    assert text == '{"step": 3, "loss": null, "return": 1.0}\n'
    assert metrics.read(tmp_path) == [{"step": 3, "loss": None, "return": 1.0}]
    assert points(tmp_path) == [(3, "return", 1.0)]


@pytest.mark.parametrize(
    "name, value",
    [
        ("loss", jnp.zeros(1)),
        ("loss", "low"),
        ("loss", True),
        ("loss", 1j),
        ("loss", None),
        ("step", 1.0),
    ],
)
def test_what_is_no_number_is_named_and_not_written(tmp_path, name, value):
    with metrics.Writer(tmp_path) as writer:
        with pytest.raises(ValueError, match=f"scalar.* '{name}'"):
            writer.write(0, {"return": 1.0, name: value})
    assert metrics.read(tmp_path) == [] and points(tmp_path) == []


@pytest.mark.parametrize("start", range(8))
def test_a_resumed_file_equals_an_unbroken_one(tmp_path, start):
    unbroken = write(tmp_path / "unbroken", range(7))
    write(tmp_path / "broken", range(6))
    with (tmp_path / "broken" / "metrics.jsonl").open("ab") as lines:
        lines.write(b'{"step": 6, "lo')  # killed while writing
    if start <= 6:
        assert write(tmp_path / "broken", range(start, 7), start) == unbroken
        assert points(tmp_path / "broken") == points(tmp_path / "unbroken")
        assert len(points(tmp_path / "broken")) == 14
    else:
        kept = b"".join(unbroken.splitlines(keepends=True)[:6])
        assert write(tmp_path / "broken", [], start) == kept


def test_a_new_writer_begins_anew(tmp_path):
    write(tmp_path, range(3))
    write(tmp_path, [5])
    assert metrics.read(tmp_path) == [{"step": 5, "loss": 5 / 7, "return": 5}]
    assert [point[0] for point in points(tmp_path)] == [5, 5]


def test_cut_serves_every_file_of_steps(tmp_path):
    path = tmp_path / "transcripts.jsonl"
    lines = [{"step": step, "text": f"{step}\nü"} for step in (0, 0, 4, 2, 4, 5)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"step": 1}')
    metrics.cut(path, 4)
    kept = [json.loads(line) for line in path.read_text().splitlines()]
    assert kept == [lines[0], lines[1], lines[3]]
    assert path.read_bytes().endswith(b"\n")
    assert [entry.name for entry in tmp_path.iterdir()] == ["transcripts.jsonl"]
    metrics.cut(tmp_path / "absent.jsonl", 4)
    assert not (tmp_path / "absent.jsonl").exists()


def test_lines_have_the_step_and_those_that_come_again_are_cut(tmp_path):
    path = tmp_path / "episodes.jsonl"
    with metrics.Lines(path) as lines:
        lines.write(0, [{"turns": [1, None]}])
        lines.write(1, [{"turns": [2]}, {"turns": []}])
        before = path.read_text()
    assert before.splitlines()[0] == '{"step": 0, "turns": [1, null]}'
    with metrics.Lines(path, 1) as lines:
        assert path.read_text() == before.splitlines(keepends=True)[0]
        lines.write(1, [{"turns": [2]}, {"turns": []}])
    assert path.read_text() == before


@pytest.mark.parametrize(
    "line, message",
    [
        ('{"step": 1, "lo', "line 2 is no JSON"),
        ('{"loss": 1.0}', "line 2 has no step"),
        ("[1]", "line 2 has no step"),
    ],
)
def test_a_damaged_line_in_the_middle_is_named_and_nothing_lost(
    tmp_path, line, message
):
    path = tmp_path / "metrics.jsonl"
    path.write_text(f'{{"step": 0}}\n{line}\n{{"step": 2}}\n')
    before = path.read_bytes()
    with pytest.raises(ValueError, match=message):
        metrics.cut(path, 5)
    with pytest.raises(ValueError, match=message):
        metrics.read(tmp_path)
    assert path.read_bytes() == before


def test_reading_a_running_run_leaves_out_the_unfinished_line(tmp_path):
    write(tmp_path, range(2))
    with (tmp_path / "metrics.jsonl").open("a") as lines:
        lines.write('{"step": 2, "loss": 0.')
    assert [line["step"] for line in metrics.read(tmp_path)] == [0, 1]
