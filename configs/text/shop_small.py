"""A small decoder, from scratch, in a small generated shop.

    pip install 'rl_credit[webshop]'
    python -m experiments.text_agent --config=configs/text/shop_small.py --workdir=DIR

One CPU core: 9 minutes of warm-up, then a quarter of a minute a step. The catalogue is
made here, so that results are no results on WebShop. `:smoke` is two steps of a few
episodes.
"""

import ml_collections

from configs import fragments
from configs.text import textworld


def get_config(size: str = "full") -> ml_collections.ConfigDict:
    """`full`, or `smoke`."""
    return fragments.sized(size, full=full, smoke=smoke)


def full() -> dict:
    """The decoder of the main job.

    To click what the instruction names takes it many updates, of few rows each: it is
    not learned in half as many. Half of the goals are not demonstrated; on those alone
    is something left to learn. At the rate of the main job it unlearns the rest.
    """
    config = textworld.full()
    return config | dict(
        env=env(),
        play=play(),
        demonstrations=2000,
        imitation=config["imitation"] | dict(epochs=4, batch=8, reading=0.5),
        train=config["train"] | dict(steps=30, learning_rate=1e-4),
    )


def smoke() -> dict:
    """Two steps."""
    return textworld.shrunk(full(), train=6, held_out=4)


def env() -> dict:
    """Walkthroughs open one product after another, as the agent must.

    What is bought scores between 0 and 1, so that groups without a win tell, too.
    """
    shop = dict(products=960, page_size=4, ordinals=True, guide="looking")
    return dict(
        name="webshop",
        options=shop | dict(reward="score", step_limit=12),
        train=4200,
        held_out=60,
        workers=2,
        step_timeout=60.0,
        restarts=100,
    )


def play() -> dict:
    """The goal, what was done, and the page, which itself names what can be clicked."""
    return textworld.play() | dict(
        recalled=10, admissible=False, turns=12, limit=16, window=256
    )
