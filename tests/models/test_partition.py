"""The table of a decoder names every matrix, and divides it by the devices."""

import dataclasses
import functools

import jax
import numpy as np
import pytest
from jax.sharding import AbstractMesh, PartitionSpec

from rl_credit.models import decoder as decoders
from rl_credit.models import partition as tables
from rl_credit.models import weights
from rl_credit.models.config import DecoderConfig
from rl_credit.runtime import mesh as meshes
from rl_credit.runtime import partition
from tests import devices
from tests.models import tiny

QWEN = DecoderConfig(  # the sizes of Qwen2.5-7B, but for the layers
    family="qwen2",
    vocab=152064,
    width=3584,
    layers=2,
    heads=28,
    kv_heads=4,
    head_dim=128,
    mlp_width=18944,
    positions=32768,
    attention_bias=True,
)


def placed(config, layout, shape):
    """The parameters, and where they lie."""
    params = decoders.shapes(config)
    mesh = AbstractMesh(shape, ("data", "model"))
    rules = tables.rules(config, layout, model=shape[1])
    return params, partition.shardings(params, rules, mesh, strict=True)


@pytest.mark.parametrize("family", ["qwen2", "qwen3"])
def test_every_matrix_is_spread_over_all_devices(family):
    config = dataclasses.replace(QWEN, family=family, tied=family == "qwen3")
    params, found = placed(config, "both", (4, 2))
    for leaf, sharding in zip(*map(jax.tree.leaves, (params, found)), strict=True):
        per_layer = leaf.shape[1:] if leaf.shape[0] == config.layers else leaf.shape
        if len(per_layer) == 2:
            assert set(sharding.spec) >= {"data", "model"}


@pytest.mark.parametrize(
    "layout, shape, parts",
    [
        ("both", (1, 1), 1),
        ("both", (8, 1), 8),
        ("both", (64, 4), 256),
        ("fully_sharded", (8, 4), 8),
        ("tensor", (8, 4), 4),
    ],
)
def test_bytes_of_a_device_fall_with_the_devices_of_the_layout(layout, shape, parts):
    params, found = placed(QWEN, layout, shape)
    whole = sum(leaf.size * 4 for leaf in jax.tree.leaves(params))
    held = partition.bytes_per_device(params, found)
    vectors = QWEN.layers * (3 * QWEN.width + 2 * 512) + QWEN.width
    assert whole / parts <= held <= whole / parts + 4 * vectors


def test_heads_that_are_shared_are_not_cut():
    config = dataclasses.replace(QWEN, kv_heads=2)
    _, found = placed(config, "both", (8, 4))
    layer = found["params"]["layers"]["attention"]
    assert layer["key"]["kernel"].spec == PartitionSpec(None, "data")
    assert layer["query"]["kernel"].spec == PartitionSpec(None, "data", "model")
    assert tables.cache(config, model=4) == PartitionSpec(None, "data", None, None)
    assert tables.cache(QWEN, model=4)[3] == "model"


def test_what_cannot_be_is_refused_with_what_can():
    with pytest.raises(ValueError, match="'model' do not divide the 28 heads: 1, 2, 4"):
        tables.rules(QWEN, model=8)
    with pytest.raises(ValueError, match="did you mean 'tensor'"):
        tables.rules(QWEN, "tensors")


def test_a_parameter_is_read_from_its_file_slice_by_slice(tmp_path):
    stored = {}
    weights.load(tiny.write(tmp_path, "qwen3"), place=stored.setdefault)
    whole = weights.load(tmp_path)[1]
    for path, one in stored.items():
        expected = functools.reduce(
            lambda tree, name: tree[name], path.split("/"), whole
        )
        assert one.shape == expected.shape
        part = tuple(slice(size // 4, size // 2 + 1) for size in one.shape)
        np.testing.assert_array_equal(one[part], expected[part])


def loaded():
    """On eight devices: what is asked of the files, and whether all came whole."""
    import pathlib
    import tempfile

    read = []

    def place(path, stored):
        watched = dataclasses.replace(stored, read=watch(stored.read))
        return put(path, watched)

    def watch(inner):
        def reader(tensor, index):
            array = inner(tensor, index)
            read.append((array.size, int(np.prod(tensor.shape)), tensor.name))
            return array

        return reader

    mesh = meshes.made(4, 2)
    config, expected = tiny.model("qwen2")
    put = partition.placer(tables.rules(config, model=2), mesh)
    with tempfile.TemporaryDirectory() as folder:
        directory = tiny.write(pathlib.Path(folder), "qwen2")
        _, params = weights.load(directory, place=place)
    pairs = zip(*map(jax.tree.leaves, (params, expected)), strict=True)
    same = all(np.array_equal(a, b) for a, b in pairs)
    return dict(same=same, read=read)


@pytest.mark.slow
def test_eight_devices_load_a_model_and_nobody_reads_a_whole_matrix():
    report = devices.printed("tests.models.test_partition:loaded")
    assert report["same"]
    matrices = [
        part / whole
        for part, whole, name in report["read"]
        if name.endswith("proj.weight") or "embed_tokens" in name
    ]
    assert matrices and set(matrices) == {1 / devices.COUNT}
