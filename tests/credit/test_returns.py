import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import rlax
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_credit.credit import returns
from tests.masks import masks
from tests.references import returns as reference

SHAPES = [(1, 1), (5, 4), (3, 30)]  # trajectories of each kind of mask, spans
MASKS = ("all", "prefix", "left", "holes", "none")
CLOSE = dict(rtol=1e-5, atol=1e-5)
KNOBS = [(1.0, 1.0), (0.95, 0.9), (0.9, 0.0), (0.0, 0.5)]  # discount, trace
BATCH, SPANS = 4, 6  # of the laws


def problem(batch, spans, kinds=MASKS, seed=0):
    """Rewards, values, next values, terminated and truncated per span, and a mask."""
    rng = np.random.default_rng(seed)
    where = np.concatenate([masks(rng, batch, spans)[kind] for kind in kinds])
    rewards, values, nexts = rng.normal(0.0, 2.0, (3, *where.shape))
    terminated, truncated = rng.random((2, *where.shape)) < 0.2
    return rewards, values, nexts, terminated, truncated, where


def arrays(*parts):
    floats = [np.asarray(part).dtype == np.float64 for part in parts]
    return [
        jnp.asarray(part, jnp.float32 if float else None)
        for part, float in zip(parts, floats)
    ]


@st.composite
def batches(draw, masks=("prefix", "left", "holes")):
    kind, seed = draw(st.sampled_from(masks)), draw(st.integers(0, 2**31))
    return problem(BATCH, SPANS, (kind,), seed)


law = settings(max_examples=25, deadline=None)
units = st.sampled_from([0.0, 0.5, 0.9, 1.0])
gae, lambda_returns = jax.jit(returns.gae), jax.jit(returns.lambda_returns)
discounted, next_values = jax.jit(returns.discounted), jax.jit(returns.next_values)
rlax_gae = jax.jit(
    jax.vmap(rlax.truncated_generalized_advantage_estimation, (0, 0, None, 0))
)
rlax_lambda_returns = jax.jit(jax.vmap(rlax.lambda_returns, (0, 0, 0, None)))


@pytest.mark.parametrize("batch, spans", SHAPES)
def test_discounted_is_the_sum_that_defines_it(compiled, batch, spans):
    kernel = compiled(returns.discounted)
    rewards, *_, where = problem(batch, spans)
    for discount in (1.0, 0.95, 0.0):
        actual = kernel(*arrays(rewards, where), discount=discount)
        method = functools.partial(reference.discounted, discount=discount)
        expected = reference.by_trajectory(method, where, rewards)
        np.testing.assert_allclose(actual, expected, **CLOSE)


@pytest.mark.parametrize("batch, spans", SHAPES)
def test_next_values_pass_over_holes(compiled, batch, spans):
    kernel = compiled(returns.next_values)
    _, values, *_, where = problem(batch, spans)
    final = np.arange(1.0, len(where) + 1)
    column = np.broadcast_to(final[:, None], where.shape)
    method = reference.next_values
    expected = reference.by_trajectory(method, where, values, column)
    actual = kernel(*arrays(values, where, final))
    np.testing.assert_allclose(actual, expected, **CLOSE)
    expected = reference.by_trajectory(method, where, values, 0 * column)
    np.testing.assert_allclose(kernel(*arrays(values, where)), expected, **CLOSE)


@pytest.mark.parametrize("batch, spans", SHAPES)
def test_gae_is_the_sum_that_defines_it(compiled, batch, spans):
    kernel = compiled(returns.gae)
    *columns, truncated, where = problem(batch, spans)
    inputs = arrays(*columns, where)
    for discount, trace in KNOBS:
        knobs = dict(discount=discount, trace=trace)
        actual = kernel(*inputs, truncated=jnp.asarray(truncated), **knobs)
        method = functools.partial(reference.gae, **knobs)
        expected = reference.by_trajectory(method, where, *columns, truncated)
        np.testing.assert_allclose(actual, expected, **CLOSE)


