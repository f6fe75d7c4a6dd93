"""CartPole-v1 of gymnax, for a first look: solved in seconds.

    python -m experiments.grid_agent --config=configs/grid/cartpole.py --workdir=DIR

Two CPU cores. `:smoke` takes two steps.
"""

import ml_collections

from configs import fragments
from configs.grid import parts


def get_config(size: str = "full") -> ml_collections.ConfigDict:
    """`full`, or `smoke`."""
    return fragments.sized(size, full=full, smoke=smoke)


def full() -> dict:
    """A return of 500, the most there is."""
    config = parts.config("gymnax:CartPole-v1", train=parts.train(frames=150_000))
    return config | dict(evaluate=config["evaluate"] | dict(threshold=475.0))


def smoke() -> dict:
    """Two calls."""
    return parts.smoke(full())
