"""Penalties added to a policy loss, each times its own coefficient."""

from collections.abc import Callable

from jaxtyping import Array, Bool, Float

from rl_credit.losses import reduce
from rl_credit.losses.reduce import Reduction
from rl_credit.ops import kl as estimators
from rl_credit.ops import masked
from rl_credit.types import Weighted


def kl(
    logps: Float[Array, "batch time"],
    ref_logps: Float[Array, "batch time"],
    where: Bool[Array, "batch time"],
    *,
    estimator: Callable = estimators.k3,
    reduce: Reduction = reduce.sequence_mean,
) -> Weighted:
    """Distance from the reference policy; GRPO (arXiv 2402.03300, eq. 3 and 4).

    SPO (arXiv 2505.23564) sums over tokens: `reduce.sequence_sum`.
    """
    logps, ref_logps = masked.keep(logps, where), masked.keep(ref_logps, where)
    return reduce(estimator(logps, ref_logps), where)


def entropy(
    entropies: Float[Array, "batch time"],
    where: Bool[Array, "batch time"],
    *,
    reduce: Reduction = reduce.token_mean,
) -> Weighted:
    """Minus the policy's entropy in nats, so that minimising it spreads the policy."""
    return reduce(-entropies, where)
