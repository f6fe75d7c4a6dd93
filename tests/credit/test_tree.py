import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_credit.credit import chain, tree
from tests.references import tree as reference

SIZES = [1, 300]
CLOSE = dict(rtol=1e-5, atol=1e-5)
NODES = 16
VALUES, REACHED = jax.jit(tree.values), jax.jit(tree.reached)
SEGMENTS = jax.jit(chain.segment_advantages)
ADVANTAGES = jax.jit(tree.advantages, static_argnames="scale")


def arrays(*parts):
    return [jnp.asarray(part) for part in parts]


@st.composite
def forests(draw):
    """Trees in one array, rewards on a grid, some of the childless nodes lost."""
    above = (st.integers(-1, node - 1) for node in range(1, NODES))
    parents = np.array([-1, *draw(st.tuples(*above))], np.int32)
    column = st.lists(st.integers(-8, 8), min_size=NODES, max_size=NODES)
    rewards = np.array(draw(column), np.float32) / 4
    flags = st.lists(st.booleans(), min_size=NODES, max_size=NODES)
    childless = ~np.isin(np.arange(NODES), parents)
    return parents, rewards, childless & np.array(draw(flags))


def credit(parents, rewards, leaves, *, scale=False):
    inputs = arrays(parents, rewards, leaves)
    values = VALUES(*inputs)
    reached = REACHED(inputs[0], inputs[2])
    return np.asarray(ADVANTAGES(values, inputs[0], reached, scale=scale))


@pytest.mark.parametrize("nodes", SIZES)
def test_kernels_match_the_loops(compiled, nodes):
    values, reached = compiled(tree.values), compiled(tree.reached)
    plain = compiled(tree.advantages)
    scaled = compiled(tree.advantages, scale=True)
    for seed in range(2):
        parents, rewards, leaves = reference.draw(seed, nodes)
        expected = reference.values(parents, rewards, leaves)
        junk = np.where(leaves, rewards, np.nan)
        inputs = arrays(parents, junk, leaves)
        actual = values(*inputs)
        np.testing.assert_allclose(actual, reference.worth(expected), **CLOSE)
        found = reached(inputs[0], inputs[2])
        np.testing.assert_array_equal(found, [v is not None for v in expected])
        gained = plain(actual, inputs[0], found)
        advantages = reference.advantages(expected, parents)
        np.testing.assert_allclose(gained, advantages, **CLOSE)
        gained = scaled(actual, inputs[0], found)
        advantages = reference.advantages(expected, parents, scale=True)
        np.testing.assert_allclose(gained, advantages, rtol=1e-4, atol=1e-4)


def test_figure_2b_of_the_paper(compiled):
    parents = jnp.asarray([-1, 0, 0, 0, *[1] * 3, *[2] * 3, *[3] * 3], jnp.int32)
    rewards = jnp.asarray([0, 0, 0, 0, 1, 0, 1, 1, 1, 1, 0, 0, 0], jnp.float32)
    values = compiled(tree.values)(parents, rewards, jnp.arange(13) >= 4)
    np.testing.assert_allclose(values[:4], [5 / 9, 2 / 3, 1, 0], **CLOSE)
    advantages = compiled(tree.advantages)(values, parents)
    np.testing.assert_allclose(advantages[:4], [0, 1 / 9, 4 / 9, -5 / 9], **CLOSE)


@pytest.mark.parametrize("scale", [False, True])
def test_siblings_of_equal_value_are_exactly_zero(compiled, scale):
    """Of any number and size, and so are the nodes between them and the root."""
    parents, rewards = [], []
    for count in (1, 3, 7, 49, 64):
        for reward in (0.1, 1 / 3, -7.7, 33.3, 1e4 + 0.1):
            root = len(parents)
            above = [root] * 2 + [root + 1] * count + [root + 2] * 3
            parents += [-1, *above]
            rewards += [reward] * (len(above) + 1)
    leaves = ~np.isin(np.arange(len(parents)), parents)
    columns = np.array(parents, np.int32), np.array(rewards, np.float32), leaves
    values = compiled(tree.values)(*arrays(*columns))
    gained = compiled(tree.advantages, scale=scale)(values, jnp.asarray(columns[0]))
    np.testing.assert_array_equal(gained, np.zeros(len(parents)))


