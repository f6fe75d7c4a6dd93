"""Each field is what its paper estimates, and costs what a reader would count."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.fidelity import sources
from rl_credit.fidelity.feed import Feed
from tests.fidelity import small

ROWS, COUNT = 24, 2
PLAIN = Feed((), None, small.HOW)


@functools.cache
def compiled(source):
    """What it does with a batch."""
    return jax.jit(source.fill)


def filled(source, name, *, logits=None, state=None, seed=0, afforded=None):
    """Episodes, the field that the source fills, its cost, and what it has learned."""
    case = small.case(name)
    batch, _, _ = small.batch(PLAIN, case, ROWS, afforded, logits=logits, seed=seed)
    state = source.init(case) if state is None else state
    who, key = small.who(case, logits), jax.random.key(1000 + seed)
    found = compiled(source)(case, who, batch, state, key)
    (field,), cost, learned = jax.device_get((tuple(found[0].values()), *found[1:]))
    return batch, field, cost, learned


def places(batch):
    """Row, time, state and action of every step, in order."""
    played = batch.played
    for row, time in np.argwhere(batch.trajectories.where):
        yield row, time, played.states[row, time], played.actions[row, time]


def unbiased(found, expected):
    """That the mean error is within 4 standard errors; steps of a row hang together."""
    errors = np.array(found) - np.array(expected)
    assert abs(errors.mean()) < 4 * errors.std() / np.sqrt(len(errors) / 4)


def lengths(batch):
    """Steps of each row."""
    return batch.trajectories.where.sum(1)


@pytest.mark.parametrize("name", small.PROCESSES)
def test_continuations_are_the_value_on_average(name):
    truth, found, expected, taken = small.truth(name), [], [], []
    for seed in range(30):
        batch, values, cost, _ = filled(sources.Continuations(COUNT), name, seed=seed)
        for row, time, state, _ in places(batch):
            found.append(values[row, time])
            expected.append(truth.values[time, state])
        assert not values[~batch.trajectories.where].any()
        taken.append(cost.steps)
        np.testing.assert_array_equal(cost.resets, COUNT * lengths(batch))
        assert not np.any(cost.forwards)
    unbiased(found, expected)
    assert np.corrcoef(found, expected)[0, 1] > 0.5
    if name == "field":  # 4 + 3 + 2 + 1 steps are left
        assert (np.array(taken) == COUNT * 10).all()


@pytest.mark.parametrize(
    "estimator, options, starts",
    [
        ("spo_chain_fixed_count", (("count", 2),), (0, 2)),
        ("spo_chain_fixed_interval", (("interval", 3),), (0, 3)),
    ],
)
def test_segments_are_priced_and_valued_at_their_starts_alone(
    estimator, options, starts
):
    source = sources.Segments(estimator, options, sources.Continuations(COUNT))
    truth, found, expected = small.truth("field"), [], []
    for seed in range(20):
        batch, values, cost, _ = filled(source, "field", seed=seed)
        for row, time, state, _ in places(batch):
            if time in starts:
                paid = batch.played.rewards[row, :time].sum()
                found.append(values[row, time])
                expected.append(paid + truth.values[time, state])
            else:
                assert values[row, time] == 0.0
        again = COUNT * sum(4 - start for start in starts)
        np.testing.assert_array_equal(cost.steps, again)
        np.testing.assert_array_equal(cost.resets, COUNT * len(starts))
    unbiased(found, expected)


def test_adaptive_segments_begin_at_unsure_actions():
    options = ("threshold", 0.5), ("interval", 1)
    source = sources.Segments("spo_chain", options, sources.Continuations(COUNT))
    batch, values, cost, _ = filled(source, "ledge")
    policy = np.asarray(jax.nn.softmax(batch.logits))
    unsure = np.zeros((ROWS, small.SPANS), bool)
    for row, time, _, action in places(batch):
        unsure[row, time] = policy[batch.seen[row, time], action] < 0.5
    np.testing.assert_array_equal(cost.resets, COUNT * unsure.sum(1))
    assert 0 < unsure.sum() < lengths(batch).sum()
    assert not values[~unsure].any()


def test_a_greedy_episode_is_shared_by_its_task_and_paid_once():
    """The greedy action is to stay, which gives 0.1 five times."""
    logits = small.case("ledge").logits.at[:3, 0].set(2.5)
    batch, baselines, cost, _ = filled(sources.Greedy(), "ledge", logits=logits)
    np.testing.assert_allclose(baselines, 0.5, rtol=1e-6)
    tasks = batch.played.tasks
    for task, rows in ((0, 16), (1, 8)):
        np.testing.assert_allclose(cost.steps[tasks == task], [5 / rows] * rows, 1e-5)
    assert not np.any(cost.resets) and not np.any(cost.forwards)


def test_a_task_without_an_episode_is_not_charged():
    batch, _, cost, _ = filled(sources.Greedy(), "field", afforded=8)
    tasks = batch.played.tasks
    assert cost.steps[tasks == 0].sum() == pytest.approx(4)
    assert cost.steps[tasks == 1].sum() == 0


def test_matches_stop_at_the_first_other_action():
    batch, matches, cost, _ = filled(sources.Expert(), "ledge")
    expert, so_far = np.asarray(small.case("ledge").expert), np.ones(ROWS, bool)
    expected = np.zeros((ROWS, small.SPANS), bool)
    for row, time, state, action in places(batch):
        so_far[row] &= expert[time, state, action]
        expected[row, time] = so_far[row]
    np.testing.assert_array_equal(matches, expected)
    assert expected.any() and not so_far.all()
    assert not any(np.any(column) for column in vars(cost).values())


def test_the_critic_tells_what_it_knew_before_the_batch():
    source = sources.Critic(0.1)
    first, values, cost, learned = filled(source, "ledge")
    assert not np.any(values)
    np.testing.assert_array_equal(cost.forwards, 4 * lengths(first))
    sums, visits = np.zeros(10), np.zeros(10)
    for row, time, _, _ in places(first):
        seen = first.seen[row, time]
        sums[seen] += first.trajectories.rewards[row, time:].sum()
        visits[seen] += 1
    mean = sums / np.maximum(visits, 1)
    np.testing.assert_allclose(learned, 0.1 * mean, rtol=1e-4)
    second, values, _, _ = filled(source, "ledge", state=learned, seed=1)
    for row, time, _, _ in places(second):
        assert values[row, time] == learned[second.seen[row, time]]


def test_the_critic_comes_to_the_value_of_what_is_seen():
    """Which is a mean over the states and times at which it is seen."""
    truth, sees = small.truth("field"), np.asarray(small.field().tables.sees)
    visits = np.tensordot([2 / 3, 1 / 3], truth.occupancy, 1)  # 16 rows and 8
    worth = visits * truth.values[:-1]
    sums, often = (
        np.array([table[:, sees == seen].sum() for seen in range(10)])
        for table in (worth, visits)
    )
    source, learned, known = sources.Critic(0.1), None, []
    for seed in range(160):
        _, _, _, learned = filled(source, "field", state=learned, seed=seed)
        known.append(learned)
    seen = often > 0.2
    found, expected = np.mean(known[60:], 0)[seen], (sums / often)[seen]
    np.testing.assert_allclose(found, expected, atol=0.1)
    assert len(found) > 5 and np.ptp(expected) > 1.0


@pytest.mark.parametrize("name, forwards", [("prime", 5), ("oprl", 4)])
def test_a_reward_model_begins_as_the_policy_and_learns_who_wins(name, forwards):
    source = sources.RewardModel(name, 0.5, 0.1)
    first, ratios, cost, learned = filled(source, "field")
    assert not np.any(ratios)
    np.testing.assert_array_equal(cost.forwards, forwards * lengths(first))
    for seed in range(1, 40):
        _, _, _, learned = filled(source, "field", state=learned, seed=seed)
    expected, gaps = np.asarray(small.case("field").expected), []
    for seed in range(100, 110):
        batch, ratios, _, _ = filled(source, "field", state=learned, seed=seed)
        returns = batch.trajectories.rewards.sum(1)
        won = returns > expected[batch.played.tasks]
        gaps.append(ratios.sum(1)[won].mean() - ratios.sum(1)[~won].mean())
    assert np.mean(gaps) > 4 * np.std(gaps, ddof=1) / np.sqrt(10)


def test_the_reference_of_prime_stays_and_that_of_oprl_is_the_policy_that_played():
    first = small.case("field").logits
    moved = first.at[:, 0].add(1.0)
    prime, oprl = (sources.RewardModel(name, 0.5, 0.1) for name in ("prime", "oprl"))
    _, kept, _, _ = filled(prime, "field", logits=moved)
    assert not np.any(kept)
    batch, found, _, _ = filled(oprl, "field", logits=moved)
    before, after = (np.asarray(jax.nn.log_softmax(x)) for x in (first, moved))
    for row, time, _, action in places(batch):
        at = batch.seen[row, time], action
        assert found[row, time] == pytest.approx(before[at] - after[at], abs=1e-5)


def test_costs_add_up():
    one = sources.Cost(jnp.ones(2), jnp.zeros(2), jnp.full(2, 3.0))
    both = one + dataclasses.replace(one, resets=jnp.ones(2))
    assert both.steps.tolist() == [2, 2] and both.resets.tolist() == [1, 1]
    assert both.forwards.tolist() == [6, 6]
