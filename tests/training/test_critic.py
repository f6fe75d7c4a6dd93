"""A critic reads what the agent read, and learns what came of it."""

import dataclasses

import jax
import numpy as np
import pytest

from rl_credit.losses.value import clipped_regression
from rl_credit.training import batching, critic, turn_scores
from rl_credit.training.critic import Critic, Values
from tests.training import spoken

OUTCOMES = [True, False, False, True, False, True, True, False]
FAST = dict(critic__learning_rate=1e-2, critic__epochs=4, critic__value_clip=0.5)


@pytest.fixture(scope="module")
def world():
    opened = spoken.opened()
    with opened.pool:
        yield opened


def made(world, grown=False, **changes):
    """A critic of the estimator gae and of these settings."""
    given = dict(credit__name="gae") | changes
    return Critic(spoken.agent(world, grown=grown, **given))


def wide(state, seed=1):
    """The parameters of a critic with a head that says something."""
    slope = jax.random.normal(jax.random.key(seed), (spoken.CONFIG.width,))
    return state.params | dict(slope=slope, offset=jax.numpy.float32(0.25))


@pytest.mark.parametrize("grown", [False, True])
def test_a_value_is_read_off_the_end_of_the_prompt(world, grown):
    one = made(world, grown)
    params = wide(one.init(spoken.params()))
    played = spoken.played(spoken.episodes(OUTCOMES))
    values = one.values(params, played)
    for row, episode in enumerate(played.episodes):
        for turn in range(len(episode.steps)):
            text = spoken.read(episode, turn, grown)
            end = spoken.hidden(params["decoder"], text)[-1]
            expected = end @ np.asarray(params["slope"]) + 0.25
            np.testing.assert_allclose(values[row, turn], expected, rtol=1e-4)
    assert not values[~played.batch.where].any()
    assert np.unique(values[played.batch.where]).size > len(OUTCOMES)


@pytest.mark.parametrize("grown", [False, True])
def test_microbatches_have_the_gradient_of_one_batch(world, grown):
    params = wide(made(world, grown).init(spoken.params()))
    played = spoken.played(spoken.episodes(OUTCOMES))
    where = np.asarray(played.batch.where)
    rng = np.random.default_rng(0)
    now, old, targets = rng.normal(size=(3, *where.shape)).astype(np.float32)
    now = made(world, grown).values(params, played)
    loss, slopes = turn_scores.slopes(clipped_regression, now, old, targets, where)

    def rows(column):
        return batching.openings(played.episodes, column, grown=grown)

    model = Values(spoken.MODEL)
    placement = spoken.placement()
    actual = turn_scores.gradient(model, params, rows(slopes), 1, placement)
    whole, before = batching.batch(rows(targets)), batching.batch(rows(old)).advantages

    def direct(params, whole, before):
        values = model(params, whole)
        return clipped_regression(
            values, before, whole.advantages, whole.trained
        ).mean()

    expected, gradient = jax.jit(jax.value_and_grad(direct))(params, whole, before)
    np.testing.assert_allclose(loss.mean(), expected, rtol=1e-5)
    spoken.close(actual, gradient)


def test_it_begins_at_zero_and_learns_what_came(world):
    one = made(world, **FAST)
    played = spoken.played(spoken.episodes(OUTCOMES))
    state, seen = one.init(spoken.params()), []
    before = spoken.copied(state.params)
    for step in range(12):
        state, filled, scalars = one.update(state, played)
        seen.append(scalars)
        if step == 0:
            assert not filled["values"].any() and not filled["final_values"].any()
    turns = FAST["critic__epochs"] * played.batch.where.sum()
    assert seen[0]["critic/forwards"] == seen[0]["critic/gradients"] == turns > 0
    assert seen[0]["critic/explained_variance"] == 0
    assert seen[-1]["critic/explained_variance"] > 0.9
    assert seen[-1]["critic/loss"] < 0.1 * seen[0]["critic/loss"]
    for name in ("embedding", "layers", "norm"):  # of the head it has no use
        own = (one["decoder"]["params"][name] for one in (before, state.params))
        assert spoken.moved(*own)
    fresh = spoken.played(spoken.episodes(OUTCOMES[::-1], seed=9))
    told = one.values(state.params, fresh)[:, 0]
    won = np.array(OUTCOMES[::-1])
    assert told[won].mean() > told[~won].mean() + 0.25
    assert spoken.same(spoken.params(), played.params)  # the policy's own are whole


def test_fields_are_those_before_the_update(world):
    one = made(world, **FAST)
    played = spoken.played(spoken.episodes(OUTCOMES))
    state, _, _ = one.update(one.init(spoken.params()), played)
    expected = one.values(state.params, played)
    state, filled, _ = one.update(state, played)
    np.testing.assert_array_equal(filled["values"], expected)
    assert not np.array_equal(one.values(state.params, played), expected)


@pytest.mark.parametrize("discount", [1.0, 0.5])
def test_an_episode_that_ran_out_of_turns_ended_in_nothing(world, discount):
    one = made(world, credit__options={"gae": dict(discount=discount)})
    cut = spoken.played(spoken.episodes([False] * 4, terminated=False))
    state = one.init(spoken.params())
    state = dataclasses.replace(state, params=wide(state))
    values = one.values(state.params, cut)
    where = np.asarray(cut.batch.where)
    assert np.abs(values[where]).min() > 0.01
    _, filled, seen = one.update(state, cut)
    assert not filled["final_values"].any()
    loss = np.square(values)[where].mean() / 2  # all targets are 0
    np.testing.assert_allclose(seen["critic/loss"], loss, rtol=1e-5, atol=1e-9)


def test_explained_variance_has_its_landmarks():
    targets = np.array([[1.0, 2.0], [4.0, 9.0]])
    where = np.array([[True, True], [True, False]])
    name = "critic/explained_variance"
    assert critic.explained(targets, targets, where)[name] == 1
    assert critic.explained(targets + 1, targets, where)[name] == 1
    assert critic.explained(0 * targets, targets, where)[name] == 0
    assert critic.explained(-targets, targets, where)[name] < 0
    assert critic.explained(targets, 0 * targets, where) == {}
