"""Shapes of meshes as they are written, and what is said of those that do not fit."""

import pytest

from rl_credit.runtime import mesh as meshes


def test_a_shape_is_data_times_model():
    assert meshes.sizes("4x2") == (4, 2)
    assert meshes.sizes("256x1") == (256, 1)


@pytest.mark.parametrize("shape", ["", "8", "4x", "0x8", "4x2x1", "4*2", "-4x2"])
def test_other_words_are_refused_with_an_example(shape):
    with pytest.raises(ValueError, match="as in 4x2"):
        meshes.sizes(shape)


def test_one_device_is_a_mesh():
    mesh = meshes.made(1, 1)
    assert dict(mesh.shape) == {"data": 1, "model": 1}


@pytest.mark.parametrize("data, model", [(2, 1), (1, 2), (1, 0)])
def test_a_mesh_that_does_not_fit_is_told_what_would(data, model):
    with pytest.raises(ValueError, match="does not fit 1 devices.* do: 1x1"):
        meshes.made(data, model)
