"""What experiments/tpu_pod.sh would do, as its dry run says; gcloud is not here."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[1]
SCRIPT = "experiments/tpu_pod.sh"
RUN = "--config=configs/text/alfworld_qwen25_1p5b.py", "--workdir=runs/my run"
COMMANDS = {
    "create": [],
    "install": [],
    "launch": [*RUN],
    "status": [],
    "stop": [],
    "fetch": ["runs/one", "there"],
    "delete": [],
}


def said(*words, zone="us-west4-a", **given):
    """The finished program, in an environment with nothing else set for it."""
    known = {n: v for n, v in os.environ.items() if n in ("PATH", "HOME")}
    zone_given = {"ZONE": zone} if zone else {}
    return subprocess.run(
        ["bash", SCRIPT, *words],
        cwd=ROOT,
        env=known | zone_given | given,
        capture_output=True,
        text=True,
    )


def dry(command, **given):
    """The words of every command that it would run."""
    done = said("--dry-run", command, *COMMANDS[command], **given)
    assert done.returncode == 0, done.stderr
    return [words(line) for line in done.stdout.splitlines()]


def words(line):
    """Those that bash reads in a command, which it printed with its own quotes."""
    printed = f"printf '%s\\0' {line}"
    done = subprocess.run(["bash", "-c", printed], check=True, capture_output=True)
    return done.stdout.decode().split("\0")[:-1]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_one_of_gcloud_for_this_pod_and_zone(command):
    made = dry(command, POD="mine")
    clouds = [one for one in made if one[0] == "gcloud"]
    assert clouds
    for one in clouds:
        assert one[1:4] == ["compute", "tpus", "tpu-vm"]
        assert "--zone=us-west4-a" in one
        assert any(word.split(":")[0] == "mine" for word in one)
    others = [one[:2] for one in made if one[0] != "gcloud"]
    assert others == ([["git", "archive"]] if command == "install" else [])


def test_a_pod_is_what_the_variables_say():
    given = dict(TYPE="v6e-16", VERSION="v2-alpha-tpuv6e", SPOT="1")
    (made,) = dry("create", **given)
    assert made[4:6] == ["create", "rl-credit"]
    flags = {"--accelerator-type=v6e-16", "--version=v2-alpha-tpuv6e", "--spot"}
    assert flags < set(made)
    assert "--spot" not in dry("create")[0]


def test_every_worker_installs_what_was_asked_for_and_mounts_a_share():
    plain = dry("install", EXTRAS="tpu,smollm")
    assert any('".[tpu,smollm]"' in word for one in plain for word in one)
    shared = dry("install", SHARE="10.0.0.2:/runs")
    assert len(shared) == len(plain) + 1
    assert "mount -t nfs 10.0.0.2:/runs rl_credit/runs" in shared[-1][-2]


def test_a_launch_gives_every_worker_the_words_as_they_were_given(tmp_path):
    (made,) = dry("launch")
    assert "--worker=all" in made
    (command,) = [word for word in made if word.startswith("--command=")]
    # The worker's shell runs it: here with an interpreter that prints its arguments.
    python = tmp_path / "rl_credit/.venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    script = command.removeprefix("--command=") + "\nwait"
    subprocess.run(["bash", "-c", script], cwd=tmp_path, check=True)
    log, pid = tmp_path / "rl_credit/run.log", tmp_path / "rl_credit/run.pid"
    program = ["-m", "experiments.text_agent", *RUN, "--distributed=auto"]
    assert log.read_text().splitlines() == program
    assert pid.read_text().strip().isdigit()


@pytest.mark.parametrize(
    "wrong, zone, message",
    [
        (["create"], None, "ZONE=us-west4-a"),
        (["lunch"], "a", "unknown command 'lunch'"),
        (["launch", "--config=a.py"], "a", "--workdir=runs/NAME"),
        (["fetch", "runs/a"], "a", "a local folder"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_done(wrong, zone, message):
    done = said(*wrong, zone=zone)
    assert done.returncode == 2 and message in done.stderr


def test_the_help_names_every_command():
    done = said("--help", zone=None)
    assert done.returncode == 0
    assert all(f"\n  {command}" in done.stdout for command in COMMANDS)
