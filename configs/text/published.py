"""What the published runs of GiGPO share (arXiv 2505.10978, E.1, and its release).

The release pays 10 for a win; we pay 1, and have a tenth of what goes with that: of the
penalty for an invalid action, which is taken off the scores of its turn before they are
compared, and, where advantages are not rescaled, of every term of the loss. That is the
same gradient, a tenth as large, which Adam does not feel.

Other than there, an action that cannot be done counts as invalid, too; the release
looks at the tags alone, and refuses Chinese characters. Here an answer ends with
</action>. An iteration's rows are dealt into a fixed number of updates; the release
takes as many as there are batches of 256 rows in ALFWorld, of 64 in WebShop, and plays
a few rows twice to fill them. Its AdamW forgets more slowly (beta_2 0.999; ours 0.95).

Turns meet by the text of their observation, as published;
`--config.credit.anchors_by=state` takes the environment's state instead, and
`--config.credit.name=gigpo_released` the statistics of the release. Most other
estimators want `--config.credit.penalise=advantage`.
"""

from configs import fragments
from configs.text import textworld

ANSWER = 512  # tokens
WIN = 10.0  # what the release pays, and we pay 1


def config(*, env: dict, model: dict, play: dict, scale: bool) -> dict:
    """150 iterations of 16 tasks with 8 attempts each; no warm-up.

    `scale` is F_norm = std: whether advantages are divided by their deviation, and so
    do not depend on what a win pays.
    """
    paid = 1.0 if scale else WIN
    return dict(
        seed=0,
        devices=fragments.devices(),
        env=env,
        model=model,
        play=play,
        demonstrations=0,
        imitation=textworld.full()["imitation"],
        credit=credit(scale),
        critic=fragments.critic(),
        reward_model=fragments.reward_model(),
        loss=loss(paid),
        train=train(paid),
        evaluate=dict(every=5, attempts=1, temperature=0.4),
        guard=fragments.guard(),
        save=dict(every=5, keep=2, best=True),
    )


def smoke(full: dict, **env) -> dict:
    """Two iterations in the same world, of a small new decoder that reads bytes."""
    config, small = full, textworld.smoke()
    new = textworld.model(width=32, layers=1)
    sizes = new["sizes"] | dict(positions=8192)
    changes = dict(train=2, held_out=1, workers=1) | env
    return config | dict(
        env=config["env"] | changes,
        model=new | dict(tokenizer="bytes", sizes=sizes),
        play=config["play"] | dict(turns=3, limit=8, window=8192),
        train=config["train"] | dict(steps=2, tasks=2, attempts=2, minibatches=1),
        evaluate=small["evaluate"],
        save=small["save"],
    )


def world(name: str, *, options: dict, train: int) -> dict:
    """All training tasks, and as many held out as the release judges on."""
    return dict(
        name=name,
        options=options,
        train=train,
        held_out=128,
        workers=16,
        step_timeout=120.0,
        restarts=100,
    )


def model(name: str) -> dict:
    """A checkpoint from the Hugging Face hub, put into the folder `models`.

    Weights, gradients, both moments and the reference, all float32, are 20 bytes a
    parameter: 31 GB for Qwen2.5-1.5B, 152 GB for 7B.
    """
    return dict(
        directory=f"models/{name}",
        tokenizer="pretrained",
        sizes={},
        dtype="bfloat16",
        remat=True,
    )


def play(*, turns: int, prompt: int) -> dict:
    """The last two turns whole, in the structure of the published prompts.

    Where that is longer than `prompt` tokens, fewer turns are shown.
    """
    return dict(
        format="think",
        layout="numbered",
        history=2,
        recalled=0,
        admissible=True,
        turns=turns,
        invalid="send",
        limit=ANSWER,
        window=prompt + ANSWER,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
    )


def credit(scale: bool) -> dict:
    """Discount 0.95 and equal weight of both levels."""
    section = fragments.credit("gigpo", invalid_penalty=0.1 / WIN, penalise="score")
    for name in ("gigpo", "gigpo_released"):
        section["options"][name] |= dict(scale=scale, discount=0.95, step_weight=1.0)
    return section | dict(anchors_by="observation")


def loss(paid: float) -> dict:
    """PPO-clip, KL 0.01 (k3) and entropy 0.001, for advantages `paid` as large."""
    section = fragments.loss("ppo_clip", kl=0.01 / paid, entropy=0.001 / paid)
    section["options"]["ppo_clip"] |= dict(clip_low=0.2, clip_high=0.2, dual_clip=3.0)
    return section


def train(paid: float) -> dict:
    """128 episodes an iteration, each row seen once."""
    return dict(
        steps=150,
        tasks=16,
        attempts=8,
        resample=0,
        epochs=1,
        minibatches=16,
        tokens=32768,
        learning_rate=1e-6,
        warmup=0,
        weight_decay=0.01,
        clip=1.0 / paid,
    )
