"""All 16 MiniHack tasks of arXiv 2306.03236, five bonuses and none, fresh levels.

    python -m experiments.exploration --config=configs/grid/minihack16.py --workdir=DIR

The paper finds that products of E3B with NovelD or RND beat E3B over all tasks (median
and interquartile mean). `full` is for one accelerator: 96 runs of 5 seeds x 10M steps,
4.8e9 in all, 27 hours at 50k steps a second; in pieces with `--config.tasks=...`.
Memory of one run, by arithmetic: 5 seeds x 256 environments x 128 steps are 164k
observations of 9x9 cells and about 30 channels (2.4 kB), each twice, 0.8 GB as bytes
and 3.1 GB where a network reads all of them as float32; E3B adds a covariance for each
environment. `cores`: the same 96 runs of 5 x 400k steps, 1.9e8 in all, some three
hours of one core in pieces. `smoke`: seconds.
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
    agent = study.agent(
        frames=10_000_000,
        env=seen(SKILL[0], view=9),
        play=dict(num_envs=256, horizon=128),
    )
    return whole("minihack16", agent)


def cores() -> dict:
    """What two cores can do: fewer steps, and a small network that sees less."""
    agent = study.agent(
        frames=400_000,
        env=seen(SKILL[0], view=7),
        model=parts.mlp(64, activation="relu", features=64),
        play=dict(num_envs=32, horizon=128),
    )
    judged = agent["evaluate"] | dict(every=5)
    found = whole("minihack16_cores", agent | dict(evaluate=judged))
    for name in set(BONUSES) - {"none"}:
        found["bonuses"][name]["options"] = dict(width=64, dim=64)
    return found


def smoke() -> dict:
    """RND and NovelD in one task."""
    return study.smoke(cores())


def whole(name: str, agent: dict) -> dict:
    """Every task with every bonus.

    At 0.1 agents preferred E3B's bonus for the rest of an episode to success, even
    where no bonus is needed (Levitate-Potion).
    """
    bonuses = {name: parts.bonus(name, coefficient=0.005) for name in BONUSES}
    return study.sweep(name, tasks=SKILL + NAVIGATION, bonuses=bonuses, agent=agent)


def seen(name: str, *, view: int) -> dict:
    """The cells around the agent and, as on NetHack's status line, where it is."""
    return parts.env(name, view=view, coordinates=True)
