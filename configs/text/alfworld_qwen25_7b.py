"""GiGPO in ALFWorld with Qwen2.5-7B-Instruct, as published (arXiv 2505.10978).

    pip install 'rl_credit[alfworld]'
    python -m experiments.text_agent --config=configs/text/alfworld_qwen25_7b.py \\
        --config.model.directory=DIRECTORY --workdir=DIR

The settings are those of `alfworld_qwen25_1p5b.py`, sizes and needs too, but for the
model, which takes 152 GB of memory; it has not been run. The paper: 90.8% of the tasks
in rooms as in training, GRPO 77.6%.
"""

import ml_collections

from configs import fragments
from configs.text import alfworld_qwen25_1p5b as smaller
from configs.text import published


def get_config(size: str = "full") -> ml_collections.ConfigDict:
    """`full`, `generated` or `smoke`."""
    return fragments.sized(size, full=full, generated=generated, smoke=smaller.smoke)


def full() -> dict:
    """The official games."""
    return smaller.full() | dict(model=model())


def generated() -> dict:
    """Games of all six types in equal parts."""
    return smaller.generated() | dict(model=model())


def model() -> dict:
    """The larger checkpoint."""
    return published.model("Qwen2.5-7B-Instruct")
