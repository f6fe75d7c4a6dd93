import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_credit.bonuses import e3b, elliptical
from tests.references import bonuses as reference
from tests.references import golden

GOLDEN = golden.load("bonuses")
SHAPES = [(1, 1, 3), (12, 3, 70), (140, 2, 65)]
TIME, ENVS, DIM = 12, 3, 5  # of the laws
law = settings(max_examples=20, deadline=None)
rank_one, gram = jax.jit(elliptical.rank_one), jax.jit(elliptical.gram)
FORMS = dict(rank_one=rank_one, gram=gram)
lifelong = jax.jit(elliptical.lifelong)


def problem(time, envs, dim, seed=0, ending=0.15):
    """Features of length near 1, and ends of episodes."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(time, envs, dim)) / dim**0.5
    done = rng.random((time, envs)) < ending
    return jnp.asarray(features, jnp.float32), jnp.asarray(done)


def case(row):
    """Features [time 1 dim] and ends [time 1] of a golden case."""
    features = jnp.asarray(row["features"], jnp.float32)[:, None]
    return features, jnp.asarray(row["done"])[:, None]


@st.composite
def problems(draw):
    return problem(TIME, ENVS, DIM, draw(st.integers(0, 2**31)))


@pytest.mark.parametrize("shape", SHAPES)
def test_bonus_is_the_quadratic_form_that_defines_it(compiled, shape):
    features, done = problem(*shape)
    kernel = compiled(e3b.bonus, ridge=0.2)
    expected = reference.elliptical(np.asarray(features), np.asarray(done), 0.2)
    np.testing.assert_allclose(kernel(features, done), expected, rtol=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_blocks_and_single_steps_agree_and_carry_the_same(shape):
    features, done = problem(*shape, ending=0.05)
    begun = elliptical.init(*shape[1:])
    warm, _ = problem(7, *shape[1:], seed=1)
    inverse, _ = rank_one(begun, warm, jnp.zeros(warm.shape[:2], bool))
    inverses, paid = zip(
        *(kernel(inverse, features, done) for kernel in (rank_one, gram))
    )
    np.testing.assert_allclose(paid[1], paid[0], rtol=1e-4)
    np.testing.assert_allclose(inverses[1], inverses[0], rtol=1e-4, atol=2e-4)
    last, chosen = jax.jit(elliptical.advance)(inverse, features, done)
    np.testing.assert_allclose(chosen, paid[0], rtol=1e-4)
    np.testing.assert_allclose(last, inverses[0], rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize("row", GOLDEN["e3b"], ids=lambda row: f"dim{row['dim']}")
def test_golden_bonuses_of_the_paper(row):
    features, done = case(row)
    start = elliptical.init(1, row["dim"], ridge=row["ridge"])
    large = row["ridge"] < 0.1  # bonuses of 10^4, most of which float32 must cancel
    close = dict(rtol=3e-3 if large else 1e-4, atol=1e-6)
    first = np.concatenate([[True], np.asarray(row["done"])[:-1]])
    for form in FORMS:
        paid = FORMS[form](start, features, done, ridge=row["ridge"])[1]
        paid = np.asarray(paid)[:, 0]
        np.testing.assert_allclose(paid, row["bonus_oracle_paper"], **close)
        released = np.where(first, 0.0, paid)  # the reference pays no first step
        np.testing.assert_allclose(released, row["bonus_oracle_first_zeroed"], **close)
    covariance = row["ridge"] * jnp.eye(row["dim"])
    paid = np.asarray(lifelong(covariance, features)[1])[:, 0]
    expected = row["bonus_lifelong_oracle"]
    np.testing.assert_allclose(np.where(first, 0.0, paid), expected, **close)


def test_golden_bonuses_of_policy_features():
    row = GOLDEN["e3b_policy_features"]
    features, done = case(row)
    paid = np.asarray(e3b.bonus(features, done, ridge=row["ridge"]))[:, 0]
    first = np.concatenate([[True], np.asarray(row["done"])[:-1]])
    released = np.where(first, 0.0, paid)
    np.testing.assert_allclose(released, row["bonus_oracle_first_zeroed"], rtol=1e-4)


@pytest.mark.parametrize("form", FORMS)
def test_golden_inverses_one_step_after_the_other(form):
    kernel = FORMS[form]
    for row in GOLDEN["e3b_inverse_snapshots_oracle"]:
        phi = jnp.asarray(row["phi"], jnp.float32)[None, None]
        before = jnp.asarray(row["Cinv_before"], jnp.float32)[None]
        inverse, paid = kernel(before, phi, jnp.zeros((1, 1), bool))
        np.testing.assert_allclose(paid[0, 0], row["bonus"], rtol=1e-4)
        expected = row["Cinv_after"]
        np.testing.assert_allclose(inverse[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_golden_covariances_are_carried_between_rollouts(form):
    """What Sample Factory's port meant to do."""
    row = GOLDEN["e3b_sample_factory"]
    kernel = FORMS[form]
    inverse = elliptical.init(3, 6, ridge=row["ridge"])
    rollouts = row["features_rollout_batch_time_dim"], row["done"]
    expected = row["oracle_state_carried_across_rollouts"]
    for features, done, bonuses in zip(*rollouts, expected):
        features = jnp.swapaxes(jnp.asarray(features, jnp.float32), 0, 1)
        inverse, paid = kernel(inverse, features, jnp.asarray(done).T)
        np.testing.assert_allclose(paid.T, bonuses, rtol=1e-4)


