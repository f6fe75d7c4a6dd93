"""MultiRoom-N6-Lava, a fresh layout every episode, explored by counting positions.

    python -m experiments.grid_agent --config=configs/grid/multiroom.py --workdir=DIR

`--config.env.options.num_contexts=1` is the singleton, `--config.bonus.name=e3b` (...)
another bonus of arXiv 2306.03236. Nothing is claimed of it yet. `:smoke` takes two
steps.
"""

import ml_collections

from configs import fragments
from configs.grid import parts


def get_config(size: str = "full") -> ml_collections.ConfigDict:
    """`full`, or `smoke`."""
    return fragments.sized(size, full=full, smoke=smoke)


def full() -> dict:
    """Success is the stairs in time; the agent sees 9x9 cells around itself."""
    return parts.config(
        "MultiRoom-N6-Lava",
        env=parts.env("MultiRoom-N6-Lava", view=9, num_contexts=0),
        seeds=2,
        model=parts.conv(16, 16, features=64),
        bonus=parts.bonus("count_episodic"),
        play=dict(num_envs=64, horizon=128),
        train=parts.train(
            frames=5_000_000, updates_per_call=2, minibatches=8, learning_rate=1e-3
        ),
    )


def smoke() -> dict:
    """Two calls."""
    return parts.smoke(full())
