"""KeyRooms, fresh every episode, messages counted: where both counts are to work.

    python -m experiments.exploration --config=configs/grid/keyroom.py --workdir=DIR

The paper (arXiv 2306.03236, 3.3) finds that on KeyRoom-S10, psi = message, a lifelong
count and an episodic one both work: what is to be seen is the same on every map.
`full`: S5 and S10, 8 runs of 5 x 5M steps, 2e8 in all. `quick`: S5 alone, 8e6 in all.
`smoke`: seconds.
"""

import ml_collections

from configs import fragments
from configs.grid import parts, study


def get_config(size: str = "full") -> ml_collections.ConfigDict:
    """`full`, `quick`, or `smoke`."""
    return fragments.sized(size, full=full, quick=quick, smoke=smoke)


def full() -> dict:
    """The whole room is seen, as it is lit: 9x9 cells around the agent."""
    return study.sweep(
        "keyroom",
        tasks=("KeyRoom-S5", "KeyRoom-S10"),
        bonuses=study.counts("message"),
        agent=study.agent(env=parts.env("KeyRoom-S5", view=9)),
    )


def quick() -> dict:
    """The small room."""
    agent = full()["agent"]
    brief = dict(frames=400_000, updates_per_call=2, epochs=3)
    changes = dict(
        train=agent["train"] | brief, evaluate=agent["evaluate"] | dict(every=3)
    )
    changes |= dict(play=dict(num_envs=32, horizon=128))
    changes |= dict(model=parts.mlp(64, activation="relu", features=128))
    name = dict(name="keyroom_quick", tasks=("KeyRoom-S5",))
    return full() | name | dict(agent=agent | changes)


def smoke() -> dict:
    """Two bonuses."""
    return study.smoke(quick())
