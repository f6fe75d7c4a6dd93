"""Credit on devices: groups together, numbers as on one, nobody asks another."""

import dataclasses
import functools

import jax
import numpy as np
import pytest

from rl_credit.credit.estimators import ESTIMATORS
from rl_credit.runtime import mesh as meshes
from rl_credit.training import shards
from tests import batches, devices
from tests.training import sharded_credit

every = pytest.mark.parametrize("name", ESTIMATORS)


@functools.cache
def report():
    return devices.printed("tests.training.sharded_credit:compared")


@pytest.mark.slow
@every
def test_no_compiled_credit_has_a_collective(name):
    assert report()[name]["collectives"] == []


@pytest.mark.slow
@every
def test_credit_of_shards_is_that_of_one_device(name):
    assert report()[name]["paid"] > 0.1
    assert report()[name]["apart"] < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("name", sharded_credit.STRADDLING)
def test_groups_may_straddle_devices_in_the_global_view(name):
    found = report()[name]["straddling"]
    assert found["collectives"] > 0  # that the search can find one
    assert found["apart"] < 1e-5
    assert found["dealt"] < 1e-5


@every
def test_those_that_compare_with_the_whole_batch_are_the_pooled_ones(name):
    batch = sharded_credit.trajectories()
    within = np.isin(batch.groups, np.unique(batch.groups)[:3])
    flat = batch.groups == batch.groups.max()  # counted by GPG as a group of no use
    rewards = np.where(flat[:, None], np.float32(0.0), batch.rewards)
    batch = dataclasses.replace(batch, rewards=rewards)
    rows = np.flatnonzero(within)
    new = np.cumsum(within) - 1
    part = jax.tree.map(lambda array: array[rows], batch)
    part = dataclasses.replace(
        part,
        groups=np.unique(part.groups, return_inverse=True)[1].astype(np.int32),
        parents=np.where(part.parents < 0, -1, new[part.parents]).astype(np.int32),
    )
    alone = np.asarray(ESTIMATORS[name](part))
    apart = np.abs(alone - np.asarray(ESTIMATORS[name](batch))[rows]).max()
    assert (apart > 1e-4) == (name in shards.POOLED)


@pytest.mark.parametrize("blocks", [1, 2, 4, 8])
@pytest.mark.parametrize("trees", [True, False])
def test_groups_and_trees_are_dealt_whole(blocks, trees):
    batch = batches.trajectories(5, batch=24, tasks=6)
    if not trees:
        batch = dataclasses.replace(batch, parents=None)
    dealt = shards.deal(batch, blocks)
    moved, places = dealt.trajectories, dealt.places
    size = len(moved.where) // blocks
    assert len(set(places)) == len(places) and len(moved.where) == blocks * size
    block = places // size
    for one in range(len(places)):
        same = batch.groups == batch.groups[one]
        assert set(block[same]) == {block[one]}
        together = moved.groups[places] == moved.groups[places[one]]
        assert np.array_equal(together & (block == block[one]), same)
        if trees and batch.parents[one] >= 0:
            above = places[batch.parents[one]]
            assert moved.parents[places[one]] == above % size < places[one] % size
            assert above // size == block[one]
    assert moved.groups.max() < size
    np.testing.assert_array_equal(moved.rewards[places, :7], batch.rewards)
    padding = np.setdiff1d(np.arange(len(moved.where)), places)
    assert not moved.where[padding].any()


def test_what_the_estimator_refuses_is_refused_here():
    batch = dataclasses.replace(batches.trajectories(), states=None)
    mesh = meshes.made(1, 1)
    with pytest.raises(ValueError, match="'gigpo' needs Trajectories.states"):
        shards.advantages(ESTIMATORS["gigpo"], batch, mesh)
    with pytest.raises(TypeError, match="'grpo' has no option 'scale'"):
        shards.advantages(ESTIMATORS["grpo"], batch, mesh, scale=True)
