import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.types import Weighted, record


@record
class Pair:
    left: jax.Array  # [...]
    right: jax.Array | None = None  # [...]


def test_a_record_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Pair(jnp.zeros(2)).left = jnp.ones(2)


def test_replace_changes_one_field():
    before = Pair(jnp.zeros(2), jnp.ones(2))
    after = dataclasses.replace(before, left=jnp.full((2,), 5.0))
    assert after.left.tolist() == [5, 5] and after.right is before.right
    assert before.left.tolist() == [0, 0]


def test_a_record_is_a_pytree_with_named_leaves():
    pair = Pair(jnp.zeros(2), jnp.ones(3))
    leaves, structure = jax.tree.flatten(pair)
    assert [leaf.shape for leaf in leaves] == [(2,), (3,)]
    assert isinstance(jax.tree.unflatten(structure, leaves), Pair)
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree.leaves_with_path(pair)]
    assert paths == [".left", ".right"]
    assert len(jax.tree.leaves(Pair(jnp.zeros(2)))) == 1  # None is no leaf


@pytest.mark.parametrize("right", [None, 3.0])
def test_records_pass_through_transformations(right):
    right = None if right is None else jnp.full((4,), right)
    pair = Pair(jnp.arange(4.0), right)

    def double(pair):
        return jax.tree.map(lambda leaf: 2 * leaf, pair)

    expected = [np.asarray(2 * leaf) for leaf in jax.tree.leaves(pair)]
    for transformed in (jax.jit(double), jax.vmap(double), jax.jit(jax.vmap(double))):
        actual = transformed(pair)
        assert isinstance(actual, Pair)
        jax.tree.map(np.testing.assert_array_equal, jax.tree.leaves(actual), expected)
    shapes = jax.eval_shape(double, pair)
    assert isinstance(shapes, Pair) and shapes.left.shape == (4,)
    carried, _ = jax.lax.scan(lambda state, _: (double(state), None), pair, length=1)
    assert isinstance(carried, Pair) and carried.left.tolist() == [0, 2, 4, 6]


def test_annotated_records_are_rebuilt_around_anything():
    """Annotations document; JAX puts shapes, tracers and axes into the fields."""
    weighted = Weighted(jnp.ones(()), jnp.ones(()))
    assert jax.eval_shape(lambda w: w + w, weighted).total.shape == ()
    axes = jax.tree.map(lambda leaf: 0, weighted)
    assert (axes.total, axes.weight) == (0, 0)
    stacked = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), weighted)
    assert jax.vmap(Weighted.mean, in_axes=(axes,))(stacked).tolist() == [1, 1]


def test_weighted_adds_first_and_divides_once(compiled):
    def mean(first, second):
        return (first + second).mean()

    first = Weighted(jnp.asarray(6.0), jnp.asarray(1.0))
    second = Weighted(jnp.asarray(2.0), jnp.asarray(3.0))
    assert compiled(mean)(first, second) == 2.0


def test_nothing_weighed_is_zero_with_zero_gradient(compiled):
    def mean(total):
        return Weighted(total, jnp.asarray(0.0)).mean()

    value, slope = compiled(jax.value_and_grad(mean))(jnp.asarray(3.0))
    assert (value, slope) == (0, 0)

    def weight_mean(weight):
        return Weighted(jnp.asarray(0.0), weight).mean()

    value, slope = compiled(jax.value_and_grad(weight_mean))(jnp.asarray(0.0))
    assert (value, slope) == (0, 0)
    slope = compiled(jax.grad(weight_mean))(jnp.asarray(2.0))
    assert np.isfinite(slope)