def test_a_lost_subtree_leaves_its_siblings_alone(compiled):
    """Node 3 was never finished, nor 4 and 5 below it."""
    parents = jnp.asarray([-1, 0, 0, 0, 3, 3, -1, -1], jnp.int32)
    rewards = jnp.asarray([9, 1, 0, 9, 9, 9, 9, 9], jnp.float32)
    leaves = jnp.asarray([False, True, True, False, False, False, False, False])
    values = compiled(tree.values)(parents, rewards, leaves)
    np.testing.assert_array_equal(values, [0.5, 1, 0, 0, 0, 0, 0, 0])
    reached = compiled(tree.reached)(parents, leaves)
    np.testing.assert_array_equal(reached, np.arange(8) < 3)
    for scale, expected in ((False, 0.5), (True, 1.0)):
        advantages = compiled(tree.advantages, scale=scale)
        actual = advantages(values, parents, reached)
        signs = np.array([0, 1, -1, 0, 0, 0, 0, 0])
        np.testing.assert_allclose(actual, expected * signs, **CLOSE)


def test_informative_and_branching(compiled):
    gained = jnp.asarray([0.0, 1e-7, -1e-7, 1e-3, -1e-3], jnp.float32)
    actual = compiled(tree.informative)(gained)
    np.testing.assert_array_equal(actual, [False, False, False, True, True])
    assert not np.any(compiled(tree.informative, tolerance=0.01)(gained))
    parents = jnp.asarray([-1, 0, 0, 1, -1], jnp.int32)
    actual = compiled(tree.branching)(parents)
    np.testing.assert_array_equal(actual, [True, True, False, False, False])


@pytest.mark.parametrize("nodes", [16, 65])
def test_derivatives_are_the_matrix_of_shares(compiled, nodes):
    """By reverse and forward mode; NaN where no leaf is paid leaks nowhere."""
    parents, rewards, leaves = reference.draw(1, nodes)
    if nodes == 65:  # 64 levels, a twig at each
        parents = np.where(np.arange(65) % 2, np.arange(65) - 1, np.arange(65) - 2)
        parents = np.maximum(parents, -1).astype(np.int32)
        leaves = ~np.isin(np.arange(65), parents)
    above, paid = jnp.asarray(parents), jnp.asarray(leaves)
    junk = jnp.where(paid, jnp.asarray(rewards), jnp.nan)
    expected = reference.matrix(parents, leaves)

    def values(rewards):
        return tree.values(above, rewards, paid)

    for derivative in (jax.jacrev, jax.jacfwd):
        actual = compiled(derivative(values))(junk)
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-7)
    direction = jnp.asarray(np.random.default_rng(0).normal(size=nodes), jnp.float32)
    _, slope = compiled(lambda r, d: jax.jvp(values, (r,), (d,)))(junk, direction)
    np.testing.assert_allclose(slope, expected @ np.asarray(direction), **CLOSE)


def test_gradients_are_mapped_over_trees(compiled):
    drawn = [reference.draw(seed, 24) for seed in range(4)]
    columns = arrays(*(np.stack(column) for column in zip(*drawn)))

    def total(parents, rewards, leaves):
        values = tree.values(parents, rewards, leaves)
        return jnp.sum(values * jnp.arange(24.0))

    slopes = compiled(jax.vmap(jax.grad(total, argnums=1)))(*columns)
    for slope, (parents, _, leaves) in zip(slopes, drawn):
        expected = np.arange(24.0) @ reference.matrix(parents, leaves)
        np.testing.assert_allclose(slope, expected, **CLOSE)


