"""Batches of episodes or trees, with the fields that sources fill, and their cost."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from rl_credit.credit import spans, tree
from rl_credit.fidelity import play, sources
from rl_credit.fidelity.case import Case
from rl_credit.fidelity.play import Key
from rl_credit.fidelity.sources import Batch, Cost, Source
from rl_credit.ops import trees
from rl_credit.types import Trajectories


@dataclasses.dataclass(frozen=True)
class How:
    """What the sources of all estimators have in common."""

    group: int  # episodes of a task
    continuations: int  # of a state whose value is estimated so (VinePPO)
    tree: tuple[int, ...]  # branches, level by level (SPO-tree)
    critic_rate: float
    reward_rate: float
    reset: float  # price of a reset in the middle, in steps
    forward: float  # price of another model's forward, in steps

    def price(self, cost: Cost) -> Float[Array, " rows"]:
        """In steps of the environment."""
        return cost.steps + self.reset * cost.resets + self.forward * cost.forwards


@dataclasses.dataclass(frozen=True)
class Feed:
    """How batches are played and filled: what is static about them."""

    filled: tuple[Source, ...]
    tree: tuple[int, ...] | None
    how: How

    @property
    def learns(self) -> bool:
        """Whether a source gets better with time."""
        kinds = sources.Critic, sources.RewardModel
        return any(isinstance(source, kinds) for source in self.filled)

    @property
    def unit(self) -> int:
        """Rows that come together or not at all: of a tree, or one episode."""
        if self.tree is None:
            return 1
        widths = [1]
        for width in self.tree:
            widths.append(widths[-1] * width)
        return sum(widths)

    def init(self, case: Case) -> tuple:
        """What the sources carry at first."""
        return tuple(source.init(case) for source in self.filled)

    def batch(
        self,
        case: Case,
        logits: Float[Array, "observations actions"],
        units: int,
        afforded: Int[Array, ""],
        states: tuple,
        key: Key,
    ) -> tuple[Batch, Cost, tuple]:
        """Plays with these logits and fills the fields of the sources.

        Args:
          units: episodes or trees that there is room for; those from the `afforded`-th
            on are left out.
        """
        playing, filling = jax.random.split(key)
        batch = self._played(case, logits, units, afforded, playing)
        free = sources.nothing(batch)
        where = batch.trajectories.where
        cost = dataclasses.replace(free, steps=jnp.sum(where, 1, dtype=jnp.float32))
        if batch.trajectories.parents is not None:  # the first rows are the roots
            going_on = (batch.trajectories.parents >= units) & where.any(1)
            cost = dataclasses.replace(cost, resets=going_on.astype(jnp.float32))
        who = play.player(case.tables, logits, case.horizon)
        learned, fields = [], {}  # type: list, dict[str, Array]
        for number, source in enumerate(self.filled):
            own = jax.random.fold_in(filling, number)
            found, spent, state = source.fill(case, who, batch, states[number], own)
            fields, cost = {**fields, **found}, cost + spent
            learned.append(state)
        whole = dataclasses.replace(batch.trajectories, **fields)
        return dataclasses.replace(batch, trajectories=whole), cost, tuple(learned)

    def _played(
        self,
        case: Case,
        logits: Float[Array, "observations actions"],
        units: int,
        afforded: Int[Array, ""],
        key: Key,
    ) -> Batch:
        who = play.player(case.tables, logits, case.horizon)
        number = jnp.arange(units, dtype=jnp.int32)
        parents = None
        if self.tree is None:
            groups = number // self.how.group
            tasks = groups % case.num_tasks
            played, unit = play.episodes(who, key, tasks, groups, case.steps), number
        else:
            length = -(-case.steps // len(self.tree))
            tasks = number % case.num_tasks
            played, parents = play.trees(who, key, tasks, self.tree, length)
            unit = played.groups
        where = played.where & (unit < afforded)[:, None]
        seen = jnp.where(where, case.tables.sees[played.states], 0)
        rewards = jnp.where(where, played.rewards, 0.0)
        if parents is not None:
            rewards = _at_leaves(rewards, where, parents)
        logps = jax.nn.log_softmax(logits)[seen, played.actions]
        record = Trajectories(
            rewards=rewards,
            where=where,
            groups=played.groups,
            states=jnp.stack([seen, jnp.zeros_like(seen)], -1).astype(jnp.uint32),
            terminated=jnp.ones(where.shape[0], bool),
            logps=jnp.where(where, logps, 0.0),
            parents=parents,
        )
        return Batch(played, record, logits, seen)


def _at_leaves(rewards: Array, where: Array, parents: Array) -> Array:
    """Outcomes of whole paths, at the last step of each; SPO-tree knows no others."""
    own = jnp.sum(rewards, axis=1)
    levels = jnp.max(trees.depths(parents))
    totals = jax.lax.fori_loop(
        0, levels, lambda _, above: own + trees.of_parent(above, parents), own
    )
    ends = spans.last(where) & ~tree.branching(parents)[:, None]
    return jnp.where(ends, totals[:, None], 0.0)
