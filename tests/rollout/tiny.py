"""A tiny decoder that talks in ASCII, and how the tests play episodes with it."""

import functools

import jax
import jax.numpy as jnp

from rl_credit.envs.text.scripted import Scripted
from rl_credit.models import decoder
from rl_credit.models.config import DecoderConfig
from rl_credit.models.decoder import Decoder
from rl_credit.models.tokenizer import ByteTokenizer, WordTokenizer
from rl_credit.rollout.prompts import Prompts
from rl_credit.rollout.speakers import Alone, Conversation, Guide, Voice
from tests.envs.playing import SEED

BYTES = ByteTokenizer()
CONFIG = DecoderConfig(
    family="qwen3",
    vocab=BYTES.vocab,
    width=16,
    layers=2,
    heads=4,
    kv_heads=2,
    head_dim=4,
    mlp_width=24,
    positions=1024,
)
MODEL = Decoder(CONFIG)
LIMIT = 6


@functools.cache
def params():
    """Wide random ones that say printable ASCII, and end about every fifth token.

    The first coordinate is 1 throughout, so its row of the head is a bias.
    """
    drawn = decoder.init(jax.random.key(4), CONFIG)
    wide = jax.tree_util.tree_map_with_path(
        lambda path, leaf: leaf if path[-1].key == "scale" else 24 * leaf, drawn
    )
    own = wide["params"]
    bias = jnp.full(CONFIG.vocab, -40.0).at[ord(" ") : ord("~") + 1].set(0.0)
    own["embedding"] = own["embedding"].at[:, 0].set(1.0)
    own["head"] = own["head"].at[0].set(bias.at[BYTES.end].set(2.0))
    for block, last in (("attention", "output"), ("mlp", "down")):
        kernel = own["layers"][block][last]
        kernel["kernel"] = kernel["kernel"].at[..., 0].set(0.0)
    return wide


def voice(**changes):
    """The decoder, drawing at temperature 1."""
    given = dict(limit=LIMIT, window=CONFIG.positions) | changes
    return Voice(MODEL, BYTES, **given)


def alone(seed=0, **changes):
    """Makes `Alone` speakers."""
    return lambda rows: Alone(voice(**changes), params(), jax.random.key(seed))


def conversation(seed=0, **changes):
    """Makes `Conversation` speakers."""
    key = jax.random.key(seed)
    return lambda rows: Conversation(voice(**changes), params(), key, rows)


def walks(tasks):
    """Task -> the actions that win it."""
    env = Scripted(seed=SEED)
    return {task: env.walkthrough(task) for task in tasks}


def guide(tokenizer, routes, format="plain"):
    """Makes speakers that say what `routes` has for a task."""
    return lambda rows: Guide(tokenizer, routes, format)


def by_hand(task, actions):
    """The turns of doing so in an environment of one's own."""
    env = Scripted(seed=SEED)
    return [env.reset(task), *(env.step(action) for action in actions)]


@functools.cache
def words():
    """A word vocabulary of some walkthroughs, as prompts of every format show them."""
    texts = ["Nothing happens. > You did:", "That is not possible here."]
    for task, actions in walks(range(40)).items():
        for turn in by_hand(task, actions):
            texts += [Prompts(f).shown(turn) for f in ("action", "think")]
        texts += [f"<action>{action}</action>" for action in actions]
    return WordTokenizer.train(texts)
