"""A small decoder, from scratch, in a small generated shop.

    pip install 'rl_credit[webshop]'
    python -m experiments.text_agent --config=configs/text/shop_small.py --workdir=DIR

One CPU core. The catalogue is made here, so that results are no results on WebShop.
`:smoke` is two steps of a few episodes.
"""

import ml_collections

from configs import fragments
from configs.text import textworld


def get_config(size: str = "full") -> ml_collections.ConfigDict:
    """`full`, or `smoke`."""
    return fragments.sized(size, full=full, smoke=smoke)


def full() -> dict:
    """The decoder of the main job.

    To copy words from a page takes it many updates: they are of few rows each.
    """
    config = textworld.full()
    return config | dict(
        env=env(),
        play=play(),
        demonstrations=800,
        imitation=config["imitation"] | dict(epochs=3, batch=8),
        train=config["train"] | dict(steps=25, learning_rate=2e-4),
    )


def smoke() -> dict:
    """Two steps."""
    config, small = full(), textworld.smoke()
    return config | dict(
        env=env() | dict(train=6, held_out=4, workers=1),
        model=small["model"],
        play=play() | dict(turns=6),
        demonstrations=6,
        imitation=small["imitation"],
        train=config["train"] | dict(steps=2, tasks=2, attempts=3, tokens=1024),
        evaluate=small["evaluate"],
        save=small["save"],
    )


def env() -> dict:
    """Walkthroughs open one product after another, as the agent must."""
    shop = dict(products=336, page_size=4, ordinals=True, guide="looking")
    return dict(
        name="webshop",
        options=shop | dict(reward="win", step_limit=12),
        train=1200,
        held_out=60,
        workers=2,
        step_timeout=60.0,
        restarts=100,
    )


def play() -> dict:
    """The goal, what was done, and the page, which itself names what can be clicked."""
    return dict(
        format="plain",
        layout="bare",
        history=0,
        recalled=10,
        admissible=False,
        turns=12,
        invalid="send",
        limit=16,
        window=256,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
    )
