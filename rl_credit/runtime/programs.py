"""Room for compiled programs in a process that compiles many."""

from pathlib import Path

import jax

MAPPINGS = Path("/proc/self/maps")  # one line each; Linux allows a process 65530
CROWDED = 20_000


def make_room() -> None:
    """Drops all compiled programs if they hold many memory mappings.

    XLA on CPU takes a dozen a program, and past the limit it fails. What is needed
    again is compiled again. For sweeps, between their runs.
    """
    if MAPPINGS.exists() and MAPPINGS.read_text().count("\n") > CROWDED:
        jax.clear_caches()
