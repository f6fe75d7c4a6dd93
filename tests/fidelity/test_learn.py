"""Policies that learn: what they come to is exact, and goes where the credit points."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.credit.estimator import Estimator
from rl_credit.credit.estimators import ESTIMATORS, grpo
from rl_credit.fidelity import exact, learn
from rl_credit.fidelity.plan import plan
from rl_credit.fidelity.score import Room
from tests.fidelity import small

SEEDS = 8
RIGHT = ESTIMATORS["grpo"]
FLIPPED = Estimator("flipped", lambda t: -grpo(t))


@functools.cache
def learned(estimator, seed=0, updates=24):
    """The returns on the way."""
    found = learn.returns(
        plan(estimator, {}, small.HOW),
        small.case("field"),
        Room(16, 16),
        seeds=SEEDS,
        updates=updates,
        rate=0.1,
        seed=seed,
    )
    return np.asarray(found)


@pytest.mark.parametrize("name", small.PROCESSES)
def test_the_return_of_a_policy_is_the_exact_one_over_the_tasks_there_are(name):
    process, case = small.PROCESSES[name](), small.case(name)
    for logits in (small.logits(name), -2.0 * small.logits(name)):
        truth = exact.solve(process.tables, logits, process.horizon)
        shape = process.num_observations, process.num_actions
        padded = jnp.full_like(case.logits, -1e9).at[: shape[0], : shape[1]].set(logits)
        found = learn.expected(case, padded)
        assert found == pytest.approx(float(truth.returns.mean()), rel=1e-5)


def test_credit_leads_up_and_with_the_wrong_sign_down():
    before = float(small.truth("field").returns.mean())
    for estimator, way in ((RIGHT, 1.0), (FLIPPED, -1.0)):
        last = way * (learned(estimator)[:, -1] - before)
        assert last.mean() - 4 * last.std(ddof=1) / np.sqrt(SEEDS) > 0.1


def test_looks_are_equally_far_apart_and_no_more_than_there_is_room_for():
    """Of 24 updates 20 go into as many looks; 4 are left out."""
    assert learned(RIGHT).shape == (SEEDS, learn.LOOKS) == (8, 20)
    assert np.isfinite(learned(RIGHT)).all()


def test_seeds_differ_and_the_same_seed_does_not():
    one, other = learned(RIGHT), learned(RIGHT, seed=1)
    assert len(np.unique(one[:, -1])) == SEEDS
    assert not np.any(one == other)
    learned.cache_clear()
    np.testing.assert_array_equal(learned(RIGHT), one)
