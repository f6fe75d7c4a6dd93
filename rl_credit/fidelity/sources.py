"""Where the fields come from that episodes alone do not fill, and what they cost.

What the papers estimate is estimated here: continuations are played, a critic and a
reward model learn online from what they were given before. Only the expert of UI-S1 is
exact, as a walkthrough is.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int

from rl_credit.credit import chain, returns, spans
from rl_credit.fidelity import play
from rl_credit.fidelity.case import NEVER, Case
from rl_credit.fidelity.play import Key, Played, Player
from rl_credit.losses import preference, process
from rl_credit.types import Trajectories, record


@record
class Cost:
    """What the rows of a batch took."""

    steps: Float[Array, " rows"]  # of the environment, continuations included
    resets: Float[Array, " rows"]  # to a state in the middle of an episode
    forwards: Float[Array, " rows"]  # of a model besides the policy that plays

    def __add__(self, other: "Cost") -> "Cost":
        return jax.tree.map(jnp.add, self, other)


@record
class Batch:
    """Rows as they were played, and the record that estimators read."""

    played: Played
    trajectories: Trajectories
    logits: Float[Array, "observations actions"]  # of the policy that played
    seen: Int[Array, "rows spans"]  # observations


Filled = Mapping[str, Array]  # field of Trajectories -> its values


@runtime_checkable
class Source(Protocol):
    """Something that fills fields. It is static; what it carries is its state."""

    def init(self, case: Case) -> Any:
        """What it carries at first."""

    def fill(
        self, case: Case, who: Player, batch: Batch, state: Any, key: Key
    ) -> tuple[Filled, Cost, Any]:
        """Fields as they were before it learned from the batch, and what it learned."""


def nothing(batch: Batch) -> Cost:
    """No cost."""
    zeros = jnp.zeros(batch.trajectories.where.shape[0], jnp.float32)
    return Cost(zeros, zeros, zeros)


class Stateless:
    """A source that carries nothing from batch to batch."""

    def init(self, case: Case) -> tuple[()]:
        """Nothing."""
        return ()


@dataclasses.dataclass(frozen=True)
class Continuations(Stateless):
    """`values`: the mean return of `count` continuations from every state (VinePPO)."""

    count: int

    def fill(
        self, case: Case, who: Player, batch: Batch, state: Any, key: Key
    ) -> tuple[Filled, Cost, Any]:
        """See `Source`."""
        where = batch.trajectories.where
        values, cost = self.played(case, who, batch, where, key)
        return {"values": values}, cost, state

    def played(
        self,
        case: Case,
        who: Player,
        batch: Batch,
        where: Bool[Array, "rows spans"],
        key: Key,
    ) -> tuple[Float[Array, "rows spans"], Cost]:
        """From the states of those spans alone."""
        copies = (self.count, *where.shape)
        states = jnp.broadcast_to(batch.played.states, copies).reshape(-1)
        times = jnp.broadcast_to(batch.played.times, copies).reshape(-1)
        gained, taken = play.gained(who, key, states, times, case.steps)
        gained, taken = gained.reshape(copies).mean(0), taken.reshape(copies).sum(0)
        spent = jnp.sum(jnp.where(where, taken, 0), axis=1, dtype=jnp.float32)
        resets = self.count * jnp.sum(where, axis=1, dtype=jnp.float32)
        cost = Cost(spent, resets, jnp.zeros_like(spent))
        return jnp.where(where, gained, 0.0), cost


@dataclasses.dataclass(frozen=True)
class Segments(Stateless):
    """`values` at the starts of SPO's segments, of the whole outcome.

    SPO (arXiv 2505.23564) knows one reward, at the end. Where others come before it,
    the value of a state is what was paid up to it and the mean of continuations.
    """

    estimator: str
    options: tuple[tuple[str, Any], ...]
    continuations: Continuations

    def fill(
        self, case: Case, who: Player, batch: Batch, state: Any, key: Key
    ) -> tuple[Filled, Cost, Any]:
        """See `Source`."""
        t = batch.trajectories
        starts = self._boundaries(t)[:, : t.where.shape[1]] & t.where
        values, cost = self.continuations.played(case, who, batch, starts, key)
        paid = jnp.cumsum(t.rewards, axis=1) - t.rewards
        return {"values": jnp.where(starts, values + paid, 0.0)}, cost, state

    def _boundaries(self, t: Trajectories) -> Bool[Array, "rows positions"]:
        options = dict(self.options)
        if self.estimator == "spo_chain_fixed_count":
            return chain.equal_lengths(t.where, **options)
        if self.estimator == "spo_chain_fixed_interval":
            return chain.every(t.where, **options)
        chances = jnp.exp(jnp.asarray(t.logps))
        return chain.cutpoints(chances, t.where, **options)


@dataclasses.dataclass(frozen=True)
class Greedy(Stateless):
    """`baselines`: one greedy episode of every task (ReMax)."""

    def fill(
        self, case: Case, who: Player, batch: Batch, state: Any, key: Key
    ) -> tuple[Filled, Cost, Any]:
        """See `Source`."""
        surest = batch.logits >= batch.logits.max(axis=1, keepdims=True)
        best = play.player(case.tables, jnp.where(surest, 0.0, NEVER), case.horizon)
        tasks = jnp.arange(case.expected.size, dtype=jnp.int32)
        starting, playing = jax.random.split(key)
        begun = play.first(best, starting, tasks)
        gained, taken = play.gained(
            best, playing, begun, jnp.zeros_like(tasks), case.steps
        )
        own = batch.played.tasks
        rows = jnp.any(batch.trajectories.where, axis=1).astype(jnp.float32)
        sharing = jnp.zeros(tasks.size).at[own].add(rows)[own]
        steps = taken[own] * rows / jnp.maximum(sharing, 1.0)
        free = jnp.zeros_like(steps)
        return {"baselines": gained[own]}, Cost(steps, free, free), state


@dataclasses.dataclass(frozen=True)
class Expert(Stateless):
    """`matches`: the step is a best one, and so were all before it (UI-S1)."""

    def fill(
        self, case: Case, who: Player, batch: Batch, state: Any, key: Key
    ) -> tuple[Filled, Cost, Any]:
        """See `Source`."""
        played = batch.played
        best = case.expert[played.times, played.states, played.actions]
        so_far = jnp.cumprod(best, axis=1).astype(bool)
        matches = so_far & batch.trajectories.where
        return {"matches": matches}, nothing(batch), state


@dataclasses.dataclass(frozen=True)
class Critic:
    """`values` of observations: a table that learns Monte Carlo returns online."""

    rate: float  # of the way to the mean return of an observation's visits

    def init(self, case: Case) -> Any:
        """Every value is 0."""
        return jnp.zeros(case.logits.shape[0])

    def fill(
        self, case: Case, who: Player, batch: Batch, state: Any, key: Key
    ) -> tuple[Filled, Cost, Any]:
        """See `Source`. Reading a state is a forward, learning from it three."""
        t = batch.trajectories
        values = jnp.where(t.where, state[batch.seen], 0.0)
        errors = returns.discounted(t.rewards, t.where, discount=1.0) - values
        weights = t.where.astype(jnp.float32)
        visits = jnp.zeros_like(state).at[batch.seen].add(weights)
        sums = jnp.zeros_like(state).at[batch.seen].add(weights * errors)
        learned = state + self.rate * sums / jnp.maximum(visits, 1.0)
        free = jnp.zeros(t.where.shape[0], jnp.float32)
        return {"values": values}, Cost(free, free, 4.0 * weights.sum(1)), learned


@record
class RewardState:
    """What a reward model carries."""

    logits: Float[Array, "observations actions"]
    reference: Float[Array, "observations actions"]  # the policy at first
    optimiser: Any


@dataclasses.dataclass(frozen=True)
class RewardModel:
    """`log_ratios` of a policy-shaped model that learns which episodes are won.

    "prime" (arXiv 2502.01456) learns outcomes by cross-entropy and keeps the first
    policy as reference; "oprl" (iStar, arXiv 2509.19199) learns pairs of its group, and
    the policy that played is the reference.
    """

    estimator: str
    beta: float
    rate: float  # of Adam

    def init(self, case: Case) -> RewardState:
        """It starts as the policy does."""
        first = case.logits
        return RewardState(first, first, optax.adam(self.rate).init(first))

    def fill(
        self, case: Case, who: Player, batch: Batch, state: RewardState, key: Key
    ) -> tuple[Filled, Cost, RewardState]:
        """See `Source`. A frozen reference is one more forward of every step."""
        t, frozen = batch.trajectories, self.estimator == "prime"
        reference = state.reference if frozen else batch.logits
        won = spans.scores(t.rewards, t.where) > case.expected[batch.played.tasks]

        def ratios(logits: Array) -> Float[Array, "rows spans"]:
            table = jax.nn.log_softmax(logits) - jax.nn.log_softmax(reference)
            taken = table[batch.seen, batch.played.actions]
            return jnp.where(t.where, taken, 0.0)

        def loss(logits: Array) -> Float[Array, ""]:
            found = ratios(logits)
            if frozen:
                return process.prime_cross_entropy(
                    found, t.where, won, beta=self.beta
                ).mean()
            scaled = self.beta * found
            return preference.trajectory_dpo(scaled, t.where, won, t.groups).mean()

        slope = jax.grad(loss)(state.logits)
        moved, optimiser = optax.adam(self.rate).update(slope, state.optimiser)
        learned = RewardState(state.logits + moved, state.reference, optimiser)
        read = jnp.sum(t.where, axis=1, dtype=jnp.float32) * (5.0 if frozen else 4.0)
        free = jnp.zeros_like(read)
        return {"log_ratios": ratios(state.logits)}, Cost(free, free, read), learned
