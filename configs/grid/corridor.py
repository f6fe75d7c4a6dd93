"""Corridors, one map only, positions counted: where a lifelong count is to win.

    python -m experiments.exploration --config=configs/grid/corridor.py --workdir=DIR

The paper (arXiv 2306.03236, 3.2) finds that on Corridor-R5 every seed of a lifelong
count ends in success and not every one of an episodic count. `full`: R2, R3 and R5, two
maps of each, 60 runs of 5 x 1M steps: three hours of one core, in pieces
(`--config.only="('Corridor-R2',)"`). `quick`: 10 runs on one map of R5. `smoke`:
seconds.
"""

import ml_collections

from configs import fragments
from configs.grid import parts, study


def get_config(size: str = "full") -> ml_collections.ConfigDict:
    """`full`, `quick`, or `smoke`."""
    return fragments.sized(size, full=full, quick=quick, smoke=smoke)


def full() -> dict:
    """The agent sees the cells around it and, as in NetHack, where it is."""
    return study.sweep(
        "corridor",
        tasks=("Corridor-R2", "Corridor-R3", "Corridor-R5"),
        contexts=(1,),
        context_seeds=(0, 1),
        bonuses=bonuses(),
        agent=agent(),
    )


def bonuses() -> dict:
    """Counts at 0.1 and, where that is too little or too much, at 0.5 and at 0.02.

    They are paid as they are: divided by its deviation a lifelong count would not fade,
    and what doors cost (-0.01 for each question) is more than 0.005.
    """
    found = study.counts("position", coefficient=0.1, formula="none")
    for weight, coefficient in dict(high=0.5, low=0.02).items():
        made = study.counts("position", coefficient=coefficient, formula="none")
        del made["none"]
        found |= {f"{name}_{weight}": bonus for name, bonus in made.items()}
    return found


def agent() -> dict:
    """A small network, and a discount that 1000 steps can bear."""
    given = study.agent(
        frames=1_000_000,
        env=parts.env("Corridor-R2", view=5, coordinates=True),
        model=parts.mlp(64, activation="relu", features=64),
        play=dict(num_envs=32, horizon=256),
        credit=dict(discount=0.995, trace=0.95),
    )
    calls = dict(updates_per_call=5, epochs=3, minibatches=4)
    return given | dict(
        loss=given["loss"] | dict(entropy=0.02),
        train=given["train"] | calls,
        evaluate=given["evaluate"] | dict(every=4),
    )


def quick() -> dict:
    """One map of five rooms."""
    changes = dict(tasks=("Corridor-R5",), context_seeds=(0,))
    return full() | dict(name="corridor_quick") | changes


def smoke() -> dict:
    """Two bonuses."""
    return study.smoke(quick())
