"""Every estimator is given what it needs, from where its paper takes it."""

import dataclasses
import functools

import jax
import numpy as np
import pytest

from rl_credit.credit.estimator import Estimator
from rl_credit.credit.estimators import ESTIMATORS, grpo
from rl_credit.fidelity import sources
from rl_credit.fidelity.feed import Feed
from rl_credit.fidelity.plan import plan
from tests.fidelity import small

PLANS = {name: small.planned(name) for name in ESTIMATORS}


def kinds(name):
    """The sources of an estimator."""
    return [type(source) for source in small.planned(name).feed.filled]


def credited(names, batch):
    """By name: the credit of each estimator, with fields filled as planned."""
    case, found = small.case("ledge"), {}
    for name in names:
        given, key = batch, jax.random.key(0)
        for source in PLANS[name].feed.filled:
            state = source.init(case)
            fields, _, _ = source.fill(case, small.who(case), given, state, key)
            whole = dataclasses.replace(given.trajectories, **fields)
            given = dataclasses.replace(given, trajectories=whole)
        found[name] = PLANS[name].credit(given.trajectories)
    return found


@pytest.mark.parametrize("tree", [False, True])
def test_every_estimator_has_finite_credit_for_a_batch_of_its_own(tree):
    names = [name for name, one in PLANS.items() if bool(one.feed.tree) == tree]
    feed = Feed((), small.HOW.tree if tree else None, small.HOW)
    units = 8 if tree else 24
    batch, _, _ = small.batch(feed, small.case("ledge"), units, units - 1)
    together = jax.jit(functools.partial(credited, names))
    where = batch.trajectories.where
    for name, credit in jax.device_get(together(batch)).items():
        assert credit.shape == where.shape and np.isfinite(credit).all(), name
        assert not credit[~where].any() and np.any(credit), name
    assert len(names) == (2 if tree else len(ESTIMATORS) - 2)


def test_fields_come_from_where_the_papers_take_them():
    assert kinds("grpo") == [] == kinds("gigpo")
    assert kinds("gae") == [sources.Critic]
    assert kinds("vineppo") == [sources.Continuations]
    assert kinds("remax") == [sources.Greedy]
    assert kinds("ui_s1") == [sources.Expert]
    assert kinds("prime") == [sources.RewardModel] == kinds("oprl")
    assert small.planned("spo_tree").feed.tree == small.HOW.tree
    for name in ("spo_chain", "spo_chain_fixed_count", "spo_chain_fixed_interval"):
        assert kinds(name) == [sources.Segments]
        assert small.planned(name).feed.tree is None


def test_a_source_knows_the_options_of_its_estimator():
    chain = plan(ESTIMATORS["spo_chain"], {"interval": 3}, small.HOW)
    assert dict(chain.feed.filled[0].options) == {"threshold": 0.9, "interval": 3}
    prime = plan(ESTIMATORS["prime"], {"beta": 0.7}, small.HOW)
    assert prime.feed.filled[0] == sources.RewardModel("prime", 0.7, 0.2)
    assert small.planned("prime").feed.filled[0].beta == 0.05
    how = dataclasses.replace(small.HOW, continuations=9)
    assert small.planned("vineppo", how).feed.filled == (sources.Continuations(9),)


def test_options_reach_the_estimator():
    batch, _, _ = small.batch(small.planned("grpo").feed, small.case("field"), 24)
    one, other = (
        plan(ESTIMATORS["reinforce"], {"discount": x}, small.HOW) for x in (1.0, 0.0)
    )
    np.testing.assert_allclose(
        other.credit(batch.trajectories), batch.trajectories.rewards, atol=1e-6
    )
    assert not np.allclose(one.credit(batch.trajectories), batch.trajectories.rewards)


def test_a_field_that_nothing_fills_is_refused_with_what_would_do():
    wishful = Estimator("wishful", grpo, ("hindsight",))
    with pytest.raises(ValueError, match="'wishful' needs Trajectories.hindsight.*add"):
        plan(wishful, {}, small.HOW)


def test_an_option_that_the_estimator_lacks_is_refused_with_the_nearest():
    with pytest.raises(TypeError, match="no option 'intervall'; did you mean 'interv"):
        plan(ESTIMATORS["spo_chain"], {"intervall": 3}, small.HOW)
