"""Episodes, continuations and trees of a tabular policy, all rows at once."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rl_credit.fidelity.process import END, Tables
from rl_credit.types import record

Key = jax.Array


@record
class Player:
    """Tables and a policy, made ready for drawing: cumulative chances."""

    tables: Tables
    acts: Float[Array, "observations actions"]
    turns: Float[Array, "states actions outcomes"]
    begins: Float[Array, "tasks states"]
    horizon: Int[Array, ""]  # steps after which an episode is cut off


@record
class Played:
    """What happened, with the hidden state; `where` False spans were not played."""

    states: Int[Array, "rows spans"]  # in which the step was taken
    times: Int[Array, "rows spans"]  # of the step in its episode
    actions: Int[Array, "rows spans"]
    rewards: Float[Array, "rows spans"]
    where: Bool[Array, "rows spans"]
    last: Int[Array, " rows"]  # the state it came to, or END
    groups: Int[Array, " rows"]
    tasks: Int[Array, " rows"]


def player(
    tables: Tables,
    logits: Float[Array, "observations actions"],
    horizon: int | Int[Array, ""],
) -> Player:
    """Who plays. Actions of chance 0 (padding) are never drawn."""
    return Player(
        tables,
        _cumulative(jax.nn.softmax(logits)),
        _cumulative(tables.chance),
        _cumulative(tables.starts),
        jnp.asarray(horizon, jnp.int32),
    )


def first(who: Player, key: Key, tasks: Int[Array, " rows"]) -> Int[Array, " rows"]:
    """A first state for each row, by its task."""
    return _drawn(jax.random.uniform(key, tasks.shape), who.begins[tasks])


def onwards(
    who: Player,
    key: Key,
    states: Int[Array, " rows"],
    times: Int[Array, " rows"],
    steps: int,
) -> Played:
    """Up to `steps` steps of each row from a state and the time it is reached at.

    A row whose state is END, or whose time is up, plays none. Groups and tasks are 0.
    """

    def step(carry: tuple, key: Key) -> tuple[tuple, tuple]:
        state, time = carry
        action, paid, after = _step(who, key, state, time)
        alive = _alive(who, state, time)
        return (after, time + alive), (state, time, action, paid, alive)

    (last, _), columns = jax.lax.scan(
        step, (states, times), jax.random.split(key, steps)
    )
    state, time, action, paid, alive = (column.T for column in columns)
    here, nothing = jnp.maximum(state, 0), jnp.zeros_like(states)
    return Played(here, time, action, paid, alive, last, nothing, nothing)


def gained(
    who: Player,
    key: Key,
    states: Int[Array, " rows"],
    times: Int[Array, " rows"],
    steps: int,
) -> tuple[Float[Array, " rows"], Int[Array, " rows"]]:
    """The return of going on from each state, and the steps that it took."""

    def step(carry: tuple, key: Key) -> tuple[tuple, None]:
        state, time, total = carry
        _, paid, after = _step(who, key, state, time)
        return (after, time + _alive(who, state, time), total + paid), None

    start = states, times, jnp.zeros(states.shape, jnp.float32)
    (_, ended, total), _ = jax.lax.scan(step, start, jax.random.split(key, steps))
    return total, ended - times


def _alive(who: Player, state: Array, time: Array) -> Bool[Array, " rows"]:
    return (state != END) & (time < who.horizon)


def _step(who: Player, key: Key, state: Array, time: Array) -> tuple[Array, ...]:
    """The action, its reward and the state after it; of a row at its end, 0 and it."""
    draws = jax.random.uniform(key, (2, *state.shape))
    alive, here = _alive(who, state, time), jnp.maximum(state, 0)
    action = _drawn(draws[0], who.acts[who.tables.sees[here]])
    outcome = _drawn(draws[1], who.turns[here, action])
    ahead = who.tables.ahead[here, action, outcome]
    paid = jnp.where(alive, who.tables.paid[here, action, outcome], 0.0)
    return action, paid, jnp.where(alive, ahead, state)


def episodes(
    who: Player,
    key: Key,
    tasks: Int[Array, " rows"],
    groups: Int[Array, " rows"],
    steps: int,
) -> Played:
    """An episode a row, of the row's task; `steps` is at least the horizon."""
    starting, playing = jax.random.split(key)
    begun = first(who, starting, tasks)
    played = onwards(who, playing, begun, jnp.zeros_like(tasks), steps)
    return dataclasses.replace(played, groups=groups, tasks=tasks)


def trees(
    who: Player,
    key: Key,
    tasks: Int[Array, " trees"],
    widths: tuple[int, ...],
    steps: int,
) -> tuple[Played, Int[Array, " rows"]]:
    """Trees of segments, each an equal share of the horizon, and each row's parent.

    Rows are the roots, which play nothing, then level after level; every segment is
    gone on with `widths[level]` times. What would go on from an end is no node: it has
    no parent and plays nothing.

    Args:
      steps: at least those of a segment, horizon / levels.
    """
    starting, playing = jax.random.split(key)
    begun = first(who, starting, tasks)
    time, group = jnp.zeros_like(tasks), jnp.arange(tasks.size, dtype=jnp.int32)
    root = onwards(who, playing, jnp.full_like(begun, END), time, steps)
    levels = [dataclasses.replace(root, last=begun, groups=group, tasks=tasks)]
    parents, above = [jnp.full_like(tasks, -1)], 0
    for level, width in enumerate(widths):
        old = levels[-1]
        ended = ~_alive(who, old.last, time)
        numbers = above + jnp.arange(old.last.size, dtype=jnp.int32)
        above += old.last.size
        parents.append(jnp.repeat(jnp.where(ended, -1, numbers), width))
        state, time = jnp.repeat(old.last, width), jnp.repeat(time, width)
        until = -(-who.horizon * (level + 1) // len(widths))
        segment = dataclasses.replace(who, horizon=until)
        new = onwards(segment, jax.random.fold_in(playing, level), state, time, steps)
        time = time + jnp.sum(new.where, axis=1, dtype=jnp.int32)
        group, task = (jnp.repeat(x, width) for x in (old.groups, old.tasks))
        levels.append(dataclasses.replace(new, groups=group, tasks=task))
    joined = jax.tree.map(lambda *rows: jnp.concatenate(rows), *levels)
    return joined, jnp.concatenate(parents)


def _cumulative(chances: Float[Array, "... n"]) -> Float[Array, "... n"]:
    """Of which the last is exactly 1, padding included."""
    sums = jnp.cumsum(chances, axis=-1)
    return sums / sums[..., -1:]


def _drawn(
    uniform: Float[Array, " rows"], cumulative: Float[Array, "rows n"]
) -> Int[Array, " rows"]:
    """The first place whose cumulative chance exceeds the number, in [0, 1)."""
    return jnp.sum(uniform[:, None] >= cumulative, axis=1, dtype=jnp.int32)
