"""The main job: a small decoder, from scratch, in TextWorld.

    python -m experiments.text_agent --config=configs/text/textworld.py --workdir=DIR

Two CPU cores, 15 minutes. `:smoke` is seconds, in memory, without a simulator.
"""

import ml_collections

from configs import fragments


def get_config(size: str = "full") -> ml_collections.ConfigDict:
    """`full`, or `smoke`."""
    return fragments.sized(size, full=full, smoke=smoke)


def full() -> dict:
    """Find the coin: 4 to 8 actions that the task names, in other words every time.

    Few demonstrations, imitated briefly: warm-up leaves room for what is learned next.
    """
    return dict(
        seed=0,
        devices=fragments.devices(),
        env=env(),
        model=model(width=128, layers=2),
        play=play(),
        demonstrations=90,
        imitation=dict(
            epochs=6,
            batch=32,
            learning_rate=1e-3,
            warmup=20,
            weight_decay=0.1,
            reading=0.0,
        ),
        credit=fragments.credit("gigpo", invalid_penalty=0.25),
        critic=fragments.critic(),
        reward_model=fragments.reward_model(),
        loss=fragments.loss("ppo_clip"),
        train=train(),
        evaluate=dict(every=10, attempts=2, temperature=1.0),
        guard=fragments.guard(),
        save=dict(every=5, keep=2, best=True),
    )


def smoke() -> dict:
    """Two steps in memory."""
    config = full()
    changes = dict(name="scripted", options={}, train=6, held_out=4, workers=1)
    return config | dict(
        env=env() | changes,
        model=model(width=32, layers=1),
        play=play() | dict(turns=8),
        demonstrations=6,
        imitation=config["imitation"] | dict(epochs=1),
        train=train() | dict(steps=2, tasks=2, attempts=3, tokens=1024),
        evaluate=config["evaluate"] | dict(every=1),
        save=config["save"] | dict(every=1),
    )


def shrunk(config: dict, **env) -> dict:
    """Two steps of another config, in its own world."""
    small = smoke()
    same = {name: small[name] for name in ("model", "imitation", "evaluate", "save")}
    return config | same | dict(
        env=config["env"] | dict(workers=1) | env,
        play=config["play"] | dict(turns=6),
        demonstrations=env["train"],
        train=config["train"] | dict(steps=2, tasks=2, attempts=3, tokens=1024),
    )


def env() -> dict:
    """Games of one kind: on every way but the right one is nothing to find."""
    game = dict(kind="coin_collector", levels=(4, 8), step_limit=14, describe=True)
    return dict(
        name="textworld",
        options=game,
        train=240,
        held_out=60,
        workers=2,
        step_timeout=60.0,
        restarts=100,
    )


def play() -> dict:
    """The objective, the last actions by name, and what is around now."""
    return dict(
        format="plain",
        layout="bare",
        history=0,
        recalled=8,
        admissible=True,
        turns=14,
        invalid="send",
        limit=10,
        window=512,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
    )


def train() -> dict:
    """128 episodes a step, four updates."""
    return dict(
        steps=40,
        tasks=16,
        attempts=8,
        resample=0,
        epochs=1,
        minibatches=4,
        tokens=8192,
        learning_rate=5e-4,
        warmup=10,
        weight_decay=0.0,
        clip=1.0,
    )


def model(*, width: int, layers: int) -> dict:
    """A Llama with heads of 32, from scratch, on the words of the demonstrations."""
    heads = width // 32
    sizes = dict(
        family="llama",
        width=width,
        layers=layers,
        heads=heads,
        kv_heads=heads,
        head_dim=32,
        mlp_width=3 * width,
        positions=2048,
        tied=True,
        unroll=layers,
    )
    return dict(
        directory="", tokenizer="words", sizes=sizes, dtype="float32", remat=False
    )
