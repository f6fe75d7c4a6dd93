"""Runs and updates of the text agent in several processes: see `processes`."""

import dataclasses
import pathlib
import types

import jax
import numpy as np

from rl_credit.models import decoder as decoders
from rl_credit.runtime import hosts
from rl_credit.runtime import mesh as meshes
from rl_credit.runtime import records
from rl_credit.training import batching, imitation, text_agent, update
from rl_credit.training.batching import Row
from rl_credit.training.imitation import Imitation
from rl_credit.training.placement import Devices, Placement
from rl_credit.training.source import Played
from rl_credit.training.sources import SOURCES
from tests.training import sharded, spoken, tiny

LEARNING = {"gae": "critic", "oprl": "reward_model"}
WON = np.random.default_rng(3).random(24) < 0.5


def run(workdir, mesh, steps):
    """A run on a mesh; goes on with what is in the folder."""
    settings = tiny.small(devices__mesh=mesh, train__tokens=64, train__steps=steps)
    records.changes_allowed.set(True)
    text_agent.train(settings, pathlib.Path(workdir))


def rows():
    """Thirteen of several lengths."""
    rng = np.random.default_rng(0)
    made = []
    for length in rng.integers(9, sharded.TIME + 1, 13):
        said = np.arange(length - rng.integers(1, sharded.PICKS), length)
        drawn = rng.normal(size=(2, len(said))).astype(np.float32)
        made.append(
            Row(
                tokens=rng.integers(0, sharded.CONFIG.vocab, length).astype(np.int32),
                said=said.astype(np.int32),
                advantages=drawn[0],
                logps=drawn[1] * np.float32(0.1) - np.float32(4.6),
            )
        )
    return made


def updated(shape):
    """Parameters after two updates with the rows, of which every host has its part."""
    placement = Placement.of(Devices(shape, "both"), sharded.CONFIG)
    first = placement.initialised(
        lambda key: decoders.init(key, sharded.CONFIG), jax.random.key(0)
    )
    learner = placement.begun(first, sharded.OPTIMISER)
    objective = update.Objective(entropy=0.01)
    own = list(hosts.own(rows()))
    with placement.learns():
        for _ in range(2):
            batches = placement.microbatches(own, 128)
            learner, seen = update.step(
                sharded.MODEL, objective, sharded.OPTIMISER, learner, batches
            )
    return [numbers(learner.params, placement), seen]


def numbers(params, placement):
    """All of them, one after the other."""
    whole = jax.device_put(params, meshes.whole(placement.mesh))
    leaves = [np.asarray(leaf).ravel() for leaf in jax.tree.leaves(whole)]
    return np.concatenate(leaves).tolist()


def learned(shape):
    """What comes of a warm-up, and of every source that learns from what was played."""
    placement = Placement.of(Devices(shape, "both"), spoken.CONFIG)
    first = placement.initialised(spoken.drawn, jax.random.key(0))
    return imitated(placement, first), taught(placement, first)


def imitated(placement, first):
    """The parameters after two updates with turns that all hosts have."""
    ones = np.ones((len(WON), 2), np.float32)
    made = batching.rows(spoken.episodes(WON.tolist()), ones, grown=False)
    half = -(-len(made) // 2)
    rate = dict(learning_rate=1e-2, warmup=0, weight_decay=0.1, reading=0.5)
    how = Imitation(epochs=1, batch=half, **rate)
    rows = imitation.learned(made, how)
    options = dict(placement=placement, tokens=1024, tell=lambda seen: None)
    with placement.learns():
        begun = placement.begun(first, how.optimiser(len(rows)))
        key = jax.random.key(1)
        done = imitation.imitate(spoken.MODEL, begun, rows, how, key, **options)
    return numbers(done.params, placement)


def taught(placement, first):
    """Of each estimator, what its source fills in and has learned after two updates.

    A host has every so-manieth group of the episodes, and numbers its own from 0.
    """
    count = jax.process_count()
    episodes = [
        dataclasses.replace(episode, group=episode.group // count)
        for episode in spoken.episodes(WON.tolist())
        if episode.group % count == jax.process_index()
    ]
    played = Played(first, episodes, spoken.packed(episodes))
    report = {}
    for name, kind in LEARNING.items():
        settings = tiny.small(credit__name=name, play__history=0)
        world = types.SimpleNamespace(settings=settings)
        agent = types.SimpleNamespace(
            world=world, placement=placement, decoder=spoken.MODEL
        )
        source = SOURCES[kind](agent)
        with placement.learns():
            state = source.init(first)
            for _ in range(2):
                state, filled, seen = source.update(state, played)
        model = state if kind == "critic" else state.model
        report[name] = dict(
            params=numbers(model.params, placement),
            filled={field: values.tolist() for field, values in filled.items()},
            seen=seen,
            turns=[len(episode.steps) for episode in episodes],
        )
    return report
