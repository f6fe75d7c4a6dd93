"""An update on eight devices is that of one, and no device holds or does the whole."""

import functools
import re

import jax
import numpy as np
import pytest

from rl_credit.models import decoder as decoders
from rl_credit.training import state
from tests import devices
from tests.training import sharded

pytestmark = pytest.mark.slow
meshes = pytest.mark.parametrize("shape", sharded.MESHES)
CUT_SHARED = "8x1", "4x2"  # heads of keys are 2: four devices would cut them


@functools.cache
def report():
    return devices.printed("tests.training.sharded:compared")


def sizes(leaves):
    """Bytes of matrices and of vectors, which few rules spread."""
    held = dict(matrices=0, vectors=0)
    for path, leaf in jax.tree_util.tree_leaves_with_path(leaves):
        flat = re.search("scale|bias|count|updates", jax.tree_util.keystr(path))
        held["vectors" if flat else "matrices"] += leaf.size * leaf.dtype.itemsize
    return held


@meshes
def test_the_update_is_that_of_one_device(shape):
    assert report()[shape]["apart"] < 1e-5  # two updates at a rate of 1e-3
    for name, value in report()["expected"].items():
        np.testing.assert_allclose(
            report()[shape]["seen"][name], value, rtol=1e-4, atol=1e-5, err_msg=name
        )


@meshes
def test_parameters_and_memory_lie_after_it_where_they_lay_before(shape):
    assert report()[shape]["stays"]


@meshes
def test_what_another_mesh_saved_comes_back_on_this_one(shape):
    assert report()["restored"][shape]


@pytest.mark.parametrize("shape", CUT_SHARED)
@pytest.mark.parametrize("name", ["held", "memory"])
def test_every_device_holds_an_eighth_of_the_matrices(shape, name):
    params = decoders.shapes(sharded.CONFIG)
    memory = jax.eval_shape(
        functools.partial(state.init, optimiser=sharded.OPTIMISER), params
    ).memory
    whole = sizes({"held": params, "memory": memory}[name])
    held = report()[shape][name]
    assert len(set(held)) == 1
    matrices = whole["matrices"] / devices.COUNT
    assert matrices < held[0] <= matrices + whole["vectors"]


def test_every_device_does_an_eighth_of_the_work():
    spread, alone = report()["flops"]
    assert spread < 1.1 * alone / devices.COUNT


def test_a_spread_vocabulary_is_never_gathered():
    shapes = [re.findall(r"\d+", one.split("{")[0])[1:] for one in report()["gathered"]]
    assert shapes
    assert all(str(sharded.CONFIG.vocab) not in shape for shape in shapes)
