"""Sokoban, 6x6 with one box: a fresh level every episode.

    python -m experiments.grid_agent --config=configs/grid/sokoban.py --workdir=DIR

One CPU core, 5 minutes; what came out is in docs/results/exploration.md. `:smoke`
takes two steps.
"""

import ml_collections

from configs import fragments
from configs.grid import parts


def get_config(size: str = "full") -> ml_collections.ConfigDict:
    """`full`, or `smoke`."""
    return fragments.sized(size, full=full, smoke=smoke)


def full() -> dict:
    """Success is the box on its target in time."""
    return parts.config(
        "Sokoban-6x6-1",
        seeds=2,
        model=parts.conv(32, 32, features=128),
        play=dict(num_envs=64, horizon=64),
        train=parts.train(
            frames=2_000_000, updates_per_call=5, minibatches=8, learning_rate=1e-3
        ),
    )


def smoke() -> dict:
    """Two calls."""
    return parts.smoke(full())
