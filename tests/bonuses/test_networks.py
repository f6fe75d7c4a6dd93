"""Bonuses that learn: what they pay, and what learning does to it."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.bonuses import dynamics, e3b, features, noveld
from rl_credit.bonuses.e3b import E3B
from rl_credit.bonuses.icm import ICM
from rl_credit.bonuses.noveld import NovelD
from rl_credit.bonuses.ride import RIDE
from rl_credit.bonuses.rnd import RND
from rl_credit.bonuses.seen import Seen
from tests.bonuses import streams
from tests.references import bonuses as reference
from tests.references import golden

KEY = jax.random.key(0)
SMALL = dict(width=16, dim=8, learning_rate=1e-2, minibatches=2)
ACTS = dict(num_actions=streams.ACTIONS)
TIME, ENVS = 8, 4


def walks(time, envs, seed):
    """Up and down a line of six places; the action says where to."""
    rng = np.random.default_rng(seed)
    actions = rng.integers(2, size=(time, envs))
    places = np.full((time + 1, envs), 3)
    for step, chosen in enumerate(actions):
        places[step + 1] = np.clip(places[step] + 2 * chosen - 1, 0, 5)
    looks = jnp.eye(6)
    return dataclasses.replace(
        streams.stream(time, envs, ending=0.0),
        observations=looks[places[:-1]],
        next_observations=looks[places[1:]],
        actions=jnp.asarray(actions, jnp.int32),
        start_keys=jnp.asarray(places[:-1], jnp.int32),
        keys=jnp.asarray(places[1:], jnp.int32),
    )


def taught(bonus, state, seen, rounds):
    """The state after some rounds, and the scalars of the first and the last."""
    learn, history = jax.jit(bonus.learn), []
    for round in range(rounds):
        state, scalars = learn(state, seen, jax.random.fold_in(KEY, round))
        history.append({name: float(value) for name, value in scalars.items()})
    return state, history[0], history[-1]


def rows(array):
    return np.asarray(array).reshape(-1, *array.shape[2:])


def test_standardised_features_do_not_depend_on_the_scale_of_observations():
    params = features.init(KEY, 24, 16, 8)
    looks = streams.stream(3, 2).observations[0]
    ours = features.encode(params, looks)
    np.testing.assert_allclose(jnp.mean(ours, axis=1), 0.0, atol=1e-5)
    np.testing.assert_allclose(jnp.var(ours, axis=1), 1.0, rtol=1e-3)
    pixels = features.encode(params, 255.0 * looks)
    np.testing.assert_allclose(pixels, ours, rtol=1e-2, atol=1e-3)
    lengths = jnp.sum(jnp.square(features.unit(ours)), axis=1)
    np.testing.assert_allclose(lengths, 1.0, rtol=1e-3)
    assert not np.any(features.unit(jnp.ones((2, 8))))
    whole = features.encode(params, jnp.ones((2, 3, 4, 2), jnp.uint8))
    assert whole.shape == (2, 8) and whole.dtype == jnp.float32


def test_what_rnd_was_shown_is_no_longer_novel():
    bonus = RND(**SMALL)
    seen = streams.stream(TIME, ENVS, keys=4)
    other = streams.stream(TIME, ENVS, keys=4, seed=5)
    pay, state = jax.jit(bonus.pay), bonus.init(KEY, seen)
    same, before = pay(state, seen)
    assert same is not None and np.all(np.asarray(before) > 0)
    later, first, last = taught(bonus, state, seen, 40)
    assert last["rnd_loss"] < 0.2 * first["rnd_loss"]
    _, after = pay(later, seen)
    _, elsewhere = pay(later, other)
    assert np.mean(after) < 0.2 * np.mean(before)
    assert np.mean(after) < 0.2 * np.mean(elsewhere)
    rooted = dataclasses.replace(bonus, squared=False)
    np.testing.assert_allclose(rooted.pay(later, seen)[1], after**0.5, rtol=1e-5)
    targets = map(jax.tree.leaves, (later.target, state.target))
    for ours, drawn in zip(*targets):
        np.testing.assert_array_equal(ours, drawn)


def test_golden_noveld_with_true_last_states():
    row = golden.load("bonuses")["noveld_trajectory_oracle"]
    done, keys = np.array(row["done_after_step"]), np.array(row["keys_of_obs"])
    novelty = jnp.asarray(row["novelty_of_obs"], jnp.float32)[:, None]
    begins = np.concatenate([[True], done[:-1]])
    bonus = NovelD(num_keys=int(keys.max()) + 1)
    seen = streams.keyed(keys[:-1, None], keys[1:, None], begins[:, None])
    state = bonus.init(KEY, seen)
    _, first = bonus._first.pay(state.tables, seen)
    expected = [step["erir"] for step in row["rows"]]
    np.testing.assert_array_equal(first[:, 0], expected)
    for scale in (0.0, 0.1, 0.5, 1.0):
        paid = first * noveld.gain(novelty[:-1], novelty[1:], scale=scale)
        expected = [step[f"noveld_alpha{scale}"] for step in row["rows"]]
        np.testing.assert_allclose(paid[:, 0], expected, rtol=1e-5, atol=1e-6)


def test_noveld_is_a_gain_of_novelty_at_first_visits():
    seen = streams.stream(TIME, ENVS)
    bonus = NovelD(scale=0.5, num_keys=streams.KEYS, **SMALL)
    state = bonus.init(KEY, seen)
    _, paid = jax.jit(bonus.pay)(state, seen)
    before = np.asarray(bonus.novelty(state.rnd, seen.observations))
    after = np.asarray(bonus.novelty(state.rnd, seen.next_observations))
    flags = [np.asarray(part) for part in (seen.start_keys, seen.keys, seen.starts)]
    first = reference.episodic_visits(*flags) == 1
    expected = np.maximum(after - 0.5 * before, 0.0)
    np.testing.assert_allclose(paid, expected * first, rtol=1e-5, atol=1e-6)
    free = dataclasses.replace(bonus, erir=False)
    _, paid = free.pay(free.init(KEY, seen), seen)
    assert free.init(KEY, seen).tables is None
    assert np.any(np.asarray(paid)[~first] > 0)


@pytest.mark.parametrize("kind", [E3B, ICM, RIDE])
def test_inverse_dynamics_tell_actions_apart(kind):
    seen, held_out = walks(32, 8, seed=0), walks(32, 8, seed=1)
    bonus = kind(num_actions=2, **SMALL)
    state, first, last = taught(bonus, bonus.init(KEY, seen), seen, 30)
    assert last["inverse_loss"] < 0.5 * first["inverse_loss"]
    _, before, _ = taught(bonus, state, held_out, 1)
    assert before["inverse_accuracy"] > 0.9
    if kind is not E3B:
        assert last["forward_loss"] < first["forward_loss"]


def test_icm_pays_half_the_squared_error_of_its_prediction():
    seen = walks(TIME, ENVS, seed=0)
    bonus = ICM(num_actions=2, **SMALL)
    state = bonus.init(KEY, seen)
    _, paid = jax.jit(bonus.pay)(state, seen)
    encoder = state.params["encoder"]
    before = features.encode(encoder, features.rows(seen.observations))
    after = features.encode(encoder, features.rows(seen.next_observations))
    predicted = dynamics.predict(state.params, before, features.rows(seen.actions))
    expected = 0.5 * np.sum(np.square(np.asarray(predicted - after)), axis=1)
    np.testing.assert_allclose(rows(paid), expected, rtol=1e-4)
    again = walks(TIME, ENVS, seed=2)
    state, *_ = taught(bonus, state, seen, 40)
    assert np.mean(bonus.pay(state, again)[1]) < np.mean(paid)


def test_ride_pays_impact_over_the_root_of_visits():
    seen = walks(TIME, ENVS, seed=0)
    bonus = RIDE(num_actions=2, num_keys=6, **SMALL)
    state = bonus.init(KEY, seen)
    _, paid = jax.jit(bonus.pay)(state, seen)
    encoder = state.dynamics.params["encoder"]
    before = features.encode(encoder, features.rows(seen.observations))
    after = features.encode(encoder, features.rows(seen.next_observations))
    impact = np.linalg.norm(np.asarray(after - before), axis=1)
    flags = [np.asarray(part) for part in (seen.start_keys, seen.keys, seen.starts)]
    visits = reference.episodic_visits(*flags)
    expected = impact.reshape(visits.shape) / np.sqrt(visits)
    np.testing.assert_allclose(paid, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("encoder", e3b.ENCODERS)
def test_e3b_pays_the_kernel_of_its_features(encoder):
    seen = streams.stream(TIME, ENVS)
    bonus = E3B(encoder=encoder, ridge=0.5, **ACTS, **SMALL)
    state = bonus.init(KEY, seen)
    _, paid = jax.jit(bonus.pay)(state, seen)
    if encoder == "policy":
        outputs = seen.features
    else:
        params = state.learner
        params = params.params["encoder"] if encoder == "inverse" else params
        looks = features.flat(features.rows(seen.observations))
        outputs = features.apply(params, looks).reshape(TIME, ENVS, -1)
    phi = np.asarray(features.unit(outputs))
    expected = reference.elliptical(phi, np.asarray(seen.ends), 0.5)
    np.testing.assert_allclose(paid, expected, rtol=1e-3)
    assert np.all(np.asarray(paid)[np.asarray(seen.starts)] > 0)
    lifelong = dataclasses.replace(bonus, lifelong=True)
    _, paid = jax.jit(lifelong.pay)(lifelong.init(KEY, seen), seen)
    np.testing.assert_allclose(paid, reference.lifelong(phi, 0.5), rtol=1e-3)
    learned, scalars = jax.jit(bonus.learn)(state, seen, KEY)
    changed = jax.tree.map(lambda new, old: np.any(new != old), learned, state)
    assert any(jax.tree.leaves(changed)) == bool(scalars) == (encoder == "inverse")


def test_what_is_refused():
    with pytest.raises(ValueError, match="did you mean 'inverse'"):
        E3B(encoder="invers")
    with pytest.raises(ValueError, match="num_actions=0"):
        E3B()
    with pytest.raises(ValueError, match="ridge=-1.0 must be positive"):
        E3B(encoder="random", ridge=-1.0)
    with pytest.raises(ValueError, match="num_actions=0"):
        ICM(num_actions=0)
    with pytest.raises(ValueError, match="num_keys=-2"):
        RIDE(num_actions=2, num_keys=-2)
    with pytest.raises(ValueError, match="num_keys=-2"):
        NovelD(num_keys=-2)
    blind: Seen = dataclasses.replace(streams.stream(2, 1), features=None)
    with pytest.raises(ValueError, match="Seen.features"):
        E3B(encoder="policy").init(KEY, blind)
