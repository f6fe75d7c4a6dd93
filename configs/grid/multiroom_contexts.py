"""MultiRoom with lava walls, positions counted: success against the number of maps.

    python -m experiments.exploration --workdir=DIR --config.out=docs/results \\
        --config=configs/grid/multiroom_contexts.py:quick

The paper (arXiv 2306.03236, 3.1) finds with 6 rooms that a lifelong count falls from
0.99 with one map to 0.00 with fresh ones, and that an episodic one stays (0.87).
`quick`: 3 rooms, both counts, two CPU cores, 10 runs of 5 x 500k steps. `product`:
these, no bonus and the product of the counts, 20 runs; in a folder of `quick` it goes
on with them. `cores`: 6 small rooms (MultiRoom-N4-Lava has as many), all four, 20 runs
of 5 x 2M steps, 50 minutes of one core. `full`: 6 rooms, 36 runs (two sets of maps) of
5 x 20M steps: 3.6e9 in all, a day on one accelerator at 50k steps a second; do it in
pieces (`--config.contexts="(1,)"`). `smoke`: seconds.
"""

import ml_collections

from configs import fragments
from configs.grid import parts, study

CONTEXTS = (1, 3, 5, 10, 0)


def get_config(size: str = "full") -> ml_collections.ConfigDict:
    """`full`, `cores`, `product`, `quick`, or `smoke`."""
    sizes = dict(full=full, cores=cores, product=product, quick=quick, smoke=smoke)
    return fragments.sized(size, **sizes)


def full() -> dict:
    """The maps of the paper."""
    return study.sweep(
        "multiroom_contexts",
        tasks=("MultiRoom-N6-Lava",),
        contexts=CONTEXTS,
        context_seeds=(0, 1),
        bonuses=study.counts("position"),
        agent=study.agent(frames=20_000_000),
    )


def cores() -> dict:
    """Six rooms of 2 or 3 cells a side, 26 steps at best; the agent knows where it is.

    Bonuses are paid as they are, so that a lifelong count fades; at 0.1 it did before
    it had led anybody to the staircase of a single map. An episodic one does not fade,
    and all cells of an episode at 0.1 are already worth more than the staircase.
    """
    agent = study.agent(
        frames=2_000_000,
        env=parts.env("MultiRoom-N4-Lava", view=7, coordinates=True),
        model=parts.mlp(64, activation="relu", features=64),
        play=dict(num_envs=32, horizon=64),
    )
    calls = dict(updates_per_call=20, epochs=3, minibatches=4)
    agent |= dict(
        loss=agent["loss"] | dict(entropy=0.02), train=agent["train"] | calls
    )
    bonuses = study.counts("position", coefficient=0.5, formula="none")
    bonuses["count_episodic"]["coefficient"] = 0.1
    return full() | dict(
        name="multiroom_contexts_cores",
        tasks=("MultiRoom-N4-Lava",),
        context_seeds=(0,),
        bonuses=bonuses,
        agent=agent | dict(evaluate=agent["evaluate"] | dict(every=4)),
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
    return full() | name | dict(context_seeds=(0,), agent=agent)


def smoke() -> dict:
    """Two bonuses on one map and on three."""
    return study.smoke(quick())
