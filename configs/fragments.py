"""Parts that several configs share."""

from collections.abc import Callable
from typing import Any

import ml_collections

from rl_credit.credit.estimators import ESTIMATORS
from rl_credit.losses.policy import POLICY
from rl_credit.ops import names
from rl_credit.training import update


def sized(size: str, **sizes: Callable[[], dict]) -> ml_collections.ConfigDict:
    """The config of one of the sizes; ValueError names them for another."""
    if size not in sizes:
        raise ValueError(names.unknown("size", size, sizes))
    return ml_collections.ConfigDict(sizes[size]())


def credit(name: str, **changes: Any) -> dict[str, Any]:
    """The section `credit`, with the options of every estimator at their defaults.

    So `--config.credit.name=hgpo --config.credit.options.hgpo.alpha=2` works.
    """
    options = {known: dict(e.options) for known, e in ESTIMATORS.items()}
    section = dict(name=name, options=options, anchors_by="state", similarity=1.0)
    return section | dict(invalid_penalty=0.0, penalise="advantage") | changes


def critic(**changes: Any) -> dict[str, Any]:
    """The section `critic`; it learns from Monte Carlo returns (VAPO, 2504.05118)."""
    section = dict(epochs=2, trace=1.0, value_clip=0.2)
    optimiser = dict(learning_rate=1e-3, warmup=0, weight_decay=0.0, clip=1.0)
    return section | optimiser | changes


def reward_model(**changes: Any) -> dict[str, Any]:
    """The section `reward_model`; `clip` is iStar's (arXiv 2509.19199)."""
    section = dict(learning_rate=4e-4, warmup=0, weight_decay=0.0, clip=10.0)
    return section | changes


def devices(**changes: Any) -> dict[str, Any]:
    """The section `devices`: all there are share rows and parameters."""
    return dict(mesh="", layout="both") | changes


def guard(**changes: Any) -> dict[str, Any]:
    """The section `guard`: when a run stops that learns nothing any more."""
    return dict(skipped=5, failed=0.5) | changes


def loss(name: str, **changes: Any) -> dict[str, Any]:
    """The section `loss`, with the options of every policy loss at their defaults."""
    options = {known: update.loss_options(known) for known in POLICY}
    section = dict(name=name, options=options, reduction="token_mean", length=None)
    return section | dict(kl=0.0, entropy=0.0) | changes
