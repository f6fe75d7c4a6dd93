"""The truth scores as the truth, and what is wrong with credit is told apart."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.analysis import intervals
from rl_credit.credit.estimator import Estimator
from rl_credit.credit.estimators import gigpo
from rl_credit.fidelity import score
from rl_credit.fidelity.plan import plan
from rl_credit.fidelity.score import Room
from tests.fidelity import small

METRICS = "spearman", "sign", "ranking", "cosine"
both = pytest.mark.parametrize("name", small.PROCESSES)


def power(name):
    """The mean squared advantage of the steps that were played."""
    where = small.gathered(name)[0].trajectories.where
    return float(jnp.square(small.advantages(name))[where].mean())


@functools.cache
def of_truth(name):
    """The scores of the exact advantage itself."""
    return small.scored(name, small.advantages(name))


@both
def test_the_exact_advantage_is_credit_without_fault(name):
    found = of_truth(name)
    for metric in ("spearman", "sign", "ranking"):
        np.testing.assert_allclose(found[metric], 1.0, atol=1e-5)
    assert found["cosine"].mean() > 0.8
    np.testing.assert_allclose(found["bias"], 0.0, atol=1e-4)
    np.testing.assert_allclose(found["variance"], 0.0, atol=1e-4)
    both, own, truth = found["products"].sum(0)
    assert both**2 == pytest.approx(own * truth, rel=1e-4)


@both
def test_the_mean_gradient_of_the_exact_advantage_is_the_exact_gradient(name):
    """A gradient is a mean over tasks of sums over steps, on both sides."""
    found, gradient = of_truth(name), small.case(name).gradient
    length = float(jnp.sqrt(jnp.square(gradient).sum()))
    error = found["along"].std(ddof=1) / np.sqrt(small.SEEDS)
    assert abs(found["along"].mean() - length) < 4 * error
    assert found["gram"].shape == (small.SEEDS, small.SEEDS)
    squares = np.diag(found["gram"])
    np.testing.assert_allclose(found["along"], found["cosine"] * np.sqrt(squares), 1e-3)


@pytest.mark.parametrize("unit", [0.01, 300.0])
def test_the_unit_of_credit_does_not_matter(unit):
    found = small.scored("field", unit * small.advantages("field"))
    for name in (*METRICS, "bias", "variance"):
        np.testing.assert_allclose(found[name], of_truth("field")[name], atol=1e-3)


def test_independent_noise_is_variance_and_no_bias():
    truth, share = small.advantages("field"), 0.5
    noise = jax.random.normal(jax.random.key(5), truth.shape)
    scale = np.sqrt(share * power("field"))
    found = small.scored("field", truth + scale * noise)
    assert found["variance"].mean() == pytest.approx(share, rel=0.1)
    assert abs(found["bias"].mean()) < 0.02
    assert found["spearman"].mean() < 0.95


def test_an_offset_is_bias_and_no_variance():
    """In the best unit, u = P / (P + c^2): (1 - u)^2 + u^2 c^2 / P = r / (1 + r)."""
    ratio = 0.5
    offset = np.sqrt(ratio * power("field"))
    found = small.scored("field", small.advantages("field") + offset)
    assert found["bias"].mean() == pytest.approx(ratio / (1 + ratio), rel=0.05)
    np.testing.assert_allclose(found["variance"], 0.0, atol=1e-3)
    np.testing.assert_allclose(found["ranking"], 1.0, atol=1e-5)


def test_credit_of_nothing_is_all_bias():
    found = small.scored("field", 0.0 * small.advantages("field"))
    np.testing.assert_allclose(found["bias"], 1.0, rtol=1e-5)
    np.testing.assert_array_equal(found["variance"], 0.0)
    np.testing.assert_array_equal(found["cosine"], 0.0)


def flipped(t):
    """The wrong sign."""
    return -gigpo(t, pool="trajectories")


def later(t):
    """Each step gets what the one before it earned."""
    credit = gigpo(t, pool="trajectories")
    return jnp.pad(credit, ((0, 0), (1, 0)))[:, :-1]


def earlier(t):
    """Each step gets what the one after it earned."""
    credit = gigpo(t, pool="trajectories")
    return jnp.pad(credit, ((0, 0), (0, 1)))[:, 1:]


def pooled(t):
    """All tasks are one group."""
    one = dataclasses.replace(t, groups=jnp.zeros_like(t.groups))
    return gigpo(one, pool="trajectories")


def right(t):
    """As it should be."""
    return gigpo(t, pool="trajectories")


@functools.cache
def scored(function):
    """The scores of that estimator over 64 seeds."""
    made = plan(Estimator(function.__name__, function, ("states",)), {}, small.HOW)
    found = score.scores(
        made, small.case("field"), Room(32, 32), seeds=small.SEEDS, warmup=0
    )
    return score.host(found)


def interval(function, metric):
    """Of the mean over seeds, at 95%."""
    values = scored(function)[metric]
    return intervals.bootstrap(values, lambda drawn: drawn.mean((-2, -1)))


@pytest.mark.parametrize("metric", METRICS)
def test_a_flipped_sign_is_caught(metric):
    nothing = 0.5 if metric in ("sign", "ranking") else 0.0
    assert interval(right, metric)[0] > nothing > interval(flipped, metric)[1]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("shifted", [later, earlier])
def test_credit_shifted_by_a_step_is_caught(shifted, metric):
    assert interval(shifted, metric)[1] < interval(right, metric)[0]


@pytest.mark.parametrize("metric", ["spearman", "sign", "cosine"])
def test_groups_pooled_across_tasks_are_caught(metric):
    """Their observations are the same, their returns are 3 apart.

    Pairs are of one state, of one task: for their order more steps are only better.
    """
    assert interval(pooled, metric)[1] < interval(right, metric)[0]


@pytest.mark.parametrize("broken", [flipped, later, earlier, pooled])
def test_what_is_broken_has_more_bias(broken):
    assert interval(broken, "bias")[0] > interval(right, "bias")[1]


# In the field an episode is 4 steps, after which 3, 2, 1 are left.
PRICES = {"grpo": 4, "gae": 4 + 4, "vineppo": 4 + 2 * 10 + 2 * 4, "spo_tree": 12 + 4}


@pytest.mark.parametrize("name", PRICES)
def test_what_is_afforded_costs_no_more_than_the_budget(name):
    feed, case = small.planned(name).feed, small.case("field")
    assert score.price(feed, case) == pytest.approx(PRICES[name])
    for budget in (3.0, 31.9, 32.0, 250.0, 1000.0):
        count = score.afforded(feed, case, budget)
        assert count * PRICES[name] <= budget
        more = 1 if feed.tree or count < 8 else 8
        assert (count + more) * PRICES[name] > budget
        assert feed.tree or count < 8 or count % 8 == 0


def test_the_cost_of_a_batch_is_what_was_afforded():
    found = scored(right)
    np.testing.assert_array_equal(found["cost"], [[128, 0, 0]] * small.SEEDS)


def test_sources_that_learn_have_learned_before():
    feed, case = small.planned("gae").feed, small.case("field")
    keys = jax.random.split(jax.random.key(0), 4)
    batch, cost = score.gathered(feed, 8, 6)(case, jnp.int32(8), keys)
    values = batch.trajectories.values[batch.trajectories.where]
    assert (values > 0).mean() > 0.9
    assert (cost.steps == 4).all()  # of the last batch alone