@pytest.mark.parametrize("batch, spans", SHAPES)
def test_lambda_returns_mix_the_n_step_returns(compiled, batch, spans):
    kernel = compiled(returns.lambda_returns)
    rewards, _, nexts, terminated, _, where = problem(batch, spans)
    columns = rewards, nexts, terminated
    for discount, trace in KNOBS:
        knobs = dict(discount=discount, trace=trace)
        method = functools.partial(reference.lambda_returns, **knobs)
        expected = reference.by_trajectory(method, where, *columns)
        actual = kernel(*arrays(*columns, where), **knobs)
        np.testing.assert_allclose(actual, expected, **CLOSE)


@law
@given(batch=batches(), discount=units)
def test_gae_is_monte_carlo_or_temporal_difference_at_the_ends(batch, discount):
    rewards, values, _, _, _, where = arrays(*batch)
    nexts = next_values(values, where)
    ended = jnp.ones(BATCH, bool)
    inputs = rewards, values, nexts, ended, where
    actual = gae(*inputs, discount=discount, trace=1.0)
    expected = discounted(rewards, where, discount=discount)
    expected = jnp.where(where, expected - values, 0.0)
    np.testing.assert_allclose(actual, expected, **CLOSE)
    actual = gae(*inputs, discount=discount, trace=0.0)
    expected = returns.temporal_differences(*inputs, discount=discount)
    np.testing.assert_allclose(actual, expected, **CLOSE)
    by_hand = jnp.where(where, rewards + discount * nexts - values, 0.0)
    np.testing.assert_allclose(actual, by_hand, **CLOSE)


@law
@given(batch=batches(), discount=units, trace=units)
def test_lambda_returns_less_values_are_gae(batch, discount, trace):
    rewards, values, _, terminated, _, where = arrays(*batch)
    nexts = next_values(values, where, jnp.arange(1.0, BATCH + 1))
    knobs = dict(discount=discount, trace=trace)
    for ended in (terminated, terminated[:, 0]):
        expected = gae(rewards, values, nexts, ended, where, **knobs)
        actual = lambda_returns(rewards, nexts, ended, where, **knobs)
        actual = jnp.where(where, actual - values, 0.0)
        np.testing.assert_allclose(actual, expected, **CLOSE)


@law
@given(batch=batches(), discount=units, trace=units)
def test_rlax_agrees_on_each_row(batch, discount, trace):
    rewards, values, _, terminated, _, _ = arrays(*batch)
    final = jnp.arange(1.0, BATCH + 1)
    where = jnp.ones((BATCH, SPANS), bool)
    nexts = next_values(values, where, final)
    knobs = dict(discount=discount, trace=trace)
    advantages = gae(rewards, values, nexts, terminated, where, **knobs)
    targets = lambda_returns(rewards, nexts, terminated, where, **knobs)
    discounts = jnp.where(terminated, 0.0, discount)
    states = jnp.concatenate([values, final[:, None]], axis=1)
    expected = rlax_gae(rewards, discounts, trace, states)
    np.testing.assert_allclose(advantages, expected, **CLOSE)
    expected = rlax_lambda_returns(rewards, discounts, nexts, trace)
    np.testing.assert_allclose(targets, expected, **CLOSE)


@law
@given(batch=batches(), cut=st.integers(0, SPANS - 1), discount=units, trace=units)
def test_a_truncated_span_splits_the_row_in_two(batch, cut, discount, trace):
    rewards, values, nexts, terminated, _, where = arrays(*batch)
    steps = jnp.broadcast_to(jnp.arange(SPANS), where.shape)
    truncated = jnp.broadcast_to(steps == cut, where.shape) & where
    played = where & where[:, cut, None]  # rows that are not cut say nothing
    knobs = dict(discount=discount, trace=trace)
    inputs = rewards, values, nexts, terminated
    whole = gae(*inputs, played, truncated=truncated, **knobs)
    first = gae(*inputs, played & (steps <= cut), **knobs)
    second = gae(*inputs, played & (steps > cut), **knobs)
    np.testing.assert_allclose(whole, first + second, **CLOSE)


