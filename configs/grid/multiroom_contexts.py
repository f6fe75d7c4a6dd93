"""MultiRoom with lava walls, positions counted: success against the number of maps.

    python -m experiments.exploration --workdir=DIR --config.out=docs/results \\
        --config=configs/grid/multiroom_contexts.py:quick

The paper (arXiv 2306.03236, 3.1) finds with 6 rooms that a lifelong count falls from
0.99 with one map to 0.00 with fresh ones, and that an episodic one stays (0.87).
`quick`: 3 rooms, both counts, two CPU cores, 8 runs of 5 x 500k steps. `product`:
these, no bonus and the product of the counts, 16 runs; in a folder of `quick` it goes
on with them. `full`: 6 rooms, 36 runs (two sets of maps) of 5 x 20M steps: 3.6e9 in
all, a day on one accelerator at 50k steps a second; do it in pieces
(`--config.contexts="(1,)"`). `smoke`: seconds.
"""

import ml_collections

from configs import fragments
from configs.grid import parts, study

TWO_SETS = (0, 1)


def get_config(size: str = "full") -> ml_collections.ConfigDict:
    """`full`, `product`, `quick`, or `smoke`."""
    sizes = dict(full=full, product=product, quick=quick, smoke=smoke)
    return fragments.sized(size, **sizes)


def full() -> dict:
    """The maps of the paper."""
    return study.sweep(
        "multiroom_contexts",
        tasks=("MultiRoom-N6-Lava",),
        contexts=(1, 3, 5, 10, 0),
        context_seeds=TWO_SETS,
        bonuses=study.counts("position"),
        agent=study.agent(frames=20_000_000),
    )


def quick() -> dict:
    """Both counts."""
    whole = product()
    names = "count_global", "count_episodic"
    return whole | dict(bonuses={name: whole["bonuses"][name] for name in names})


def product() -> dict:
    """Maps of 3 rooms (12 steps at best), seen 11x11 cells at a time."""
    agent = study.agent(view=11)
    brief = dict(frames=500_000, updates_per_call=35, epochs=3, minibatches=4)
    agent |= dict(
        model=parts.mlp(64, activation="relu", features=128),
        play=dict(num_envs=32, horizon=64),
        loss=agent["loss"] | dict(entropy=0.02),
        train=agent["train"] | brief,
        evaluate=agent["evaluate"] | dict(every=2),
        save=agent["save"] | dict(every=3),
    )
    name = dict(name="multiroom_contexts_quick", tasks=("MultiRoom-N3-Lava",))
    return full() | name | dict(contexts=(1, 3, 10, 0), context_seeds=(0,), agent=agent)


def smoke() -> dict:
    """Two bonuses on one map and on three."""
    return study.smoke(quick())
