"""Low-rank adapters (LoRA, arXiv 2106.09685): train two thin matrices a projection."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from rl_credit.ops import names

PROJECTIONS = {  # target: where it lies in a layer
    "query": "attention",
    "key": "attention",
    "value": "attention",
    "output": "attention",
    "gate": "mlp",
    "up": "mlp",
    "down": "mlp",
}

Adapters = dict[str, dict[str, Float[Array, "layers rows columns"]]]


def init(
    key: Key[Array, ""], params: Mapping[str, Any], rank: int, targets: Sequence[str]
) -> Adapters:
    """Adapters that change nothing yet: {target: {"reduce", "expand"}}, float32.

    `reduce` [layers in rank] is normal, 1/sqrt(in) wide, and `expand` [layers rank out]
    zero, as in the paper (4.1).

    Raises:
        ValueError: `targets` names no projection, one twice or an unknown one, or
            `rank` is below 1 or above what a target's matrix has.
    """
    if not targets or len(set(targets)) != len(targets):
        raise ValueError(f"targets {list(targets)} must be one or more different names")
    adapters = {}
    for target, child in zip(targets, jax.random.split(key, len(targets))):
        if target not in PROJECTIONS:
            raise ValueError(names.unknown("LoRA target", target, PROJECTIONS))
        layers, rows, columns = _kernel(params, target).shape
        if not 1 <= rank <= min(rows, columns):
            raise ValueError(
                f"rank {rank} is not between 1 and {min(rows, columns)}, the rank of "
                f"{target!r} [{rows}, {columns}]"
            )
        normal = jax.random.normal(child, (layers, rows, rank)) / rows**0.5
        expand = jnp.zeros((layers, rank, columns))
        adapters[target] = {"reduce": normal, "expand": expand}
    return adapters


def merge(
    params: Mapping[str, Any], adapters: Adapters, scale: float | Float[Array, ""]
) -> dict[str, Any]:
    """Parameters with scale * reduce @ expand added; gradients reach adapters only.

    Pure: call it inside the jitted step. `scale` is alpha / rank in the paper's terms.
    """
    frozen = jax.lax.stop_gradient(params)
    layers = {**frozen["params"]["layers"]}
    for target, adapter in adapters.items():
        kernel = _kernel(frozen, target)
        change = scale * jnp.matmul(adapter["reduce"], adapter["expand"])
        adapted = (kernel + change).astype(kernel.dtype)
        group = layers[PROJECTIONS[target]]
        projection = {**group[target], "kernel": adapted}
        layers[PROJECTIONS[target]] = {**group, target: projection}
    return {**frozen, "params": {**frozen["params"], "layers": layers}}


def _kernel(
    params: Mapping[str, Any], target: str
) -> Float[Array, "layers rows columns"]:
    """A projection's matrices, stacked over the layers."""
    return params["params"]["layers"][PROJECTIONS[target]][target]["kernel"]