@law
@given(
    rollout=problems(),
    cut=st.sampled_from([1, 5]),
    form=st.sampled_from(sorted(FORMS)),
)
def test_rollouts_may_be_cut_anywhere(rollout, cut, form):
    features, done = rollout
    kernel = FORMS[form]
    inverse, first = kernel(elliptical.init(ENVS, DIM), features[:cut], done[:cut])
    inverse, second = kernel(inverse, features[cut:], done[cut:])
    whole, paid = kernel(elliptical.init(ENVS, DIM), features, done)
    np.testing.assert_allclose(jnp.concatenate([first, second]), paid, rtol=1e-4)
    np.testing.assert_allclose(inverse, whole, rtol=1e-4, atol=1e-4)


@law
@given(rollout=problems(), order=st.permutations(range(ENVS)))
def test_environments_do_not_know_of_each_other(rollout, order):
    features, done = rollout
    order = np.asarray(order)
    start = elliptical.init(ENVS, DIM)
    for kernel in (gram, rank_one):
        paid = kernel(start, features, done)[1]
        moved = kernel(start, features[:, order], done[:, order])[1]
        np.testing.assert_allclose(moved, paid[:, order], rtol=1e-6)


@law
@given(rollout=problems(), scale=st.sampled_from([0.0, 0.01, 1.0, 5.0]))
def test_a_bonus_is_between_0_and_that_of_a_first_visit(rollout, scale):
    features, done = rollout
    features = scale * features
    most = jnp.sum(jnp.square(features), axis=2) / 0.1
    first = np.concatenate([np.ones((1, ENVS), bool), done[:-1]])
    for kernel in (gram, rank_one):
        _, paid = kernel(elliptical.init(ENVS, DIM), features, done)
        assert np.all(np.isfinite(paid)) and np.all(paid >= 0)
        assert np.all(paid <= most * (1 + 1e-5))
        np.testing.assert_allclose(paid[first], most[first], rtol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_one_hot_features_count_visits(form):
    visited = np.random.default_rng(0).integers(DIM, size=(TIME, ENVS))
    features, done = jnp.eye(DIM)[visited], jnp.zeros((TIME, ENVS), bool)
    _, paid = FORMS[form](elliptical.init(ENVS, DIM), features, done)
    starts = np.arange(TIME)[:, None] == 0
    nowhere = np.full((TIME, ENVS), -1)
    visits = reference.episodic_visits(nowhere, visited, starts | np.zeros(ENVS, bool))
    np.testing.assert_allclose(paid, 1.0 / (0.1 + visits - 1), rtol=1e-4)


def test_a_life_is_one_long_episode_of_all_environments():
    features, _ = problem(TIME, ENVS, DIM)
    expected = reference.lifelong(np.asarray(features), 0.1)
    covariance, paid = lifelong(0.1 * jnp.eye(DIM), features)
    np.testing.assert_allclose(paid, expected, rtol=1e-4)
    rows = np.asarray(features).reshape(-1, DIM)
    products = 0.1 * np.eye(DIM) + rows.T @ rows
    np.testing.assert_allclose(covariance, products, rtol=1e-5, atol=1e-6)
    cut, first = lifelong(0.1 * jnp.eye(DIM), features[:5])
    _, second = lifelong(cut, features[5:])
    np.testing.assert_allclose(jnp.concatenate([first, second]), paid, rtol=1e-4)


def test_a_long_life_stays_accurate():
    """20 000 states of few directions, in which a carried inverse would drift."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(4, 16)) / 4
    covariance = 0.1 * jnp.eye(16)
    for _ in range(20):
        chosen = directions[rng.integers(4, size=(250, 4))]
        covariance, paid = lifelong(covariance, jnp.asarray(chosen, jnp.float32))
    axis = jnp.broadcast_to(jnp.eye(16)[0], (250, 4, 16))
    expected = np.linalg.inv(np.asarray(covariance, np.float64))[0, 0]
    actual = lifelong(covariance, axis)[1][0, 0]
    np.testing.assert_allclose(actual, expected, rtol=1e-3)
    assert np.all(np.isfinite(paid)) and float(jnp.max(paid)) < 1e-2
