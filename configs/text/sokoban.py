"""A small decoder, from scratch, in Sokoban: levels of 6x6 with one box.

    python -m experiments.text_agent --config=configs/text/sokoban.py --workdir=DIR

Two CPU cores. `:smoke` is two steps of a few episodes.
"""

import ml_collections

from configs import fragments
from configs.text import textworld


def get_config(size: str = "full") -> ml_collections.ConfigDict:
    """`full`, or `smoke`."""
    return fragments.sized(size, full=full, smoke=smoke)


def full() -> dict:
    """The decoder of the main job; solutions of some levels are imitated first."""
    config = textworld.full()
    return config | dict(
        env=env(),
        play=play(),
        demonstrations=60,
        credit=fragments.credit("gigpo", invalid_penalty=0.1),
        train=config["train"] | dict(tasks=16, attempts=16, tokens=16384),
    )


def smoke() -> dict:
    """Two steps."""
    return textworld.shrunk(full(), train=6, held_out=4)


def env() -> dict:
    """Levels of the shipped bank, of 5 to 20 moves."""
    return dict(
        name="sokoban",
        options=dict(levels="6x6/1", step_limit=20),
        train=800,
        held_out=100,
        workers=2,
        step_timeout=60.0,
        restarts=100,
    )


def play() -> dict:
    """Every prompt is the objective, which names the commands, and the board."""
    return dict(
        format="plain",
        layout="bare",
        history=0,
        recalled=0,
        admissible=False,
        turns=20,
        invalid="send",
        limit=3,
        window=128,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
    )
