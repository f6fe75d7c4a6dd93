"""All 16 MiniHack tasks of arXiv 2306.03236, five bonuses and none, fresh levels.

    python -m experiments.exploration --config=configs/grid/minihack16.py --workdir=DIR

The paper finds that products of E3B with NovelD or RND beat E3B over all tasks (median
and interquartile mean). `full` is for one accelerator: 96 runs of 5 seeds x 10M steps,
4.8e9 in all, 27 hours at 50k steps a second; do it in pieces
(`--config.only="('LavaCross',)"`).
Memory of one run, by arithmetic: 5 seeds x 256 environments x 128 steps are 164k
observations of 9x9 cells and at most 33 channels (2.7 kB), each twice, 0.9 GB as bytes
and 3.5 GB where a network reads all of them as float32; E3B adds a covariance for each
environment. `cores`: the same 96 runs of 5 x 800k steps, 3.8e8 in all: a task is
11 minutes of one core. `smoke`: seconds.
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
        env=seen(view=9),
        play=dict(num_envs=256, horizon=128),
    )
    return whole("minihack16", agent)


def cores() -> dict:
    """What two cores can do: fewer steps, and a small network that sees less."""
    agent = study.agent(
        frames=800_000,
        env=seen(view=7),
        model=parts.mlp(64, activation="relu", features=64),
        play=dict(num_envs=32, horizon=128),
    )
    judged = agent["evaluate"] | dict(every=5)
    agent |= dict(evaluate=judged)
    return whole("minihack16_cores", agent, width=64, dim=64)


def smoke() -> dict:
    """RND and NovelD in one task."""
    return study.smoke(cores())


def whole(name: str, agent: dict, **options: int) -> dict:
    """Every task with every bonus; options are of the networks of those that are some.

    Prompts cost 0.01 each and a zap at random seldom pays that back: with an entropy
    weight of 0.01 agents ask for nothing any more before they have learned what for.
    At 0.1 they preferred E3B's bonus for the rest of an episode to success, even where
    no bonus is needed (Levitate-Potion); a step of it pays a fifth of NovelD's.
    """
    bonuses = {bonus: parts.bonus(bonus, coefficient=0.005) for bonus in BONUSES}
    for bonus in BONUSES[1:]:  # the first is none
        bonuses[bonus]["options"] = options
    for bonus in BONUSES[3:]:  # E3B and its products
        bonuses[bonus]["coefficient"] = 0.02
    agent = agent | dict(loss=agent["loss"] | dict(entropy=0.05))
    return study.sweep(name, tasks=SKILL + NAVIGATION, bonuses=bonuses, agent=agent)


def seen(*, view: int) -> dict:
    """The cells around the agent and, as on NetHack's status line, where it is."""
    return parts.env(SKILL[0], view=view, coordinates=True)
