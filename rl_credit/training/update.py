"""One optimiser step from any number of microbatches."""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from rl_credit.losses import penalties, reduce
from rl_credit.losses.policy import POLICY
from rl_credit.losses.reduce import Reduction
from rl_credit.models import cache as caches
from rl_credit.models import decoder as decoders
from rl_credit.models.decoder import Decoder, Params
from rl_credit.ops import kl, logprobs, masked, names
from rl_credit.training.state import Optimiser, TrainState
from rl_credit.types import TokenBatch, record

REDUCTIONS: dict[str, Callable] = {
    "token_mean": reduce.token_mean,
    "sequence_mean": reduce.sequence_mean,
    "sequence_sum": reduce.sequence_sum,
    "constant_length": reduce.constant_length,
}


@dataclasses.dataclass(frozen=True)
class Objective:
    """What is minimised: a policy loss, and penalties times their coefficients.

    Hashable, for jit. Raises ValueError or TypeError for a name nobody knows.
    """

    loss: str = "ppo_clip"  # a name in `POLICY`
    options: tuple[tuple[str, Any], ...] = ()  # of that loss
    reduction: str = "token_mean"  # a name in `REDUCTIONS`, for all terms
    length: int | None = None  # of "constant_length": the most tokens of an answer
    kl: float = 0.0  # times the distance from the reference
    entropy: float = 0.0  # times the entropy, which is to grow
    temperature: float = 1.0  # the answers were drawn at

    def __post_init__(self):
        if self.loss not in POLICY:
            raise ValueError(names.unknown("policy loss", self.loss, POLICY))
        if self.reduction not in REDUCTIONS:
            raise ValueError(names.unknown("reduction", self.reduction, REDUCTIONS))
        known = loss_options(self.loss)
        for option, _ in self.options:
            if option not in known:
                near = names.suggestion(option, known)
                raise TypeError(f"loss {self.loss!r} has no option {option!r}{near}")
        if (self.length is None) == (self.reduction == "constant_length"):
            raise ValueError(f"length={self.length} with reduction={self.reduction!r}")

    @property
    def reduce(self) -> Reduction:
        """From a loss per token to a sum and its weight."""
        chosen = REDUCTIONS[self.reduction]
        return functools.partial(chosen, length=self.length) if self.length else chosen

    def weight(self, batch: TokenBatch) -> float:
        """What a microbatch counts."""
        empty = jnp.zeros(batch.trained.shape)
        return float(self.reduce(empty, jnp.asarray(batch.trained)).weight)


def loss_options(loss: str) -> dict[str, Any]:
    """The options that a policy loss has of its own, and their defaults."""
    parameters = inspect.signature(POLICY[loss]).parameters.values()
    own = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    return {name: default for name, default in own.items() if name != "reduce"}


@record
class Sums:
    """Over microbatches: the gradient, and statistics as (total, weight)."""

    gradient: Any
    statistics: dict[str, Float[Array, "2"]]


@functools.partial(jax.jit, static_argnames=("decoder", "temperature"))
def score(
    decoder: Decoder, params: Params, batch: TokenBatch, temperature: float
) -> tuple[Float[Array, "batch picks"], Float[Array, "batch picks"]]:
    """Log-probabilities of what was said, given all before it, and the entropies there.

    Both are those of softmax(logits / temperature). Only what was said meets the
    output matrix.
    """
    hidden = before(decoder, params, batch)
    tokens = jnp.take_along_axis(batch.tokens, batch.said, axis=1)
    matrix = decoders.output(params)
    return logprobs.from_hidden(hidden, matrix, tokens, temperature=temperature)


def before(
    decoder: Decoder, params: Params, batch: TokenBatch
) -> Float[Array, "batch picks width"]:
    """The hidden states from which what was said was drawn."""
    places = caches.positions(batch.where)
    hidden, _ = decoder.apply(params, batch.tokens, places, batch.where)
    ahead = jnp.maximum(batch.said - 1, 0)
    return jnp.take_along_axis(hidden, ahead[..., None], axis=1)


