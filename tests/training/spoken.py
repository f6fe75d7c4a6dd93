"""Drawn episodes whose first prompts tell how they end, and an agent to read them."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from rl_credit.models import cache
from rl_credit.models import decoder as decoders
from rl_credit.models.config import DecoderConfig
from rl_credit.models.decoder import Decoder
from rl_credit.models.tokenizer import ByteTokenizer
from rl_credit.rollout.episodes import Episode, Step
from rl_credit.training import agent as agents
from rl_credit.training.agent import Agent
from rl_credit.training.anchoring import Anchors
from rl_credit.training.placement import Devices, Placement
from rl_credit.training.source import Played
from rl_credit.training.trajectories import trajectories
from tests.training import tiny

CONFIG = DecoderConfig(
    family="llama",
    vocab=16,
    width=16,
    layers=1,
    heads=2,
    kv_heads=2,
    head_dim=8,
    mlp_width=16,
    positions=64,
)
MODEL = Decoder(CONFIG)
LENGTH = 12  # of every text that `hidden` reads


@functools.cache
def params(seed=0):
    """Random ones, wide enough that what was read matters."""
    return drawn(jax.random.key(seed))


def drawn(key):
    """The parameters of a key."""
    return jax.tree.map(lambda leaf: 4 * leaf, decoders.init(key, CONFIG))


def placement():
    """Of the decoder on the devices that are there."""
    return Placement.of(Devices("", "both"), CONFIG)


def opened():
    """A world with a worker; whoever opens it closes its pool."""
    return agents.opened(tiny.small())


def agent(world, *, grown=False, **changes):
    """An agent of that world with these settings."""
    history = None if grown else 0
    play = dict(play__history=history, play__window=CONFIG.positions)
    settings = tiny.small(**play, **changes)
    placement = Placement.of(settings.devices, CONFIG)
    world = dataclasses.replace(world, settings=settings)
    return Agent(world, ByteTokenizer(), MODEL, placement)


def episodes(outcomes, seed=0, terminated=True):
    """One of one or two turns for each outcome, four to a group.

    A prompt begins with token 1 in episodes that are won and 2 in others, an answer
    with 3 and 4.
    """
    rng = np.random.default_rng(seed)

    def drawn(first):
        rest = rng.integers(5, CONFIG.vocab, rng.integers(1, 3))
        return [first, *rest.tolist()]

    def step(won, reward):
        prompt, answer = drawn(1 if won else 2), drawn(3 if won else 4)
        logps = (-rng.random(len(answer))).tolist()
        return Step("seen", "seen", prompt, answer, logps, "text", "go", reward)

    made = []
    for number, won in enumerate(outcomes):
        turns = 1 + number % 2
        steps = [step(won, float(won and turn == turns - 1)) for turn in range(turns)]
        made.append(Episode(number // 4, number // 4, steps, terminated, won))
    return made


def played(episodes, seed=0):
    """As the policy of `params(seed)` played them."""
    return Played(params(seed), episodes, packed(episodes))


def packed(episodes):
    """Their record; states are the environment's."""
    return trajectories(episodes, Anchors("state", 1.0).states(episodes))


@jax.jit
def _hidden(own, tokens, where):
    return MODEL.apply(own, tokens, cache.positions(where), where)[0][0]


def hidden(own, text):
    """The decoder's state after every token of a text, read in one piece."""
    tokens = np.zeros((1, LENGTH), np.int32)
    tokens[0, : len(text)] = text
    where = np.arange(LENGTH)[None] < len(text)
    return np.asarray(_hidden(own, tokens, where))[: len(text)]


def read(episode, turn, grown):
    """All that the agent had read before it answered in that turn."""
    before = episode.steps[:turn] if grown else []
    texts = [step.prompt + step.answer for step in before]
    return sum(texts, []) + episode.steps[turn].prompt


def copied(tree):
    """On the host, safe from donation."""
    return jax.tree.map(np.array, tree)


def same(first, second):
    """Whether two trees are equal bit for bit."""
    pairs = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def moved(first, second):
    """Whether some number of every leaf differs."""
    pairs = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    return all((a != b).any() for a, b in pairs)


def close(first, second, tolerance=1e-5):
    """Asserts that two trees are equal up to rounding."""
    pairs = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    for one, other in pairs:
        scale = float(jnp.max(jnp.abs(other))) or 1.0
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * scale)
