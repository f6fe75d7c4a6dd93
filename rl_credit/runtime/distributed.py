"""The processes of a run find each other: one on every host."""

import re

import jax

from rl_credit.runtime.errors import UserError

AUTO = "auto"
NAMED = re.compile(r"([^,\s]+:\d+),(\d+),(\d+)")


def begin(given: str) -> None:
    """Joins the other processes; before anything asks JAX for a device.

    Args:
        given: "auto" where the machines know each other (Cloud TPU, Slurm, Open MPI,
            Kubernetes), or "ADDRESS:PORT,COUNT,INDEX": where process 0 listens, how
            many there are, and which of them, from 0, this one is.

    Raises UserError for other words, and where the others cannot be found.
    """
    named = {} if given == AUTO else _named(given)
    try:
        jax.distributed.initialize(**named)
    except (RuntimeError, ValueError) as error:
        raise UserError(f"--distributed={given}: {error}") from error


def _named(given: str) -> dict:
    match = NAMED.fullmatch(given)
    if match is None or not int(match[3]) < int(match[2]):
        raise UserError(
            f"--distributed={given}: give {AUTO}, or ADDRESS:PORT,COUNT,INDEX with "
            "INDEX below COUNT, as in 10.0.0.2:1234,4,0"
        )
    address, count, index = match.groups()
    return dict(
        coordinator_address=address, num_processes=int(count), process_id=int(index)
    )
