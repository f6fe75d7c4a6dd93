"""Tables of patterns become places on a mesh, for every tree with paths."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AbstractMesh, PartitionSpec

from rl_credit.runtime import mesh as meshes
from rl_credit.runtime import partition
from rl_credit.training import state
from rl_credit.training.state import Optimiser

MESH = AbstractMesh((4, 2), ("data", "model"))
RULES = (
    (r"params/kernel$", PartitionSpec("data", "model")),
    (r"params/both$", PartitionSpec(("data", "model"))),
    (r"kernel$", PartitionSpec("model")),
)


def struct(*shape):
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def specs(tree, mesh=MESH):
    return [s.spec for s in jax.tree.leaves(partition.shardings(tree, RULES, mesh))]


def test_the_first_pattern_found_in_a_path_decides():
    params = {"params": {"kernel": struct(8, 6)}, "kernel": struct(6), "rest": struct()}
    placed = partition.shardings(params, RULES, MESH)
    assert placed["params"]["kernel"].spec == PartitionSpec("data", "model")
    assert placed["kernel"].spec == PartitionSpec("model")
    assert placed["rest"].spec == PartitionSpec()


def test_an_optimiser_remembers_where_the_parameters_are():
    params = {"params": {"kernel": struct(8, 6), "other": struct(3)}}
    learner = jax.eval_shape(lambda p: state.init(p, Optimiser(1e-3)), params)
    placed = partition.shardings(learner, RULES, MESH)
    leaves = jax.tree_util.tree_leaves_with_path(placed)
    spread = [
        jax.tree_util.keystr(path)
        for path, sharding in leaves
        if sharding.spec == PartitionSpec("data", "model")
    ]
    assert len(spread) == 3 and "mu" in spread[1] and "nu" in spread[2]


def test_what_does_not_divide_stays_whole_and_is_reported():
    tree = {"params": {"kernel": struct(6, 6), "both": struct(12)}}
    assert specs(tree) == [PartitionSpec(), PartitionSpec(None, "model")]
    said = list(map(str, partition.uneven(tree, RULES, MESH)))
    assert said == [
        "params/both [12]: dimension 0 is no multiple of the 8 devices along data and "
        "model",
        "params/kernel [6, 6]: dimension 0 is no multiple of the 4 devices along data",
    ]
    with pytest.raises(ValueError, match="params/both .*params/kernel .*another mesh"):
        partition.shardings(tree, RULES, MESH, strict=True)


def test_an_axis_of_one_device_is_left_out_of_the_spec():
    mesh = AbstractMesh((8, 1), ("data", "model"))
    assert specs({"params": {"kernel": struct(8, 6)}}, mesh) == [PartitionSpec("data")]
    assert partition.uneven({"kernel": struct(3)}, RULES, mesh) == []


def test_a_rule_with_more_dimensions_than_the_array_is_refused():
    with pytest.raises(ValueError, match=r"for params/kernel has 2 .* 1, \[8\]"):
        specs({"params": {"kernel": struct(8)}})


def test_bytes_are_those_of_the_parts():
    tree = {"params": {"kernel": struct(8, 6)}, "rest": struct(5)}
    placed = partition.shardings(tree, RULES, MESH)
    assert partition.bytes_per_device(tree, placed) == 4 * (8 * 6 // 8 + 5)


def test_arrays_are_made_and_put_where_they_belong():
    mesh = meshes.made(1, 1)
    made = partition.initialised(lambda: {"kernel": jnp.arange(4.0)}, RULES, mesh)
    put = partition.placer(RULES, mesh)("kernel", np.arange(4.0, dtype=np.float32))
    assert made["kernel"].sharding == put.sharding
    np.testing.assert_array_equal(made["kernel"], put)


def test_a_batch_without_rows_is_refused():
    mesh = meshes.made(1, 1)
    batch = partition.batch({"tokens": np.zeros((3, 2))}, mesh)
    assert batch["tokens"].shape == (3, 2)
    with pytest.raises(ValueError, match="count has no rows on this host"):
        partition.batch({"count": np.float32(1.0)}, mesh)
