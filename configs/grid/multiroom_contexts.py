"""MultiRoom with lava walls, positions counted: success against the number of maps.

    python -m experiments.exploration --workdir=DIR --config.out=docs/results \\
        --config=configs/grid/multiroom_contexts.py:quick

The paper (arXiv 2306.03236, 3.1) finds with 6 rooms that a lifelong count falls from
0.99 with one map to 0.00 with fresh ones, and that an episodic one stays (0.87).
`quick`: 6 small rooms (MultiRoom-N4-Lava has as many), both counts, two CPU cores, 10
runs of 5 x 1M steps. `product`: these, no bonus and the product of the counts, 20 runs;
in a folder of `quick` it goes on with them. `full`: MultiRoom-N6-Lava, 36 runs (two
sets of maps) of 5 x 20M steps: 3.6e9 in all, a day on one accelerator at 50k steps a
second; do it in pieces (`--config.contexts="(1,)"`). `smoke`: seconds.
"""

import ml_collections

from configs import fragments
from configs.grid import parts, study


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
        context_seeds=(0, 1),
        bonuses=study.counts("position"),
        agent=study.agent(frames=20_000_000),
    )


def quick() -> dict:
    """Both counts."""
    whole = product()
    names = "count_global", "count_episodic"
    return whole | dict(bonuses={name: whole["bonuses"][name] for name in names})


def product() -> dict:
    """Rooms of 2 or 3 cells a side, 26 steps at best; the agent knows where it is.

    A discount of 0.97 looks as far ahead as that. With 0.99 a lifelong count of
    one map found the staircase with one seed of five in 2M steps, with 0.97 with four
    in 1M: what is new now counts for more than all that can still be revisited.
    Bonuses are paid as they are, so that a lifelong count fades; at 0.1 it did before
    it had led anybody to the staircase. An episodic one does not fade, and all cells of
    an episode at 0.1 are already worth more than the staircase.
    """
    agent = study.agent(
        env=parts.env("MultiRoom-N4-Lava", view=7, coordinates=True),
        model=parts.mlp(64, activation="relu", features=64),
        play=dict(num_envs=32, horizon=64),
        credit=dict(discount=0.97, trace=0.95),
    )
    brief = dict(frames=1_000_000, updates_per_call=20, epochs=3, minibatches=4)
    agent |= dict(
        loss=agent["loss"] | dict(entropy=0.02),
        train=agent["train"] | brief | dict(anneal=True),
        evaluate=agent["evaluate"] | dict(every=2),
    )
    bonuses = study.counts("position", coefficient=0.5, formula="none")
    bonuses["count_episodic"]["coefficient"] = 0.1
    changes = dict(context_seeds=(0,), bonuses=bonuses, agent=agent)
    name = dict(name="multiroom_contexts_quick", tasks=("MultiRoom-N4-Lava",))
    return full() | name | changes


def smoke() -> dict:
    """Two bonuses on one map and on three."""
    return study.smoke(quick())
