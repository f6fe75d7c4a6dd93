"""Programs of several real processes, each with simulated devices of its own."""

import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parents[1]
LIMIT = 300.0  # seconds
MARK = "TOLD "  # before what a program returns; libraries print besides


def printed(function, *, count, devices, arguments=()):
    """What `function`, "module:name" of `tests`, returns in each process: JSON.

    Every process calls it with the arguments, which JSON can hold.
    """
    module, _, name = function.partition(":")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    programs = [
        "import json, jax\n"
        "jax.config.update('jax_disable_most_optimizations', True)\n"
        "from rl_credit.runtime import distributed\n"
        f"distributed.begin('{address},{count},{index}')\n"
        f"from {module} import {name}\n"
        f"told = {name}(*json.loads('''{json.dumps(arguments)}'''))\n"
        f"print('{MARK}' + json.dumps(told))\n"
        for index in range(count)
    ]
    told = [
        re.findall(f"^{MARK}(.*)$", said, re.MULTILINE)[-1]
        for said in said_by(programs, devices)
    ]
    return list(map(json.loads, told))


def said_by(programs, devices):
    """What each printed; all have ended well."""
    env = os.environ | dict(
        JAX_PLATFORMS="cpu",
        XLA_FLAGS=f"--xla_force_host_platform_device_count={devices}",
    )
    with contextlib.ExitStack() as stack:
        logs = [stack.enter_context(tempfile.TemporaryFile("w+")) for _ in programs]
        started = [
            subprocess.Popen(
                [sys.executable, "-c", program],
                cwd=ROOT,
                env=env,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            for program, log in zip(programs, logs)
        ]
        try:
            for process in started:
                process.wait(LIMIT)
        finally:
            for process in started:
                process.kill()
                process.wait()
        heard = [(log.seek(0), log.read())[1] for log in logs]
    for process, said in zip(started, heard):
        assert process.returncode == 0, said
    return heard
