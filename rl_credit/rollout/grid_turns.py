"""Episodes of many turns in a grid as one compiled program: decode, act, observe."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Int32, Key, UInt8

from rl_credit.envs.text.grid import GridText, episode_key
from rl_credit.envs.text.turn import check_task
from rl_credit.models import cache as caches
from rl_credit.models.cache import Cache
from rl_credit.models.decoder import Params
from rl_credit.ops import buckets
from rl_credit.rollout import decode, grid_answers, grid_prompts
from rl_credit.rollout.sampling import Sampling
from rl_credit.rollout.speakers import Voice
from rl_credit.rollout.turns import Rules
from rl_credit.types import record


@dataclasses.dataclass(frozen=True, eq=False)
class Stage:
    """A grid and who speaks in it; make it once, since what it plays is compiled.

    Raises ValueError for rules that only the host can keep to: see
    `grid_prompts.template` and `grid_answers.reader`; where an answer that is no
    command is not sent (`invalid`); and where a prompt and its answer do not fit in the
    window.
    """

    world: GridText
    voice: Voice
    rules: Rules

    def __post_init__(self):
        if self.rules.invalid != "send":
            raise ValueError(
                f"invalid={self.rules.invalid!r}: on the device a grid is given every "
                "answer; give 'send'"
            )
        self.reader  # made and proved before anything is traced
        longest = self.slots
        if longest > self.voice.window:
            raise ValueError(
                f"a prompt and an answer have up to {longest} tokens, more than the "
                f"window of {self.voice.window}: make it longer"
            )

    @functools.cached_property
    def template(self) -> grid_prompts.Template:
        """How prompts are laid out."""
        telling = self.world.engine.telling
        return grid_prompts.template(
            self.voice.tokenizer, self.rules.prompts, telling
        )

    @functools.cached_property
    def reader(self) -> grid_answers.Reader:
        """How answers are understood."""
        telling = self.world.engine.telling
        return grid_answers.reader(self.voice.tokenizer, telling.commands)

    @property
    def slots(self) -> int:
        """Of a cache: the longest prompt, its padding, and an answer."""
        return len(self.template.shared) + self.template.time + self.voice.limit

    @property
    def turns(self) -> int:
        """Most of an episode, invalid ones among them."""
        return min(self.rules.turns, self.world.step_limit)


@record
class Rows:
    """Where the episodes are."""

    keys: Key[Array, " batch"]  # of their chances
    state: Any  # of the grid, with a leading axis
    tiles: UInt8[Array, "batch height width"]  # what the next prompt shows
    facts: Int32[Array, "batch facts"]
    alive: Bool[Array, " batch"]
    terminated: Bool[Array, " batch"]
    won: Bool[Array, " batch"]


@record
class Played:
    """What was read, said, done and paid; zeros where no turn was taken."""

    taken: Bool[Array, "turns batch"]
    tiles: UInt8[Array, "turns batch height width"]
    facts: Int32[Array, "turns batch facts"]
    read: Int32[Array, "turns batch time"]  # after what is shared; -1: padding
    said: Int32[Array, "turns batch limit"]
    lengths: Int32[Array, "turns batch"]  # tokens of `said`
    logps: Float[Array, "turns batch limit"]
    stopped: Bool[Array, "turns batch"]
    actions: Int32[Array, "turns batch"]  # -1: no command
    rewards: Float[Array, "turns batch"]


def fits(rules: Rules) -> bool:
    """Whether these rules can be kept to on the device."""
    shown = rules.prompts
    plain = shown.format == "plain" and rules.invalid == "send"
    return plain and shown.history == 0 and not shown.recalled


def play(
    stage: Stage,
    params: Params,
    key: Key[Array, ""],
    tasks: Sequence[int],
    *,
    attempts: int = 1,
    how: Sampling = Sampling(),
) -> tuple[Played, Rows]:
    """Plays each task `attempts` times; `turns.play` says in which order.

    Every answer is drawn with the key that `speakers.Alone` has for it, so that the
    host plays the same episodes. Rows are padded to a bucket; what is added takes no
    turn.

    Raises IndexError for a task that the world does not have.
    """
    for task in tasks:
        check_task(task, stage.world.tasks)
    count = len(tasks) * attempts
    numbered = np.zeros(buckets.bucket(count), np.int32)
    numbered[:count] = np.repeat(np.asarray(tasks, np.int32), attempts)
    levels = stage.world.levels[numbered]
    alive = np.arange(len(numbered)) < count
    return _play(stage, how, params, key, numbered, levels, alive)


@functools.partial(jax.jit, static_argnames=("stage", "how"))
def _play(
    stage: Stage,
    how: Sampling,
    params: Params,
    key: Key[Array, ""],
    tasks: Int32[Array, " batch"],
    levels: Int32[Array, " batch"],
    alive: Bool[Array, " batch"],
) -> tuple[Played, Rows]:
    rows = _begun(stage, tasks, levels, alive)
    shared = _read_shared(stage, params, len(tasks))

    def turn(state):
        number, rows, cache, played = state
        tokens, where = stage.template.tokens(rows.tiles, rows.facts)
        where &= rows.alive[:, None]
        said = decode.generate(
            stage.voice.decoder,
            params,
            _keys(key, len(tasks), number),
            tokens,
            where,
            dataclasses.replace(cache, where=shared.where, used=shared.used),
            jnp.asarray(stage.voice.stops),
            limit=stage.voice.limit,
            how=how,
        )
        actions = jnp.where(rows.alive, stage.reader.read(said.tokens, said.where), -1)
        after, rewards = _act(stage, rows, actions)
        now = Played(
            taken=rows.alive,
            tiles=rows.tiles,
            facts=rows.facts,
            read=jnp.where(where, tokens, grid_prompts.NONE),
            said=said.tokens,
            lengths=jnp.sum(said.where, axis=1, dtype=jnp.int32),
            logps=said.logps,
            stopped=said.stopped,
            actions=actions,
            rewards=rewards,
        )
        played = jax.tree.map(lambda all, new: all.at[number].set(new), played, now)
        return number + 1, after, said.cache, played

    start = jnp.int32(0), rows, shared, _empty(stage, rows)
    _, rows, _, played = jax.lax.while_loop(
        lambda state: (state[0] < stage.turns) & jnp.any(state[1].alive), turn, start
    )
    return played, rows


def _begun(stage: Stage, tasks: Array, levels: Array, alive: Array) -> Rows:
    """Every episode in its first state."""
    engine, seed = stage.world.engine, stage.world.seed
    state, tiles, facts = jax.vmap(engine.begin)(levels)
    never = jnp.zeros(len(tasks), bool)
    keys = jax.vmap(functools.partial(episode_key, seed))(tasks)
    return Rows(keys, state, tiles, facts, alive, never, never)


def _empty(stage: Stage, rows: Rows) -> Played:
    """Where the turns are noted."""
    shape = stage.turns, len(rows.alive)

    def zeros(dtype: type, *more: int) -> Array:
        return jnp.zeros((*shape, *more), dtype)

    return Played(
        taken=zeros(bool),
        tiles=zeros(jnp.uint8, *rows.tiles.shape[1:]),
        facts=zeros(jnp.int32, *rows.facts.shape[1:]),
        read=zeros(jnp.int32, stage.template.time),
        said=zeros(jnp.int32, stage.voice.limit),
        lengths=zeros(jnp.int32),
        logps=zeros(jnp.float32, stage.voice.limit),
        stopped=zeros(bool),
        actions=zeros(jnp.int32),
        rewards=zeros(jnp.float32),
    )


def _read_shared(stage: Stage, params: Params, batch: int) -> Cache:
    """The cache of every row after what all prompts begin with: read once."""
    decoder, tokens = stage.voice.decoder, jnp.asarray(stage.template.shared)[None]
    where = jnp.ones(tokens.shape, bool)
    cache = caches.init(decoder.config, 1, stage.slots)
    places = caches.positions(where, cache)
    read: Any = decoder.apply(params, tokens, places, where, cache)
    cache = read[1]
    return dataclasses.replace(
        cache,
        keys=jnp.repeat(cache.keys, batch, axis=1),
        values=jnp.repeat(cache.values, batch, axis=1),
        where=jnp.repeat(cache.where, batch, axis=0),
    )


def _keys(
    key: Key[Array, ""], batch: int, turn: Int[Array, ""]
) -> Key[Array, " batch"]:
    """Those of episodes 0, 1, ... in this turn, as `speakers` draws them."""

    def fold(number):
        return jax.random.fold_in(jax.random.fold_in(key, number), turn)

    return jax.vmap(fold)(jnp.arange(batch, dtype=jnp.int32))


def _act(
    stage: Stage, rows: Rows, actions: Int32[Array, " batch"]
) -> tuple[Rows, Float[Array, " batch"]]:
    """The rows after a turn, and what it paid; no command changes no state."""
    done = actions >= 0
    after = jax.vmap(stage.world.engine.step)(
        rows.keys, rows.state, jnp.maximum(actions, 0)
    )
    state, tiles, facts, rewards, ended = after
    refused = rows.facts.at[:, 0].set(stage.world.engine.telling.refusal)

    def choose(new: Array, old: Array) -> Array:
        return jnp.where(done.reshape(-1, *[1] * (new.ndim - 1)), new, old)

    ended &= done
    rewards = jnp.where(done, rewards, 0.0)
    changed = dataclasses.replace(
        rows,
        state=jax.tree.map(choose, state, rows.state),
        tiles=choose(tiles, rows.tiles),
        facts=choose(facts, refused),
        alive=rows.alive & ~ended,
        terminated=rows.terminated | ended,
        won=rows.won | (ended & (rewards > 0)),
    )
    return changed, rewards
