"""KeyRooms, fresh every episode, messages counted: where both counts are to work.

    python -m experiments.exploration --config=configs/grid/keyroom.py --workdir=DIR

The paper (arXiv 2306.03236, 3.3) finds that on KeyRoom-S10, psi = message, a lifelong
count and an episodic one both work: what is to be seen is the same on every map.
`full`: S5 and S10, 8 runs of 5 x 5M steps, 2e8 in all. `cores`: S10 with a small
network, 4e7 in all, 10 minutes of one core. `quick`: S5 alone, 8e6 in all. `smoke`:
seconds.
"""

import ml_collections

from configs import fragments
from configs.grid import parts, study


def get_config(size: str = "full") -> ml_collections.ConfigDict:
    """`full`, `cores`, `quick`, or `smoke`."""
    return fragments.sized(size, full=full, cores=cores, quick=quick, smoke=smoke)


def full() -> dict:
    """The whole room is seen, as it is lit: 9x9 cells around the agent."""
    return study.sweep(
        "keyroom",
        tasks=("KeyRoom-S5", "KeyRoom-S10"),
        bonuses=study.counts("message"),
        agent=study.agent(env=parts.env("KeyRoom-S5", view=9)),
    )


def cores() -> dict:
    """The room of the paper; the agent knows where in it it is."""
    agent = study.agent(
        frames=2_000_000,
        env=parts.env("KeyRoom-S10", view=9, coordinates=True),
        model=parts.mlp(64, activation="relu", features=64),
        play=dict(num_envs=32, horizon=128),
    )
    agent |= dict(
        loss=agent["loss"] | dict(entropy=0.02),
        train=agent["train"] | dict(updates_per_call=10, epochs=3, minibatches=4),
        evaluate=agent["evaluate"] | dict(every=4),
    )
    bonuses = study.counts("message", coefficient=0.1, formula="none")
    changes = dict(tasks=("KeyRoom-S10",), bonuses=bonuses, agent=agent)
    return full() | dict(name="keyroom_cores") | changes


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
