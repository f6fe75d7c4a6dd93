"""The network of grids: windows, memory, and what it refuses to be."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.models import grid, grid_trunk
from rl_credit.models.grid import GridNetwork, Sizes
from rl_credit.models.grid_memory import Memory

SIZES = dict(
    channels=(), stride=1, features=0, memory=0, hidden=(8,), activation="tanh"
)
KEY = jax.random.key(0)


def network(*, classes=0, scale=1.0, **changes):
    """A small one of three actions."""
    return GridNetwork(3, classes, scale, Sizes(**SIZES | changes))


def said(made, observations, starts=None, memory=None):
    """Its parameters, and what it says of the observations."""
    if starts is None:
        starts = jnp.zeros(observations.shape[:2], bool)
    params = made.init(KEY, memory, observations, starts)
    return params, made.apply(params, memory, observations, starts)


@pytest.mark.parametrize("stride", [1, 2])
def test_windows_and_a_product_are_a_convolution(stride):
    planes = jax.random.normal(KEY, (2, 6, 7, 3))
    weights = jax.random.normal(jax.random.key(1), (3, 3, 3, 5))
    windows = grid_trunk.patches(planes, stride=stride)
    expected = jax.lax.conv_general_dilated(
        planes,
        weights,
        (stride, stride),
        "VALID",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    np.testing.assert_allclose(
        windows @ weights.reshape(27, 5), expected, rtol=1e-5, atol=1e-5
    )


def test_every_observation_is_judged_on_its_own():
    planes = jax.random.normal(KEY, (2, 4, 6, 6, 3))
    params, judged = said(network(channels=(4, 4), features=10), planes)
    assert judged.memory is None
    assert judged.logits.shape == (2, 4, 3) and judged.values.shape == (2, 4)
    assert judged.features.shape == (2, 4, 10)
    made = network(channels=(4, 4), features=10)
    starts = jnp.ones((1, 1), bool)
    alone = made.apply(params, None, planes[1:, 2:3], starts)
    np.testing.assert_allclose(alone.logits[0, 0], judged.logits[1, 2], rtol=1e-4)
    np.testing.assert_allclose(alone.values[0, 0], judged.values[1, 2], rtol=1e-4)


def test_a_policy_begins_almost_uniform():
    _, judged = said(network(), jax.random.normal(KEY, (1, 50, 4)))
    shares = jax.nn.softmax(judged.logits)
    np.testing.assert_allclose(shares, jnp.full((1, 50, 3), 1 / 3), atol=0.02)
    assert jnp.std(judged.values) > 0.05


def test_a_discrete_observation_is_one_of_its_classes():
    params, judged = said(network(classes=5), jnp.asarray([[0, 4, 4]]))
    assert judged.features.tolist()[0][0] == [1.0, 0.0, 0.0, 0.0, 0.0]
    np.testing.assert_array_equal(judged.values[0, 1], judged.values[0, 2])
    assert judged.values[0, 0] != judged.values[0, 1]


def test_pixels_are_scaled():
    pixels = jnp.full((1, 1, 2, 2, 1), 255, jnp.uint8)
    _, judged = said(network(scale=1 / 255), pixels)
    np.testing.assert_allclose(judged.features, jnp.ones((1, 1, 4)))


def memory_and_run(starts):
    """A memory, and what it was after each of six steps."""
    module = Memory(7)
    inputs = jax.random.normal(KEY, (6, 2, 3))
    before = jax.random.normal(jax.random.key(1), (2, 7))
    params = module.init(KEY, before, inputs, starts)
    return module, params, before, inputs, module.apply(params, before, inputs, starts)


def test_nothing_is_remembered_over_the_start_of_an_episode():
    starts = jnp.zeros((6, 2), bool).at[3, 1].set(True)
    module, params, _, inputs, (last, after) = memory_and_run(starts)
    fresh = jnp.zeros((2, 7)), inputs[3:], jnp.zeros((3, 2), bool)
    expected = module.apply(params, *fresh)[1]
    np.testing.assert_allclose(after[3:, 1], expected[:, 1], rtol=1e-5, atol=1e-6)
    assert jnp.max(jnp.abs(after[3:, 0] - expected[:, 0])) > 0.05
    np.testing.assert_array_equal(last, after[-1])


def test_one_step_after_the_other_is_all_at_once():
    starts = jnp.zeros((6, 2), bool).at[2, 0].set(True)
    module, params, memory, inputs, (_, after) = memory_and_run(starts)
    for t in range(6):
        memory, one = module.apply(params, memory, inputs[t : t + 1], starts[t : t + 1])
        np.testing.assert_allclose(one[0], after[t], rtol=1e-5, atol=1e-6)


def test_the_memory_is_the_gated_unit_of_its_paper():
    _, params, memory, inputs, (_, after) = memory_and_run(jnp.zeros((6, 2), bool))
    weights = jax.tree.map(np.asarray, params["params"])
    rest = np.asarray(memory)
    for t, seen in enumerate(np.asarray(inputs)):
        given = seen @ weights["inputs"]["kernel"] + weights["inputs"]["bias"]
        own = rest @ weights["memory"]
        reset, keep = (
            1 / (1 + np.exp(-given[:, i : i + 7] - own[:, i : i + 7])) for i in (0, 7)
        )
        new = np.tanh(given[:, 14:] + reset * (own[:, 14:] + weights["bias"]))
        rest = keep * rest + (1 - keep) * new
        np.testing.assert_allclose(after[t], rest, rtol=1e-4, atol=1e-5)


def test_a_network_with_memory_hands_it_on():
    seen = jax.random.normal(KEY, (4, 2, 3))
    _, judged = said(network(memory=6), seen, memory=jnp.zeros((2, 6)))
    assert judged.memory.shape == (2, 6) and judged.features.shape == (4, 2, 3)


@pytest.mark.parametrize(
    "changes, words",
    [
        (dict(activation="rely"), "did you mean 'relu'"),
        (dict(hidden=(64, 0)), "hidden is .*1 or more"),
        (dict(channels=(0,)), "channels is .*1 or more"),
        (dict(stride=0), "stride is 0; give 1 or more"),
        (dict(memory=-1), "memory is -1; give 0 or more"),
    ],
)
def test_sizes_that_no_network_has_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        Sizes(**SIZES | changes)


def test_planes_too_small_for_the_convolutions_are_refused():
    grid.check_planes(Sizes(**SIZES | dict(channels=(4, 4))), (6, 5, 3))
    with pytest.raises(ValueError, match="leaves 2 x 1 cells of 6 x 5 before layer 3"):
        grid.check_planes(Sizes(**SIZES | dict(channels=(4, 4, 4))), (6, 5, 3))
    with pytest.raises(ValueError, match=r"shows \[4\]; give channels=\(\)"):
        grid.check_planes(Sizes(**SIZES | dict(channels=(4,))), (4,))
