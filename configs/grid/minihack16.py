"""All 16 MiniHack tasks of arXiv 2306.03236, five bonuses and none, fresh levels.

    python -m experiments.exploration --config=configs/grid/minihack16.py --workdir=DIR

The paper finds that products of E3B with NovelD or RND beat E3B over all tasks (median
and interquartile mean). `full` is for one accelerator: 96 runs of 5 seeds x 10M steps,
4.8e9 in all, 27 hours at 50k steps a second; in pieces with `--config.tasks=...`.
Memory of one run, by arithmetic: 5 seeds x 256 environments x 128 steps are 164k
observations of 9x9 cells and about 20 channels (1.6 kB), each twice, 0.5 GB as bytes
and 2.1 GB where a network reads all of them as float32; E3B adds a covariance for each
environment. `cores`: 4 tasks, 24 runs of 5 x 500k steps, 6e7 in all, hours of two
cores. `smoke`: seconds.
"""

import ml_collections

from configs import fragments
from configs.grid import parts, study

SKILL = (
    "Levitate-Potion",
    "Levitate-Boots",
    "Freeze-Horn",
    "Freeze-Wand",
    "Freeze-Random",
    "LavaCross",
    "WoD-Hard",
)
NAVIGATION = (
    "MultiRoom-N4-Locked",
    "MultiRoom-N6-Lava",
    "MultiRoom-N6-Lava-OpenDoor",
    "MultiRoom-N6-LavaMonsters",
    "MultiRoom-N10-OpenDoor",
    "MultiRoom-N10-Lava-OpenDoor",
    "LavaCrossingS19N13",
    "LavaCrossingS19N17",
    "Labyrinth-Big",
)
BONUSES = ("none", "rnd", "noveld", "e3b", "e3b_x_noveld", "e3b_x_rnd")


def get_config(size: str = "full") -> ml_collections.ConfigDict:
    """`full`, `cores`, or `smoke`."""
    return fragments.sized(size, full=full, cores=cores, smoke=smoke)


def full() -> dict:
    """256 environments a seed keep an accelerator busy."""
    return study.sweep(
        "minihack16",
        tasks=SKILL + NAVIGATION,
        bonuses={name: parts.bonus(name) for name in BONUSES},
        agent=study.agent(
            frames=10_000_000,
            env=parts.env(SKILL[0], view=9),
            play=dict(num_envs=256, horizon=128),
        ),
    )


def cores() -> dict:
    """Of skill and navigation two each."""
    tasks = ("Levitate-Potion", "Freeze-Wand", "MultiRoom-N3-Lava", "LavaCross")
    agent = study.agent(
        frames=500_000,
        env=parts.env(tasks[0], view=7),
        play=dict(num_envs=32, horizon=128),
    )
    return full() | dict(name="minihack16_cores", tasks=tasks, agent=agent)


def smoke() -> dict:
    """RND and NovelD in one task."""
    return study.smoke(cores())