@settings(max_examples=25, deadline=None)
@given(forests(), st.randoms(use_true_random=False))
def test_permuting_siblings_permutes_advantages(forest, random):
    """Any order of the nodes that keeps parents first, padding anywhere."""
    parents, rewards, leaves = forest
    order, ready = [], [node for node in range(NODES) if parents[node] < 0]
    while ready:
        node = ready.pop(random.randrange(len(ready)))
        order.append(node)
        ready += np.flatnonzero(parents == node).tolist()
    place = np.argsort(order)
    moved = np.where(parents < 0, -1, place[parents])[order].astype(np.int32)
    for scale in (False, True):
        actual = credit(moved, rewards[order], leaves[order], scale=scale)
        expected = credit(*forest, scale=scale)[order]
        np.testing.assert_allclose(actual, expected, **CLOSE)


@settings(max_examples=25, deadline=None)
@given(forests())
def test_trees_beside_a_tree_and_padding_change_nothing(forest):
    parents, rewards, leaves = forest
    roots = np.arange(NODES)
    for node in range(NODES):
        roots[node] = node if parents[node] < 0 else roots[parents[node]]
    together = credit(*forest)
    for root in set(roots.tolist()):
        mine = np.flatnonzero(roots == root)
        alone = np.full(NODES, -1, np.int32)
        alone[: len(mine)] = np.where(
            parents[mine] < 0, -1, np.searchsorted(mine, parents[mine])
        )
        pay, paid = np.full(NODES, np.nan, np.float32), np.zeros(NODES, bool)
        pay[: len(mine)], paid[: len(mine)] = rewards[mine], leaves[mine]
        actual = credit(alone, pay, paid)
        np.testing.assert_allclose(actual[: len(mine)], together[mine], **CLOSE)
        assert not np.any(actual[len(mine) :])


@settings(max_examples=25, deadline=None)
@given(forests())
def test_advantages_of_siblings_sum_to_zero(forest):
    for scale in (False, True):
        advantages = credit(*forest, scale=scale)
        for members in reference.children(forest[0]):
            np.testing.assert_allclose(advantages[members].sum(), 0.0, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(forests(), st.integers(-64, 64))
def test_a_constant_in_all_rewards_changes_no_advantage(forest, constant):
    parents, rewards, leaves = forest
    actual = credit(parents, rewards + np.float32(constant), leaves)
    np.testing.assert_allclose(actual, credit(*forest), rtol=1e-4, atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, NODES - 1), st.integers(-99, 99).map(lambda n: n / 7))
def test_a_tree_with_one_branch_is_worth_its_leaf_everywhere(depth, reward):
    parents = np.arange(-1, NODES - 1, dtype=np.int32)
    leaves = np.arange(NODES) == depth
    rewards = np.full(NODES, reward, np.float32)
    parents[depth + 1 :] = -1
    values = VALUES(*arrays(parents, rewards, leaves))
    expected = np.where(np.arange(NODES) <= depth, np.float32(reward), 0)
    np.testing.assert_array_equal(values, expected)
    np.testing.assert_array_equal(credit(parents, rewards, leaves), np.zeros(NODES))


@settings(max_examples=25, deadline=None)
@given(forests())
def test_along_a_branch_the_tree_is_the_chain(forest):
    """With the nodes' values at the boundaries, one token an edge."""
    parents, rewards, leaves = forest
    values = np.asarray(VALUES(*arrays(parents, rewards, leaves)))
    advantages = credit(*forest)
    for leaf in np.flatnonzero(leaves):
        branch = [int(leaf)]
        while parents[branch[0]] >= 0:
            branch.insert(0, int(parents[branch[0]]))
        edges = len(branch) - 1
        along = np.zeros((1, NODES), np.float32)
        along[0, : edges + 1] = values[branch]
        where = np.arange(NODES - 1)[None] < edges
        inputs = along, np.ones((1, NODES), bool), rewards[[leaf]], where
        actual = SEGMENTS(*arrays(*inputs))[0, :edges]
        np.testing.assert_allclose(actual, advantages[branch[1:]], **CLOSE)