@functools.partial(
    jax.jit, static_argnames=("decoder", "objective"), donate_argnames="sums"
)
def accumulate(
    decoder: Decoder,
    objective: Objective,
    params: Params,
    sums: Sums,
    batch: TokenBatch,
    weight: Float[Array, ""],
) -> Sums:
    """Adds one microbatch; `weight` is that of the whole batch, so sums are means."""

    def loss(params):
        logps, entropies = score(decoder, params, batch, objective.temperature)
        where, reduction = batch.trained, objective.reduce
        policy = POLICY[objective.loss](
            logps,
            batch.old_logps,
            batch.advantages,
            where,
            reduce=reduction,
            **dict(objective.options),
        )
        total = policy.total
        if objective.entropy:
            spread = penalties.entropy(entropies, where, reduce=reduction)
            total += objective.entropy * spread.total
        if objective.kl:
            distance = penalties.kl(logps, batch.ref_logps, where, reduce=reduction)
            total += objective.kl * distance.total
        return total / weight, (logps, entropies)

    (value, said), gradient = jax.value_and_grad(loss, has_aux=True)(params)
    seen = _statistics(value, said, batch)
    return jax.tree.map(jnp.add, sums, Sums(gradient, seen))


def _statistics(
    loss: Float[Array, ""], said: tuple[Array, Array], batch: TokenBatch
) -> dict[str, Float[Array, "2"]]:
    """What is watched, each a total and its weight."""
    where, (logps, entropies) = batch.trained, said
    apart = masked.keep(logps - batch.old_logps, where)
    seen = {
        "entropy": masked.weigh(entropies, where),
        "kl_old": masked.weigh(kl.k3(apart, jnp.zeros_like(apart)), where),
        "moved": masked.weigh((jnp.abs(apart) > 0.2).astype(jnp.float32), where),
    }
    if batch.ref_logps is not None:
        distance = kl.k3(*(masked.keep(x, where) for x in (logps, batch.ref_logps)))
        seen["kl_reference"] = masked.weigh(distance, where)
    sums = {name: jnp.stack([w.total, w.weight]) for name, w in seen.items()}
    return {"loss": jnp.stack([loss, jnp.float32(0.0)]), **sums}


@functools.partial(jax.jit, static_argnames="optimiser", donate_argnames=("state",))
def apply(
    state: TrainState, gradient: Any, optimiser: Optimiser
) -> tuple[TrainState, dict[str, Array]]:
    """One step along a gradient; one that is not finite changes nothing."""
    norm = optax.tree.norm(gradient)
    finite = jnp.isfinite(norm)
    steps, memory = optimiser.transformation.update(
        gradient, state.memory, state.params
    )
    params = optax.apply_updates(state.params, steps)
    moved = TrainState(params, memory, state.updates + 1)
    kept = jax.tree.map(lambda new, old: jnp.where(finite, new, old), moved, state)
    return kept, {"gradient_norm": norm, "skipped": 1.0 - finite}


def step(
    decoder: Decoder,
    objective: Objective,
    optimiser: Optimiser,
    state: TrainState,
    batches: Sequence[TokenBatch],
) -> tuple[TrainState, Mapping[str, float]]:
    """One update with the gradient of all `batches` together, and what was seen."""
    sums = summed(decoder, objective, state.params, batches)
    state, scalars = apply(state, sums.gradient, optimiser)
    seen = {n: float(t[0] / (t[1] or 1.0)) for n, t in sums.statistics.items()}
    return state, seen | {name: float(value) for name, value in scalars.items()}


def summed(
    decoder: Decoder,
    objective: Objective,
    params: Params,
    batches: Sequence[TokenBatch],
) -> Sums:
    """The gradient of the mean loss over all `batches`, and statistics."""
    weight = np.float32(sum(objective.weight(batch) for batch in batches))
    sums = _empty(params, batches[0])
    for batch in batches:
        sums = accumulate(decoder, objective, params, sums, batch, weight)
    return sums


def _empty(params: Params, batch: TokenBatch) -> Sums:
    """Sums of nothing, with the statistics that such a batch has."""
    keys = ["loss", "entropy", "kl_old", "moved"]
    keys += ["kl_reference"] if batch.ref_logps is not None else []
    gradient = jax.tree.map(jnp.zeros_like, params)
    return Sums(gradient, {key: jnp.zeros(2) for key in keys})
