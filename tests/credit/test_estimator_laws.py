"""Laws of every estimator in the table: a new row is held to them by itself.

A law that does not hold for all names the exempt and why; that they do break it is
asserted too, so the lists cannot go stale.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_credit.credit.estimators import ESTIMATORS
from tests import batches

SIZE = 24, 7  # all laws use one bucket, so each estimator is compiled once
CLOSE = dict(rtol=1e-4, atol=1e-4)
SEEDS = st.integers(0, 2**32 - 1)
laws = settings(max_examples=8, deadline=None)
every = pytest.mark.parametrize("name", ESTIMATORS)

ABSOLUTE = "has no baseline: what it pays is the reward itself"
CRITIC = "its baseline is a value or a greedy return it is given, not the group"
LABELS = "reads a return as one of two labels, 0 and 1"
OWN_STEPS = "compares the steps of one trajectory with each other"
SIBLINGS = "compares siblings in a tree, whatever their task"

NOT_LONE = dict(
    psr=LABELS,
    nsr=LABELS,
    w_reinforce=LABELS,
    reinforce=ABSOLUTE,
    reinforce_plus_plus="its baseline is the mean of the batch",
    remax=CRITIC,
    gae=CRITIC,
    lambda_returns=ABSOLUTE,
    spo_chain=CRITIC,
    spo_chain_fixed_count=CRITIC,
    spo_chain_fixed_interval=CRITIC,
    vineppo=CRITIC,
    spo_tree=SIBLINGS,
    spo_tree_scaled=SIBLINGS,
    oprl=OWN_STEPS,
)
COMPARED = ("oprl", "spo_tree", "spo_tree_scaled")  # but not within the group
NOT_SILENT = {name: NOT_LONE[name] for name in NOT_LONE if name not in COMPARED}
NOT_SHIFTED = dict(
    psr=LABELS,
    nsr=LABELS,
    w_reinforce=LABELS,
    reinforce=ABSOLUTE,
    lambda_returns=ABSOLUTE,
    turn_relative="takes the last turn of one for a middle turn of another",
)
PROPORTIONAL = """dr_grpo rloo opo gpg psr reinforce remax gae lambda_returns vineppo
spo_chain spo_chain_fixed_count spo_chain_fixed_interval spo_tree
turn_relative""".split()
UNSCALED = """grpo pass_at_k grpo_n reinforce_plus_plus reinforce_plus_plus_baseline
mt_grpo gigpo gigpo_released hgpo spo_tree_scaled oprl prime ui_s1""".split()
NOT_SCALING = dict(nsr=LABELS, w_reinforce=LABELS)
# With these, what an option discounts or cuts is the return itself.
WHOLE_RETURNS = dict(
    gigpo=dict(discount=1.0),
    gigpo_released=dict(discount=1.0),
    hgpo=dict(discount=1.0),
    ui_s1=dict(discount=1.0),
)
IN_REWARDS = ("values", "final_values", "baselines", "log_ratios")


def ordered(rng, t):
    """A random order of the rows that leaves parents before their children."""
    times = rng.random(len(t.where) + 1)
    times[-1] = 0.0  # before a root
    for row, parent in enumerate(t.parents):
        times[row] = rng.uniform(times[parent], 1.0)
    return np.argsort(times[:-1])


def rows(t, order):
    """The rows in another order, or some of them; parents are renumbered."""
    place = np.full(len(t.where) + 1, -1, np.int32)
    place[order] = np.arange(len(order))
    moved = jax.tree.map(lambda array: array[order], t)
    return dataclasses.replace(moved, parents=place[moved.parents])


def relabelled(rng, t):
    return dataclasses.replace(t, groups=rng.permutation(SIZE[0])[t.groups])


def extended(rng, t, extra_rows=3, extra_spans=1):
    """Unplayed rows and spans anywhere in between; also where the old ones now are."""
    batch, spans = t.where.shape
    row = np.sort(rng.choice(batch + extra_rows, batch, replace=False))
    column = np.sort(rng.choice(spans + extra_spans, spans, replace=False))
    larger = batches.trajectories(1, batch + extra_rows, spans + extra_spans)
    filled = {}
    for field in dataclasses.fields(t):
        array, old = getattr(larger, field.name).copy(), getattr(t, field.name)
        array[np.ix_(row, column) if old.ndim > 1 else row] = old
        filled[field.name] = array
    filled["where"][:] = False
    filled["where"][np.ix_(row, column)] = t.where
    filled["parents"][:] = -1
    filled["parents"][row] = np.where(t.parents < 0, -1, row[t.parents])
    return dataclasses.replace(t, **filled), np.ix_(row, column)


def identical(seed):
    """All trajectories alike, their steps in different states but worth the same."""
    t = batches.trajectories(seed, *SIZE, tasks=4, mask="holes")
    first = np.full(SIZE[0], np.argmax(t.where.sum(axis=1)))
    alike = jax.tree.map(lambda array: array[first], t)
    ratios = np.full(SIZE, 0.1, np.float32)
    alike = dataclasses.replace(alike, groups=t.groups, parents=t.parents)
    states = own_states(per_row=False)
    return dataclasses.replace(alike, states=states, log_ratios=ratios)


def own_states(per_row):
    """A state of its own for every step, or every step of all rows alike."""
    numbers = np.arange(np.prod(SIZE), dtype=np.uint32).reshape(SIZE)
    numbers = numbers if per_row else np.broadcast_to(numbers[:1], SIZE)
    return np.stack([numbers, ~numbers], axis=-1)


def assert_partition(*lists):
    """Every estimator is in exactly one list."""
    assert sorted(name for names in lists for name in names) == sorted(ESTIMATORS)


@every
@laws
@given(SEEDS)
def test_the_order_of_trajectories_does_not_matter(name, seed):
    rng, t = np.random.default_rng(seed), batches.trajectories(seed, *SIZE, tasks=5)
    if "parents" not in ESTIMATORS[name].needs:  # then any order will do
        t = dataclasses.replace(t, parents=np.full(SIZE[0], -1, np.int32))
    order = ordered(rng, t)
    expected = ESTIMATORS[name](t)[order]
    np.testing.assert_allclose(ESTIMATORS[name](rows(t, order)), expected, **CLOSE)


@every
@laws
@given(SEEDS)
def test_the_names_of_groups_do_not_matter(name, seed):
    rng, t = np.random.default_rng(seed), batches.trajectories(seed, *SIZE, tasks=5)
    expected = ESTIMATORS[name](t)
    actual = ESTIMATORS[name](relabelled(rng, t))
    np.testing.assert_allclose(actual, expected, **CLOSE)


@every
@laws
@given(SEEDS)
def test_unplayed_trajectories_and_spans_do_not_matter(name, seed):
    rng = np.random.default_rng(seed)
    t = batches.trajectories(seed, SIZE[0] - 3, SIZE[1], tasks=5)
    larger, places = extended(rng, t)
    actual = ESTIMATORS[name](larger)
    np.testing.assert_allclose(actual[places], ESTIMATORS[name](t), **CLOSE)


@every
@laws
@given(SEEDS)
def test_what_is_masked_does_not_matter(name, seed):
    t = batches.trajectories(seed, *SIZE, tasks=5)
    actual = ESTIMATORS[name](batches.soiled(t, seed))
    np.testing.assert_array_equal(actual, ESTIMATORS[name](t))


@every
def test_nothing_masked_reaches_the_gradient(name):
    """And none is NaN where a group, or the batch, has no spread."""
    estimator = ESTIMATORS[name]

    def weighed(rewards, weights, t):
        return jnp.sum(weights * estimator(dataclasses.replace(t, rewards=rewards)))

    gradient = jax.jit(jax.grad(weighed))
    weights = np.random.default_rng(0).normal(size=SIZE).astype(np.float32)
    mixed = batches.trajectories(0, *SIZE, tasks=5)
    none = batches.trajectories(0, *SIZE, mask="none")
    for t in (mixed, none, identical(0), batches.outcomes(mixed, np.zeros(SIZE[0]))):
        t = batches.soiled(t)
        actual = gradient(t.rewards, weights, t)
        assert np.isfinite(actual).all()
        np.testing.assert_array_equal(actual[~t.where], np.zeros(np.sum(~t.where)))
    actual = gradient(mixed.rewards, weights, mixed)
    assert np.any(actual != 0)
    np.testing.assert_array_equal(
        actual, gradient(batches.soiled(mixed).rewards, weights, batches.soiled(mixed))
    )


@every
def test_a_batch_nobody_played_scores_zero(name):
    t = batches.soiled(batches.trajectories(0, *SIZE, mask="none"))
    np.testing.assert_array_equal(ESTIMATORS[name](t), np.zeros(SIZE))


@every
def test_a_group_of_one_scores_exactly_zero(name):
    assert NOT_LONE.keys() <= ESTIMATORS.keys()
    for seed in range(3):
        t = batches.trajectories(seed, *SIZE)
        groups = np.random.default_rng(seed).permutation(SIZE[0])
        t = dataclasses.replace(t, groups=groups, states=own_states(per_row=True))
        assert np.any(ESTIMATORS[name](t) != 0) == (name in NOT_LONE)


@every
def test_groups_without_spread_score_exactly_zero(name):
    assert NOT_SILENT.keys() <= ESTIMATORS.keys()
    for seed in range(5):
        advantages = ESTIMATORS[name](identical(seed))
        assert np.any(advantages != 0) == (name in NOT_SILENT)


@every
def test_advantages_scale_with_the_rewards_or_not_at_all(name):
    assert_partition(PROPORTIONAL, UNSCALED, NOT_SCALING)
    t = batches.trajectories(0, *SIZE, tasks=5)
    fields = {field: 3.0 * getattr(t, field) for field in ("rewards", *IN_REWARDS)}
    actual = ESTIMATORS[name](dataclasses.replace(t, **fields))
    advantages = ESTIMATORS[name](t)
    for names, factor in ((PROPORTIONAL, 3.0), (UNSCALED, 1.0)):
        same = np.allclose(actual, factor * advantages, rtol=1e-3, atol=1e-3)
        assert same == (name in names), factor


@every
def test_a_constant_on_all_returns_changes_nothing(name):
    """Nor on what is to be compared with them: values and greedy returns."""
    assert NOT_SHIFTED.keys() <= ESTIMATORS.keys()
    rng, offset = np.random.default_rng(0), np.float32(1e4)
    t = batches.trajectories(0, *SIZE, tasks=5)
    drawn = dict.fromkeys(("rewards", "values", "final_values", "baselines"))
    for field in drawn:
        drawn[field] = np.float32(rng.integers(-3, 4, getattr(t, field).shape))
    drawn |= dict(terminated=np.ones(SIZE[0], bool), matches=np.ones(SIZE, bool))
    t = dataclasses.replace(t, **drawn)
    moved = {field: drawn[field] + offset for field in ("values", "baselines")}
    moved["rewards"] = t.rewards + offset * batches.last(t.where)
    knobs = WHOLE_RETURNS.get(name, {})
    expected = ESTIMATORS[name](t, **knobs)
    actual = ESTIMATORS[name](dataclasses.replace(t, **moved), **knobs)
    tolerance = 0.03 if "tree" in name else 1e-3  # means of means are rounded
    same = np.allclose(actual, expected, rtol=0, atol=tolerance)
    assert same == (name not in NOT_SHIFTED), np.abs(actual - expected).max()
