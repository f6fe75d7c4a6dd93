"""Parts that the configs of grids share."""

from typing import Any


def config(name: str, **changes: Any) -> dict:
    """PPO in the environment of that name; changes replace sections of CartPole's."""
    base = dict(
        seed=0,
        seeds=5,
        env=env(name),
        model=mlp(64, 64),
        bonus=bonus("none"),
        play=dict(num_envs=16, horizon=64),
        credit=dict(discount=0.99, trace=0.95),
        loss=dict(clip=0.2, value_clip=10.0, value=0.5, entropy=0.01),
        train=train(frames=1_000_000),
        evaluate=dict(every=5, episodes=32, greedy=False, threshold=None),
        save=dict(every=5, keep=2, best=True),
    )
    return base | changes


def smoke(full: dict) -> dict:
    """The same in two calls of one small update, two seeds."""
    small = dict(num_envs=4, horizon=8)
    brief = dict(frames=64, updates_per_call=1, epochs=1, minibatches=2)
    return full | dict(
        seeds=2,
        play=full["play"] | small,
        train=full["train"] | brief,
        evaluate=full["evaluate"] | dict(every=1, episodes=2),
        save=full["save"] | dict(every=1),
    )


def env(name: str, **options: Any) -> dict:
    """The section `env`."""
    return dict(name=name, options=options, params={})


def bonus(name: str, **changes: Any) -> dict:
    """The section `bonus`."""
    section = dict(name=name, options={}, coefficient=0.1, formula="running")
    return section | dict(count="position") | changes


def mlp(
    *hidden: int, activation: str = "tanh", features: int = 0, memory: int = 0
) -> dict:
    """The section `model`: planes flattened; policy and value share `features`."""
    return dict(
        channels=(),
        stride=1,
        features=features,
        memory=memory,
        hidden=hidden,
        activation=activation,
    )


def conv(*channels: int, features: int, memory: int = 0) -> dict:
    """The section `model`: 3x3 convolutions that policy and value share."""
    sizes = dict(features=features, memory=memory)
    return mlp(64, activation="relu", **sizes) | dict(channels=channels)


def train(**changes: Any) -> dict:
    """The section `train`."""
    section = dict(updates_per_call=10, epochs=4, minibatches=4)
    rates = dict(learning_rate=2.5e-3, anneal=True, clip=0.5)
    return section | rates | changes
