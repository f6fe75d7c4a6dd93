"""Corridors, one map only, positions counted: where a lifelong count is to win.

    python -m experiments.exploration --config=configs/grid/corridor.py --workdir=DIR

The paper (arXiv 2306.03236, 3.2) finds that on Corridor-R5 every seed of a lifelong
count ends in success and not every one of an episodic count. `full`: R2, R3 and R5, two
maps of each, 24 runs of 5 x 5M steps, 6e8 in all: hours of two cores, in pieces
(`--config.tasks="('Corridor-R2',)"`). `quick`: R2 alone. `smoke`: seconds.
"""

import ml_collections

from configs import fragments
from configs.grid import parts, study


def get_config(size: str = "full") -> ml_collections.ConfigDict:
    """`full`, `quick`, or `smoke`."""
    return fragments.sized(size, full=full, quick=quick, smoke=smoke)


def full() -> dict:
    """A discount that 1000 steps can bear."""
    credit = dict(discount=0.995, trace=0.95)
    return study.sweep(
        "corridor",
        tasks=("Corridor-R2", "Corridor-R3", "Corridor-R5"),
        contexts=(1,),
        context_seeds=(0, 1),
        bonuses=study.counts("position"),
        agent=study.agent(
            credit=credit, env=parts.env("Corridor-R2", view=9), play=LONG
        ),
    )


LONG = dict(num_envs=32, horizon=256)


def quick() -> dict:
    """One map of two rooms."""
    changes = dict(name="corridor_quick", tasks=("Corridor-R2",), context_seeds=(0,))
    agent = full()["agent"]
    brief = dict(frames=500_000, updates_per_call=5, epochs=3, minibatches=4)
    agent |= dict(
        model=parts.mlp(64, activation="relu", features=128),
        loss=agent["loss"] | dict(entropy=0.02),
        train=agent["train"] | brief,
        evaluate=agent["evaluate"] | dict(every=3),
    )
    return full() | changes | dict(agent=agent)


def smoke() -> dict:
    """Two bonuses."""
    return study.smoke(quick())
