"""The records that flow from rollouts to losses."""

import dataclasses
from typing import Any, TypeVar, dataclass_transform

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt32

T = TypeVar("T", bound=type)


@dataclass_transform(frozen_default=True)
def record(cls: T) -> T:
    """A frozen dataclass that is a pytree; `dataclasses.replace` changes a field."""
    frozen: Any = dataclasses.dataclass(frozen=True, eq=False)(cls)
    # JAX also rebuilds records around tracers and bare objects, which are no arrays.
    setattr(frozen, "__no_type_check__", True)
    return jax.tree_util.register_dataclass(frozen)


@record
class Weighted:
    """A sum and its weight: add microbatches and devices first, divide once."""

    total: Float[Array, ""]
    weight: Float[Array, ""]

    def __add__(self, other: "Weighted") -> "Weighted":
        return Weighted(self.total + other.total, self.weight + other.weight)

    def mean(self) -> Float[Array, ""]:
        """`total / weight`, and exactly 0 where nothing was weighed."""
        empty = self.weight == 0
        return jnp.where(empty, 0.0, self.total / jnp.where(empty, 1.0, self.weight))


@record
class Trajectories:
    """A batch of trajectories, padded to one number of spans.

    A span is the unit of credit: a token, a segment, a turn or a step of a grid. The
    fields after `groups` are `None` where no estimator in use asks for them.
    """

    rewards: Float[Array, "batch spans"]  # what the environment paid for the span
    where: Bool[Array, "batch spans"]  # True: played; False: padding or not the agent's
    groups: Int[Array, " batch"]  # those of one task share a number in [0, batch)
    states: UInt32[Array, "batch spans 2"] | None = None  # what the agent saw, hashed
    terminated: Bool[Array, " batch"] | None = None  # ended by itself, was not cut off
    values: Float[Array, "batch spans"] | None = None  # of the state the span began in
    final_values: Float[Array, " batch"] | None = None  # of the state it was cut off in
    logps: Float[Array, "batch spans"] | None = None  # of the span, when sampled
    log_ratios: Float[Array, "batch spans"] | None = None  # reward model over reference
    lengths: Int[Array, "batch spans"] | None = None  # tokens in the span
    matches: Bool[Array, "batch spans"] | None = None  # the span is the expert's, too
    parents: Int[Array, " batch"] | None = None  # row before it whose text it continues
    baselines: Float[Array, " batch"] | None = None  # return of the greedy response
    penalties: Float[Array, "batch spans"] | None = None  # of a span alone, not paid


@record
class TokenBatch:
    """Rows of text, padded to one length, and which of their tokens to train on."""

    tokens: Int[Array, "batch time"]
    where: Bool[Array, "batch time"]  # True: a real token
    said: Int[Array, "batch picks"]  # places of the tokens that the policy said, not 0
    trained: Bool[Array, "batch picks"]  # False: padding
    advantages: Float[Array, "batch picks"]  # of the span that the token belongs to
    old_logps: Float[Array, "batch picks"]  # when it was drawn
    ref_logps: Float[Array, "batch picks"] | None = None  # by the frozen reference
