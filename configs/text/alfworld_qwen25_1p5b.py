"""GiGPO in ALFWorld with Qwen2.5-1.5B-Instruct, as published (arXiv 2505.10978).

    pip install 'rl_credit[alfworld]'
    python -m experiments.text_agent --config=configs/text/alfworld_qwen25_1p5b.py \\
        --config.model.directory=DIRECTORY --workdir=DIR

For a GPU of 80 GB, with the official games (ALFWORLD_DATA); it has not been run. The
paper: 86.7% of the tasks in rooms as in training after 150 iterations, GRPO 72.8%.
The release does not list the command `help`, which the games admit.
`generated` is the same with games made here, whose results are no results on ALFWorld;
`smoke` takes two steps of a small new decoder in two of them.
"""

import ml_collections

from configs import fragments
from configs.text import published


def get_config(size: str = "full") -> ml_collections.ConfigDict:
    """`full`, `generated` or `smoke`."""
    return fragments.sized(size, full=full, generated=generated, smoke=smoke)


def full() -> dict:
    """All 3,553 official games; those held out are set in the rooms of training."""
    return published.config(
        env=published.world(
            "alfworld",
            options=dict(games="official", rooms="seen", step_limit=50),
            train=3553,
        ),
        model=published.model("Qwen2.5-1.5B-Instruct"),
        play=published.play(turns=50, prompt=2048),
        scale=True,
    )


def generated() -> dict:
    """Games of all six types in equal parts."""
    config = full()
    options = config["env"]["options"] | dict(games="generated")
    return config | dict(env=config["env"] | dict(options=options, train=960))


def smoke() -> dict:
    """Two steps."""
    return published.smoke(generated())
