import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_credit.ops import trees
from tests.references import tree as reference

SIZES = [1, 2, 24, 150]
CLOSE = dict(rtol=1e-5, atol=1e-5)
CHAIN = np.arange(-1, 64, dtype=np.int32)  # 64 levels below the root
STAR = np.where(np.arange(65) > 0, 0, -1).astype(np.int32)
SUM_CHILDREN = jax.jit(trees.sum_children)
OF_PARENT = jax.jit(trees.of_parent)


def system(parents):
    """I - diag(weights) A as a matrix, for weights drawn here."""
    nodes = len(parents)
    weights = np.random.default_rng(2).uniform(-1.0, 1.0, nodes).astype(np.float32)
    below = np.zeros((nodes, nodes))
    for parent, members in enumerate(reference.children(parents)):
        below[parent, members] = 1.0
    return weights, np.eye(nodes) - weights[:, None].astype(np.float64) * below


def solve(sources, weights, parents):
    levels = jnp.max(trees.depths(parents), initial=0)
    return trees.solve_upwards(sources, weights, parents, levels)


@pytest.mark.parametrize("nodes", SIZES)
def test_sums_and_depths_match_the_loops(compiled, nodes):
    total, above = compiled(trees.sum_children), compiled(trees.of_parent)
    depths = compiled(trees.depths)
    for seed in range(3):
        parents, values, _ = reference.draw(seed, nodes)
        inputs = jnp.asarray(values), jnp.asarray(parents)
        expected = [values[below].sum() for below in reference.children(parents)]
        np.testing.assert_allclose(total(*inputs), expected, **CLOSE)
        expected = np.where(parents < 0, 0.0, values[parents])
        np.testing.assert_array_equal(above(*inputs), expected)
        expected = reference.depths(parents)
        np.testing.assert_array_equal(depths(inputs[1]), expected)


def test_the_deepest_and_the_widest_tree(compiled):
    for parents, expected in ((CHAIN, np.arange(65)), (STAR, np.arange(65) > 0)):
        actual = compiled(trees.depths)(jnp.asarray(parents))
        np.testing.assert_array_equal(actual, expected)


def test_a_parent_that_does_not_come_before_marks_a_root(compiled):
    """Itself, a later node, one that does not exist: no endless climb, no sum."""
    parents = jnp.asarray([-1, 0, 2, 5, -7, 99, 1], jnp.int32)
    roots = [False, True, False, False, False, False, True]
    np.testing.assert_array_equal(compiled(trees.has_parent)(parents), roots)
    depths = compiled(trees.depths)(parents)
    np.testing.assert_array_equal(depths, [0, 1, 0, 0, 0, 0, 2])
    sums = compiled(trees.sum_children)(jnp.arange(1.0, 8.0), parents)
    np.testing.assert_array_equal(sums, [2.0, 7.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    above = compiled(trees.of_parent)(jnp.arange(1.0, 8.0), parents)
    np.testing.assert_array_equal(above, [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 2.0])


@pytest.mark.parametrize("name", ["random", "chain", "star"])
def test_the_solution_and_its_derivatives_are_those_of_the_matrix(compiled, name):
    drawn = reference.draw(0, 65)
    parents = {"random": drawn[0], "chain": CHAIN, "star": STAR}[name]
    weights, matrix = system(parents)
    inverse = np.linalg.inv(matrix)
    inputs = jnp.asarray(weights), jnp.asarray(parents)
    sources = jnp.asarray(drawn[1])
    actual = compiled(solve)(sources, *inputs)
    np.testing.assert_allclose(actual, inverse @ drawn[1], **CLOSE)
    reverse = compiled(jax.jacrev(solve))(sources, *inputs)
    np.testing.assert_allclose(reverse, inverse, **CLOSE)
    forward = compiled(jax.jacfwd(solve))(sources, *inputs)
    np.testing.assert_allclose(forward, inverse, **CLOSE)


def test_values_and_gradients_are_mapped_over_trees_of_other_depth(compiled):
    """Each to its own depth, forward and back."""
    drawn = reference.draw(0, 65)[0]
    forest = np.stack([CHAIN, STAR, drawn])
    weights = np.stack([system(parents)[0] for parents in forest])
    sources = np.random.default_rng(1).normal(size=(3, 65)).astype(np.float32)

    def total(sources, weights, parents):
        return jnp.sum(jnp.sin(solve(sources, weights, parents)))

    inputs = tuple(map(jnp.asarray, (sources, weights, forest)))
    each = compiled(jax.vmap(jax.value_and_grad(total)))
    totals, slopes = each(*inputs)
    for row, parents in enumerate(forest):
        inverse = np.linalg.inv(system(parents)[1])
        solution = inverse @ sources[row]
        np.testing.assert_allclose(totals[row], np.sin(solution).sum(), **CLOSE)
        slope = inverse.T @ np.cos(solution)
        np.testing.assert_allclose(slopes[row], slope, **CLOSE)


def test_second_derivatives(compiled):
    """Of sum(v^3) with v = M s: 6 M' diag(v) M."""
    parents, sources, _ = reference.draw(0, 24)
    weights, matrix = system(parents)
    inputs = jnp.asarray(weights), jnp.asarray(parents)

    def cubes(sources):
        return jnp.sum(solve(sources, *inputs) ** 3)

    inverse = np.linalg.inv(matrix)
    expected = 6 * inverse.T @ np.diag(inverse @ sources) @ inverse
    actual = compiled(jax.hessian(cubes))(jnp.asarray(sources))
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)


def test_too_few_levels_leave_the_upper_ones_short(compiled):
    """`levels` counts sweeps: each carries the sums one node up."""
    ones = jnp.ones(65)
    for levels in (0, 3, 64):
        kernel = functools.partial(trees.solve_upwards, parents=jnp.asarray(CHAIN))
        actual = compiled(kernel)(ones, ones, levels=jnp.asarray(levels))
        expected = np.minimum(np.arange(65)[::-1], levels) + 1
        np.testing.assert_array_equal(actual, expected)


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(*(st.integers(-1, node - 1) for node in range(1, 12))),
    st.lists(st.integers(-9, 9), min_size=24, max_size=24),
)
def test_sums_over_children_and_looks_at_parents_are_transposed(parents, entries):
    parents = jnp.asarray([-1, *parents], jnp.int32)
    first, second = jnp.asarray(entries, jnp.float32).reshape(2, 12)
    upwards = jnp.vdot(SUM_CHILDREN(first, parents), second)
    downwards = jnp.vdot(first, OF_PARENT(second, parents))
    assert upwards == downwards
