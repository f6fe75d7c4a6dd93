"""Runs and updates of the text agent in several processes: see `processes`."""

import pathlib

import jax
import numpy as np

from rl_credit.models import decoder as decoders
from rl_credit.runtime import hosts
from rl_credit.runtime import mesh as meshes
from rl_credit.runtime import records
from rl_credit.training import text_agent, update
from rl_credit.training.batching import Row
from rl_credit.training.placement import Devices, Placement
from tests.training import sharded, tiny


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
    whole = jax.device_put(learner.params, meshes.whole(placement.mesh))
    leaves = [np.asarray(leaf).ravel() for leaf in jax.tree.leaves(whole)]
    return [np.concatenate(leaves).tolist(), seen]
