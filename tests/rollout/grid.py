"""Tiny decoders that speak the commands of grids."""

import functools
import pathlib
import tempfile

import jax
import jax.numpy as jnp
import numpy as np

from rl_credit.envs.grid import sokoban_levels
from rl_credit.envs.make import make
from rl_credit.models import decoder
from rl_credit.models.config import DecoderConfig
from rl_credit.models.decoder import Decoder
from rl_credit.models.tokenizer import WordTokenizer
from rl_credit.rollout import grid_episodes, grid_turns
from rl_credit.rollout.prompts import Prompts
from rl_credit.rollout.speakers import Voice
from rl_credit.rollout.turns import Rules

SEED, LIMIT, TURNS = 3, 2, 12
EASY = [  # levels of a push or two
    ["######", "#@$. #", "#    #", "#    #", "#    #", "######"],
    ["######", "#    #", "#.$@ #", "#    #", "#    #", "######"],
    ["######", "#  . #", "#  $ #", "#  @ #", "#    #", "######"],
    ["######", "#    #", "# @  #", "# $  #", "# .  #", "######"],
    ["######", "#    #", "#@ $.#", "#  # #", "#    #", "######"],
    ["######", "#.   #", "#$   #", "#  @ #", "#    #", "######"],
]
RULES = Rules(Prompts(history=0, admissible=False), turns=15)
SIZES = dict(heads=4, kv_heads=2, head_dim=4, mlp_width=24, positions=512)


@functools.cache
def folder():
    """Where the levels are, as long as the tests run."""
    kept = tempfile.TemporaryDirectory()
    sokoban_levels.parse(EASY).save(pathlib.Path(kept.name, "easy.npz"))
    return kept


def options(name):
    """Those of the environment, without the seed."""
    if name == "sokoban":
        return dict(levels=f"{folder().name}/easy.npz", tasks=6, step_limit=TURNS)
    return dict(task="WoD-Hard", tasks=40, step_limit=TURNS)


@functools.cache
def world(name):
    """The environment of the tests' seed."""
    return make(name, seed=SEED, **options(name))


@functools.cache
def words(name):
    """A vocabulary of what the environment can say, but for some of its phrases."""
    telling = world(name).engine.telling
    said = [phrase for table in telling.phrases for phrase in table[:40]]
    loud = " ".join(telling.commands).upper()
    symbols = " ".join(telling.legend)
    return WordTokenizer.train([telling.objective, symbols, loud, *said])


@functools.cache
def stage(name):
    """Words, a decoder of their size, and the rules."""
    tokenizer = words(name)
    config = DecoderConfig.of_sizes(
        dict(family="qwen3", vocab=tokenizer.vocab, width=16, layers=2) | SIZES
    )
    voice = Voice(Decoder(config), tokenizer, limit=LIMIT, window=512)
    return grid_turns.Stage(world(name), voice, RULES)


@functools.cache
def drawn(stage):
    """Random parameters that say a command about every third time, some of them loud.

    The first coordinate of the hidden states is the same throughout, so its row of the
    head is a bias.
    """
    tokenizer, commands = stage.voice.tokenizer, stage.world.engine.telling.commands
    config = stage.voice.decoder.config
    wide = jax.tree_util.tree_map_with_path(
        lambda path, leaf: leaf if path[-1].key == "scale" else 8 * leaf,
        decoder.init(jax.random.key(4), config),
    )
    own = wide["params"]
    bias = np.zeros(config.vocab, np.float32)
    bias[tokenizer.encode(" ".join([*commands, *commands]).upper())] = 3.5
    bias[tokenizer.encode(" ".join(commands))] = 4.0
    bias[tokenizer.end] = np.log(np.exp(bias).sum()) - 1
    own["embedding"] = own["embedding"].at[:, 0].set(1.0)
    own["head"] = own["head"].at[0].set(jnp.asarray(bias / 3))  # the norm's scale
    return wide


def spoken(stage, tasks, attempts, seed=0):
    """The episodes of the device."""
    key = jax.random.key(seed)
    outcome = grid_turns.play(stage, drawn(stage), key, tasks, attempts=attempts)
    return grid_episodes.episodes(stage, tasks, attempts, outcome)
