"""Programs on eight simulated devices, in a process of their own."""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[1]
COUNT = 8


def printed(function):
    """What `function`, "module:name" of `tests`, returns on the devices: JSON."""
    module, _, name = function.partition(":")
    program = (
        "import json, sys, jax\n"
        "jax.config.update('jax_disable_most_optimizations', True)\n"
        "jax.config.update('jax_numpy_rank_promotion', 'raise')\n"
        f"from {module} import {name}\n"
        f"assert jax.device_count() == {COUNT}\n"
        f"print(json.dumps({name}()))\n"
    )
    devices = dict(
        JAX_PLATFORMS="cpu",
        XLA_FLAGS=f"--xla_force_host_platform_device_count={COUNT}",
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | devices,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
