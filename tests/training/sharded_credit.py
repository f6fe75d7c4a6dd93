"""Every estimator on a mesh: run it on eight devices."""

import dataclasses
import re

import jax
import numpy as np

from rl_credit.credit.estimators import ESTIMATORS
from rl_credit.runtime import mesh as meshes
from rl_credit.training import shards
from tests import batches

COLLECTIVE = re.compile(
    r"\b(all-(?:gather|reduce|to-all)|reduce-scatter|collective-\w+|send|recv)"
    r"(?:-start)?\("
)
STRADDLING = "grpo", "gigpo", "prime", "spo_tree"


def trajectories():
    """Groups of unlike sizes, and trees that stay within them."""
    batch = batches.trajectories(3, batch=24, tasks=6)
    kept = batch.groups[np.maximum(batch.parents, 0)] == batch.groups
    parents = np.where(kept, batch.parents, -1).astype(np.int32)
    return dataclasses.replace(batch, parents=parents)


def program(estimator, mesh, dealt):
    """The compiled credit of dealt trajectories, and these where it wants them."""
    pooled = estimator.name in shards.POOLED
    where = meshes.whole(mesh) if pooled else meshes.rows(mesh)
    placed = jax.device_put(dealt.trajectories, where)
    return shards.local(estimator, mesh).lower(placed).compile(), placed


def compared():
    """By estimator: how far it is from one device, and the collectives in it."""
    mesh, batch = meshes.made(4, 2), trajectories()
    dealt = shards.deal(batch, 4)
    report = {}
    for name, estimator in ESTIMATORS.items():
        compiled, placed = program(estimator, mesh, dealt)
        rows = np.asarray(compiled(placed))[dealt.places, : batch.where.shape[1]]
        expected = np.asarray(estimator(batch))
        report[name] = dict(
            apart=float(np.abs(rows - expected).max()),
            paid=float(np.abs(expected).max()),
            collectives=sorted(set(COLLECTIVE.findall(compiled.as_text()))),
        )
    for name in STRADDLING:
        report[name]["straddling"] = straddling(ESTIMATORS[name], mesh, batch)
    return report


def straddling(estimator, mesh, batch):
    """The same with the rows as they are, groups across devices, by global view."""
    placed = jax.device_put(batch, meshes.rows(mesh))
    compiled = jax.jit(estimator).lower(placed).compile()
    apart = np.abs(np.asarray(compiled(placed)) - np.asarray(estimator(batch)))
    found = COLLECTIVE.findall(compiled.as_text())
    rows = shards.advantages(estimator, batch, mesh)
    whole = np.abs(rows - np.asarray(estimator(batch))).max()
    return dict(apart=float(apart.max()), dealt=float(whole), collectives=len(found))
