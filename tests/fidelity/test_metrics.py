"""Metrics against loops and SciPy, and by what they say of nothing."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from rl_credit.fidelity import metrics
from rl_credit.fidelity.play import Played

ROWS, SPANS, STATES, ACTIONS = 12, 5, 3, 3


def drawn(seed):
    """Credit and advantages with ties, what was played, and which of it."""
    random = np.random.default_rng(seed)
    shape = ROWS, SPANS
    credit, truth = (
        random.integers(-3, 4, shape).astype(np.float32) / 2 for _ in range(2)
    )
    states, actions = (random.integers(0, n, shape) for n in (STATES, ACTIONS))
    where = np.arange(SPANS) < random.integers(0, SPANS + 1, (ROWS, 1))
    return credit, truth, states, actions, where


def played(states, actions, where):
    """The record of these steps; every third row was started a step later."""
    rows = jnp.zeros(len(states), jnp.int32)
    times = jnp.cumsum(jnp.ones(states.shape, jnp.int32), axis=1)
    times += (jnp.arange(len(states), dtype=jnp.int32) % 3 == 0)[:, None]
    steps = (jnp.asarray(x, jnp.int32) for x in (states, actions))
    state, action = steps
    paid = jnp.zeros(states.shape)
    return Played(state, times, action, paid, jnp.asarray(where), rows, rows, rows)


@jax.jit
def measured(credit, truth, states, actions, where):
    """All metrics of credit for steps."""
    known = played(states, actions, where)
    return dict(
        spearman=metrics.spearman(credit, truth, where),
        sign=metrics.sign_agreement(credit, truth, where),
        ranking=metrics.ranking(credit, truth, known, where),
        settled=metrics.settled(credit, where),
        gradient=metrics.policy_gradient(credit, LOGITS, states, actions, where),
    )


LOGITS = jnp.asarray(np.random.default_rng(9).normal(size=(STATES, ACTIONS)), "float32")
seeds = pytest.mark.parametrize("seed", range(3))


@seeds
def test_spearman_is_that_of_scipy_over_the_steps_that_count(seed):
    credit, truth, states, actions, where = drawn(seed)
    found = measured(credit, truth, states, actions, where)["spearman"]
    expected = scipy.stats.spearmanr(credit[where], truth[where]).statistic
    assert found == pytest.approx(expected, abs=1e-5)


@seeds
def test_sign_agreement_is_that_of_a_loop(seed):
    credit, truth, states, actions, where = drawn(seed)
    right = [
        0.5 if one == 0 else float(one * other > 0)
        for one, other in zip(credit[where], truth[where])
        if other != 0
    ]
    found = measured(credit, truth, states, actions, where)["sign"]
    assert found == pytest.approx(np.mean(right), abs=1e-6)


@seeds
def test_ranking_is_that_of_a_loop_over_pairs(seed):
    credit, truth, states, actions, where = drawn(seed)
    right = []
    for time in range(SPANS):
        for one, other in itertools.combinations(np.flatnonzero(where[:, time]), 2):
            if (one % 3 == 0) != (other % 3 == 0):
                continue  # not at one time
            gap = truth[one, time] - truth[other, time]
            if states[one, time] == states[other, time] and gap != 0:
                said = (credit[one, time] - credit[other, time]) * gap
                right.append(0.5 if said == 0 else float(said > 0))
    found = measured(credit, truth, states, actions, where)["ranking"]
    assert len(right) > 10
    assert found == pytest.approx(np.mean(right), abs=1e-6)


def test_pairs_are_of_rows_that_are_near():
    """The two that differ are as many rows apart as are no longer compared."""
    near = metrics.NEIGHBOURS  # 64: rows 1, 64 and 65 were started at one time
    credit = np.zeros((3 * near, 1), np.float32)
    where = np.zeros(credit.shape, bool)
    for distance, expected in ((near - 1, 1.0), (near, np.nan)):
        credit[:], where[:] = 0.0, False
        credit[1 + distance] = 1.0
        where[[1, 1 + distance]] = True
        states = np.zeros(credit.shape, np.int32)
        known = played(states, states, where)
        truth = jnp.asarray(credit)
        found = metrics.ranking(truth, truth, known, jnp.asarray(where))
        assert float(found) == pytest.approx(expected, nan_ok=True)


@seeds
def test_the_policy_gradient_is_that_of_the_surrogate(seed):
    credit, truth, states, actions, where = drawn(seed)

    def surrogate(logits):
        logps = jax.nn.log_softmax(logits)[states, actions]
        rows = max(where.any(1).sum(), 1)
        return jnp.sum(jnp.where(where, credit * logps, 0.0)) / rows

    found = measured(credit, truth, states, actions, where)["gradient"]
    np.testing.assert_allclose(found, jax.grad(surrogate)(LOGITS), atol=1e-5)


@seeds
def test_what_was_not_played_never_matters(seed):
    credit, truth, states, actions, where = drawn(seed)
    other = drawn(seed + 10)
    mixed = (
        np.where(where, one, two)
        for one, two in zip((credit, truth, states, actions), other)
    )
    one = measured(credit, truth, states, actions, where)
    two = measured(*mixed, where)
    jax.tree.map(np.testing.assert_array_equal, one, two)


@pytest.mark.parametrize("constant", [0.0, 1.5])
def test_constant_credit_says_nothing(constant):
    _, truth, states, actions, where = drawn(0)
    credit = np.full(truth.shape, constant, np.float32)
    found = measured(credit, truth, states, actions, where)
    assert found["spearman"] == 0.0 and found["ranking"] == 0.5
    if constant == 0:
        assert found["sign"] == 0.5 and not np.any(found["gradient"])


def test_where_nothing_can_be_said_there_is_no_number():
    credit, truth, states, actions, where = drawn(0)
    for nothing in ((credit, truth, where & False), (credit, 0 * truth, where)):
        found = measured(nothing[0], nothing[1], states, actions, nothing[2])
        for name in ("spearman", "sign", "ranking"):
            assert np.isnan(found[name]), name
        assert np.isfinite(found["gradient"]).all()


def test_settled_credit_has_ties_where_it_differs_by_rounding():
    credit, truth, states, actions, where = drawn(0)
    noise = np.random.default_rng(0).normal(size=credit.shape)
    near = (credit + 1e-7 * noise).astype(np.float32)
    found, wanted = (
        measured(one, truth, states, actions, where)["settled"]
        for one in (near, credit)
    )
    assert len(np.unique(found)) == len(np.unique(wanted)) == 7
    assert len(np.unique(near)) > 7
    np.testing.assert_allclose(wanted, np.where(where, credit, 0), atol=2e-5)


def test_cosine():
    one, other = jnp.array([[1.0, 0.0, 2.0]]), jnp.array([[0.0, 3.0, 1.0]])
    assert metrics.cosine(one, -4.0 * one) == pytest.approx(-1.0)
    assert metrics.cosine(one, other) == pytest.approx(2 / np.sqrt(5 * 10))
    assert metrics.cosine(one, 0.0 * one) == 0.0
