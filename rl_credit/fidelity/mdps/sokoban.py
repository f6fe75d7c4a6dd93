"""Sokoban: levels of a shipped bank, enumerated by playing them."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from rl_credit.envs.grid.sokoban import Sokoban
from rl_credit.fidelity.enumeration import enumerated
from rl_credit.fidelity.process import Process


def sokoban(*, levels: Sequence[int] = (720, 909), horizon: int = 20) -> Process:
    """Levels of the bank "6x6/1", one a task, with four actions (`envs/grid/sokoban`).

    Their shortest solutions have 6 and 9 steps. A step costs 0.1, the box on its target
    pays 11; a box in a corner cannot be brought there any more.

    Raises ValueError for a level that the bank does not have.
    """
    env = Sokoban("6x6/1", actions="push")
    if not levels or not set(levels) <= set(range(len(env.levels))):
        raise ValueError(f"levels are {levels}; use numbers in [0, {len(env.levels)})")
    starts = jax.vmap(env.begin)(jnp.asarray(levels, jnp.int32))
    tables = enumerated(env, env.default_params, starts, forget=("time", "message"))
    return Process(
        "sokoban",
        "Some steps can never be undone and most can, so that the credit of an episode "
        "as a whole hardly tells which was which.",
        tables,
        horizon,
        tables.sees.size,
    )
