"""A reward model learns which episodes were won, and pays for the turns that did it."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.credit.estimators import ESTIMATORS
from rl_credit.training import batching, reward_model, turn_scores
from rl_credit.training.reward_model import RECIPES, LogProbs, RewardModel
from tests.training import spoken

OUTCOMES = [True, False, False, True, False, True, True, False]
BETA = 0.05
FAST = dict(reward_model__learning_rate=1e-2)


@pytest.fixture(scope="module")
def world():
    opened = spoken.opened()
    with opened.pool:
        yield opened


def made(world, name, grown=False, **changes):
    """The reward model of an estimator."""
    return RewardModel(spoken.agent(world, grown=grown, credit__name=name, **changes))


def test_every_estimator_that_needs_one_has_a_recipe():
    needing = {n for n, e in ESTIMATORS.items() if "log_ratios" in e.needs}
    assert needing == RECIPES.keys()
    assert all("beta" in ESTIMATORS[name].options for name in needing)


@pytest.mark.parametrize("grown", [False, True])
@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_a_log_ratio_sums_over_the_answer(world, grown, temperature):
    one = made(world, "oprl", grown, play__temperature=temperature)
    played = spoken.played(spoken.episodes(OUTCOMES))
    params = spoken.params(1), spoken.params(2)
    ratios = one.log_ratios(*params, played)
    for row, episode in enumerate(played.episodes):
        for turn, step in enumerate(episode.steps):
            text = spoken.read(episode, turn, grown)
            logps = [said(own, text, step.answer, temperature) for own in params]
            expected = logps[0] - logps[1]
            np.testing.assert_allclose(ratios[row, turn], expected, rtol=1e-3)
    assert not ratios[~played.batch.where].any()


def said(params, text, answer, temperature):
    """Log-probability of an answer after a text."""
    hidden = spoken.hidden(params, text + answer)[len(text) - 1 : -1]
    logits = hidden @ np.asarray(params["params"]["head"]) / temperature
    logps = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return float(sum(logps[place, token] for place, token in enumerate(answer)))


@pytest.mark.parametrize("name, grown", [("oprl", True), ("prime", False)])
def test_microbatches_have_the_gradient_of_one_batch(world, name, grown):
    one = made(world, name, grown)
    played = spoken.played(spoken.episodes(OUTCOMES))
    params, reference = spoken.params(1), spoken.params(2)
    won, groups = np.array(OUTCOMES), played.batch.groups
    where = np.asarray(played.batch.where)
    loss = RECIPES[name].loss
    ratios = one.log_ratios(params, reference, played)
    bound = functools.partial(loss, beta=BETA)
    seen, slopes = turn_scores.slopes(bound, ratios, where, won, groups)

    def rows(column):
        return batching.rows(played.episodes, column, grown=grown)

    model = LogProbs(spoken.MODEL, 1.0)
    placement = spoken.placement()
    actual = turn_scores.gradient(model, params, rows(slopes), 1, placement)
    numbers = np.cumsum(where).reshape(where.shape).astype(np.float32)
    whole = batching.batch(rows(numbers))  # the number of its turn, for a token
    turns = whole.advantages.astype(int)

    def direct(params, whole, where, won, groups):
        apart = model(params, whole) - model(reference, whole)
        summed = jnp.zeros(numbers.size).at[turns].add(whole.trained * apart)
        spread = jnp.where(where, summed[numbers.astype(int)], 0)
        return loss(spread, where, won, groups, beta=BETA).mean()

    known = (params, whole, where, won, groups)
    expected, gradient = jax.jit(jax.value_and_grad(direct))(*known)
    np.testing.assert_allclose(seen.mean(), expected, rtol=1e-5)
    spoken.close(actual, gradient, 1e-4)
    assert max(np.abs(leaf).max() for leaf in jax.tree.leaves(gradient)) > 1e-3


@pytest.mark.parametrize("name", RECIPES)
def test_it_tells_won_from_lost(world, name):
    one = made(world, name, **FAST)
    played = spoken.played(spoken.episodes(OUTCOMES))
    state, seen = one.init(spoken.params()), []
    before = spoken.copied(state.model.params)
    for step in range(15):
        state, filled, scalars = one.update(state, played)
        seen.append(scalars)
        if step == 0:  # model and reference are equal, so nothing is known yet
            assert not filled["log_ratios"].any()
    assert seen[0]["reward_model/accuracy"] == 0.5
    assert seen[0]["reward_model/pairs"] == 8
    turns = played.batch.where.sum()
    assert seen[0]["reward_model/forwards"] == 2 * turns
    assert seen[0]["reward_model/gradients"] == turns
    np.testing.assert_allclose(seen[0]["reward_model/loss"], np.log(2), rtol=1e-6)
    assert seen[-1]["reward_model/accuracy"] == 1
    assert seen[-1]["reward_model/loss"] < 0.9 * seen[0]["reward_model/loss"]
    assert spoken.moved(before, state.model.params)
    fresh = spoken.played(spoken.episodes(OUTCOMES[::-1], seed=9))
    ratios = one.log_ratios(state.model.params, spoken.params(), fresh).sum(axis=1)
    told = reward_model.ranked(ratios, np.array(OUTCOMES[::-1]), fresh.batch.groups)
    assert told["reward_model/accuracy"] > 0.8
    assert spoken.same(spoken.params(), played.params)  # the policy's own are whole


def test_nothing_changes_where_there_is_no_pair(world):
    one = made(world, "oprl", **FAST)
    mixed = spoken.played(spoken.episodes(OUTCOMES))
    state, _, _ = one.update(one.init(spoken.params()), mixed)
    assert int(state.model.updates) == 1  # its optimiser remembers a gradient
    before = spoken.copied(state)
    for outcomes in ([True] * 4, [False] * 8, [True] * 4 + [False] * 4):
        alike = spoken.played(spoken.episodes(outcomes))
        state, filled, seen = one.update(state, alike)
        assert seen.pop("reward_model/forwards") > 0 == seen["reward_model/gradients"]
        assert set(seen.values()) == {0.0}
        assert filled["log_ratios"].any()
    assert spoken.same(before, state)


@pytest.mark.parametrize("name", RECIPES)
def test_the_reference_rolls_or_is_frozen(world, name):
    one = made(world, name)
    episodes = spoken.episodes(OUTCOMES)
    state = one.init(spoken.params())
    moved = spoken.played(episodes, seed=1)  # the policy has changed since
    expected = one.log_ratios(
        spoken.params(), spoken.params(1 if name == "oprl" else 0), moved
    )
    state, filled, _ = one.update(state, moved)
    np.testing.assert_array_equal(filled["log_ratios"], expected)
    assert filled["log_ratios"].any() == (name == "oprl")


def test_rewards_are_those_before_the_update(world):
    one = made(world, "prime", **FAST)
    played = spoken.played(spoken.episodes(OUTCOMES))
    state, _, _ = one.update(one.init(spoken.params()), played)
    expected = one.log_ratios(state.model.params, spoken.params(), played)
    learned, filled, _ = one.update(state, played)
    np.testing.assert_array_equal(filled["log_ratios"], expected)
    assert not np.array_equal(
        one.log_ratios(learned.model.params, spoken.params(), played), expected
    )


def test_accuracy_counts_pairs_of_a_task():
    won = np.array([True, False, True, False, False])
    groups = np.array([0, 0, 1, 1, 1])
    scores = np.array([1.0, 9.0, 2.0, 2.0, 0.0])
    seen = reward_model.ranked(scores, won, groups)
    assert seen["reward_model/pairs"] == 3
    np.testing.assert_allclose(seen["reward_model/accuracy"], (0 + 0.5 + 1) / 3)
