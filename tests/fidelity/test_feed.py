"""Batches: what is afforded, what estimators read of it, and what it costs."""

import dataclasses

import jax
import numpy as np
import pytest

from rl_credit.fidelity import sources
from rl_credit.fidelity.feed import Feed
from rl_credit.fidelity.sources import Cost
from tests.fidelity import small

EPISODES = Feed((), None, small.HOW)
TREES = Feed((), small.HOW.tree, small.HOW)
feeds = pytest.mark.parametrize("feed, units", [(EPISODES, 24), (TREES, 8)])


def rows_of(feed, batch):
    """The unit that each row belongs to."""
    rows = len(batch.played.last)
    return np.arange(rows) if feed.tree is None else batch.played.groups


@feeds
def test_what_is_not_afforded_is_left_out_and_the_rest_stays(feed, units):
    case = small.case("ledge")
    whole, spent, _ = small.batch(feed, case, units, seed=4)
    part, less, _ = small.batch(feed, case, units, units - 3, seed=4)
    kept = rows_of(feed, whole) < units - 3
    for name in ("rewards", "where", "logps", "states"):
        one, other = (getattr(x.trajectories, name) for x in (whole, part))
        np.testing.assert_array_equal(one[kept], other[kept])
        assert not other[~kept].any()
    for name, column in vars(less).items():
        np.testing.assert_array_equal(column[kept], getattr(spent, name)[kept])
        assert not column[~kept].any()
    assert whole.trajectories.where[~kept].any()


@feeds
def test_estimators_read_what_was_played(feed, units):
    case, process = small.case("ledge"), small.ledge()
    batch, cost, _ = small.batch(feed, case, units)
    t, played = batch.trajectories, batch.played
    policy = np.asarray(jax.nn.log_softmax(small.logits("ledge")))
    sees = np.asarray(process.tables.sees)
    for at in np.argwhere(t.where):
        at = tuple(at)
        seen = sees[played.states[at]]
        assert batch.seen[at] == seen and tuple(t.states[at]) == (seen, 0)
        assert t.logps[at] == pytest.approx(policy[seen, played.actions[at]], rel=1e-5)
    np.testing.assert_array_equal(t.where, played.where)
    np.testing.assert_array_equal(cost.steps, t.where.sum(1))
    assert t.terminated.all()
    if feed.tree is None:
        np.testing.assert_array_equal(t.groups, np.arange(24) // 8)
        np.testing.assert_array_equal(t.rewards, played.rewards)
        assert not cost.resets.any() and t.parents is None
    np.testing.assert_array_equal(played.tasks, t.groups % 2)


def test_leaves_carry_the_return_of_their_whole_path():
    batch, _, _ = small.batch(TREES, small.case("ledge"), 8)
    t, paid = batch.trajectories, batch.played.rewards.sum(1)
    inner = {t.parents[row] for row in np.flatnonzero(t.where.any(1))}
    expected = np.zeros(t.rewards.shape)
    for row in np.flatnonzero(t.where.any(1)):
        if row not in inner:
            total, at = 0.0, row
            while at >= 0:
                total, at = total + paid[at], t.parents[at]
            expected[row, t.where[row].sum() - 1] = total
    np.testing.assert_allclose(t.rewards, expected, atol=1e-5)
    levels = {int((t.rewards[rows] != 0).sum()) for rows in np.split(np.arange(56), 7)}
    assert len(levels) > 1 and t.rewards[8:24].any()  # some paths end early


def test_a_segment_that_starts_in_the_middle_is_a_reset():
    batch, cost, _ = small.batch(TREES, small.case("field"), 8)
    np.testing.assert_array_equal(cost.resets, np.repeat([0, 0, 1], [8, 16, 32]))
    np.testing.assert_array_equal(cost.steps, np.repeat([0, 2, 2], [8, 16, 32]))
    assert TREES.unit == 7 and EPISODES.unit == 1
    assert Feed((), (3, 3, 3), small.HOW).unit == 40


def test_sources_add_their_costs_and_carry_what_they_learn():
    filled = sources.Critic(0.1), sources.Continuations(2), sources.Expert()
    feed = Feed(filled, None, small.HOW)
    batch, cost, states = small.batch(feed, small.case("field"), 24)
    np.testing.assert_array_equal(cost.steps, 4 + 2 * 10)
    np.testing.assert_array_equal(cost.resets, 2 * 4)
    np.testing.assert_array_equal(cost.forwards, 4 * 4)
    assert batch.trajectories.matches is not None
    assert batch.trajectories.values.any()  # of the later source
    assert states[0].any() and states[1:] == ((), ())
    assert feed.learns and not EPISODES.learns
    assert not Feed(filled[1:], None, small.HOW).learns


def test_the_price_is_in_steps():
    cost = Cost(*(jax.numpy.array([x]) for x in (10.0, 3.0, 8.0)))
    how = dataclasses.replace(small.HOW, reset=2.0, forward=0.5)
    assert how.price(cost).tolist() == [10 + 2 * 3 + 0.5 * 8]
