"""Parts that several configs share."""

from typing import Any

from rl_credit.credit.estimators import ESTIMATORS
from rl_credit.losses.policy import POLICY


def credit(name: str, **changes: Any) -> dict[str, Any]:
    """The section `credit`, with the options of every estimator at their defaults.

    So `--config.credit.name=hgpo --config.credit.options.hgpo.alpha=2` works.
    """
    options = {known: dict(e.options) for known, e in ESTIMATORS.items()}
    return dict(name=name, options=options, invalid_penalty=0.0) | changes


def loss(name: str, **changes: Any) -> dict[str, Any]:
    """The section `loss`, with the options of every policy loss at their defaults."""
    options = {
        known: {k: v for k, v in (f.__kwdefaults__ or {}).items() if k != "reduce"}
        for known, f in POLICY.items()
    }
    section = dict(name=name, options=options, reduction="token_mean", length=None)
    return section | dict(kl=0.0, entropy=0.0) | changes