@law
@given(batch=batches(), discount=units, trace=units)
def test_termination_of_a_trajectory_is_that_of_its_last_span(batch, discount, trace):
    rewards, values, nexts, terminated, _, where = arrays(*batch)
    ended = terminated[:, 0]
    last = np.zeros(where.shape, bool)
    for row, played in enumerate(np.asarray(where)):
        last[row, np.flatnonzero(played)[-1:]] = ended[row]
    knobs = dict(discount=discount, trace=trace)
    for kernel, inputs in (
        (gae, (rewards, values, nexts)),
        (lambda_returns, (rewards, nexts)),
    ):
        actual = kernel(*inputs, ended, where, **knobs)
        expected = kernel(*inputs, jnp.asarray(last), where, **knobs)
        np.testing.assert_array_equal(actual, expected)


@law
@given(batch=batches(masks=("prefix",)), discount=st.sampled_from([0.5, 0.9, 1.0]))
def test_potential_shaping_takes_the_first_potential_off_every_return(batch, discount):
    """Hence the ranking of trajectories from one state stays (Ng et al., 1999)."""
    rewards, potentials, _, _, _, where = arrays(*batch)
    potentials = potentials.at[:, 0].set(3.0)  # all begin in one state
    later = next_values(potentials, where)
    shaped = rewards + discount * later - potentials
    plain = discounted(rewards, where, discount=discount)[:, 0]
    actual = discounted(shaped, where, discount=discount)[:, 0]
    expected = jnp.where(where[:, 0], plain - 3.0, 0.0)
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)


@law
@given(batch=batches(), discount=units, trace=units)
def test_padding_and_holes_take_no_time(batch, discount, trace):
    """Every row equals the row of its played spans alone, padded on the right."""
    *columns, where = arrays(*batch)
    order = jnp.argsort(~where, axis=1, stable=True)
    moved = [jnp.take_along_axis(column, order, axis=1) for column in columns]
    packed = jnp.take_along_axis(where, order, axis=1)
    for kernel, names, knobs in (
        (discounted, (0,), {}),
        (gae, (0, 1, 2, 3), dict(trace=trace)),
        (lambda_returns, (0, 2, 3), dict(trace=trace)),
    ):
        inputs = [[part[name] for name in names] for part in (columns, moved)]
        expected = kernel(*inputs[0], where, discount=discount, **knobs)
        actual = kernel(*inputs[1], packed, discount=discount, **knobs)
        expected = jnp.take_along_axis(expected, order, axis=1)
        np.testing.assert_array_equal(actual, expected)
        assert not np.any(actual[~packed])


def test_masked_nan_reaches_neither_value_nor_gradient():
    def all_of(rewards, values, nexts, terminated, where):
        knobs = dict(discount=0.9, trace=0.8)
        return jnp.stack(
            [
                returns.discounted(rewards, where, discount=0.9),
                returns.next_values(values, where),
                returns.gae(rewards, values, nexts, terminated, where, **knobs),
                returns.lambda_returns(rewards, nexts, terminated, where, **knobs),
            ]
        )

    def total(*inputs):
        return jnp.sum(jnp.sin(all_of(*inputs)))

    evaluate = jax.jit(jax.value_and_grad(total, argnums=(0, 1, 2)))
    *columns, terminated, _, where = arrays(*problem(2, 7))
    poisoned = [jnp.where(where, column, jnp.nan) for column in columns]
    actual, gradients = evaluate(*poisoned, terminated, where)
    expected, _ = evaluate(*columns, terminated, where)
    np.testing.assert_array_equal(actual, expected)
    for gradient in gradients:
        assert np.isfinite(gradient).all() and np.any(gradient)
        assert not np.any(gradient[~where])


def test_the_value_behind_a_terminal_state_is_never_read():
    def total(rewards, values, nexts, ended, where):
        knobs = dict(discount=0.9, trace=0.8)
        advantages = returns.gae(rewards, values, nexts, ended, where, **knobs)
        targets = returns.lambda_returns(rewards, nexts, ended, where, **knobs)
        return jnp.sum(advantages) + jnp.sum(targets)

    rewards, values, nexts, terminated, _, where = arrays(*problem(4, 7, ("all",)))
    poisoned = jnp.where(terminated, jnp.nan, nexts)
    evaluate = jax.jit(jax.value_and_grad(total, argnums=2))
    actual, gradient = evaluate(rewards, values, poisoned, terminated, where)
    assert actual == evaluate(rewards, values, nexts, terminated, where)[0]
    assert np.isfinite(gradient).all()
    assert not np.any(gradient[terminated])
