"""A small decoder, from scratch, in small rooms of generated ALFWorld.

    pip install 'rl_credit[alfworld]'
    python -m experiments.text_agent --config=configs/text/alfworld_small.py \\
        --workdir=DIR

On one CPU core, once the games are compiled, 7 minutes of warm-up and then half a
minute a step. The games are made here, so that results are no results on the published
benchmark. `:smoke` is two steps in two of them.
"""

import ml_collections

from configs import fragments
from configs.text import textworld


def get_config(size: str = "full") -> ml_collections.ConfigDict:
    """`full`, or `smoke`."""
    return fragments.sized(size, full=full, smoke=smoke)


def full() -> dict:
    """The decoder of the main job.

    What a room holds it must copy from the page: that is learned from reading on in
    600 rooms, in small updates, and not from what is said there alone. At the rate of
    the main job it unlearns that again: 5e-4 lost what 1e-4 gained.
    """
    config = textworld.full()
    return config | dict(
        env=env(),
        play=play(),
        demonstrations=600,
        imitation=config["imitation"] | dict(epochs=5, batch=8, reading=0.5),
        train=config["train"] | dict(steps=30, learning_rate=1e-4),
    )


def smoke() -> dict:
    """Two steps."""
    return textworld.shrunk(full(), train=2, held_out=1)


def env() -> dict:
    """Something is to be found, and carried elsewhere."""
    rooms = dict(rooms="seen", receptacles=14)
    game = dict(kinds=("pick_and_place_simple",), guide="looking", step_limit=16)
    return dict(
        name="alfworld",
        options=rooms | game,
        train=600,
        held_out=50,
        workers=2,
        step_timeout=60.0,
        restarts=100,
    )


def play() -> dict:
    """The task, the last actions by name, the last reply, and what can be done."""
    return textworld.play() | dict(turns=16, window=320)
