import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_credit.credit import groups
from tests.references import groups as reference

SIZES = [(1, 1), (9, 3), (200, 30)]  # rows, groups
MASKS = ["all", "some", "none"]
CLOSE = dict(rtol=1e-5, atol=1e-5)


def on_rewards(kernel, **knobs):
    def method(scores, lengths, ids, where):
        return kernel(scores, ids, where, **knobs)

    return method


def loop(method):
    def advantages(scores, lengths, ids, where):
        return reference.by_group(method, scores, ids, where)

    return advantages


METHODS = {  # all of (scores, lengths, groups, where): the kernel and its loop
    "grpo": (on_rewards(groups.group_relative), loop(reference.grpo)),
    "grpo, epsilon 1": (
        on_rewards(groups.group_relative, epsilon=1.0),
        loop(functools.partial(reference.grpo, epsilon=1.0)),
    ),
    "dr_grpo": (
        on_rewards(groups.group_relative, scale=False),
        loop(reference.dr_grpo),
    ),
    "rloo": (on_rewards(groups.leave_one_out), loop(reference.rloo)),
    "opo": (
        groups.optimal_baseline,
        lambda scores, lengths, ids, where: reference.by_group(
            reference.opo, scores, ids, where, lengths
        ),
    ),
    "pass_at_k": (
        on_rewards(groups.best_of_group, scale=False),
        loop(reference.pass_at_k),
    ),
    "pass_at_k, scaled": (
        on_rewards(groups.best_of_group),
        loop(reference.pass_at_k_scaled),
    ),
    "gpg": (
        on_rewards(groups.policy_gradient),
        lambda scores, lengths, ids, where: reference.gpg(scores, ids, where),
    ),
    "grpo_n": (on_rewards(groups.negative_only), loop(reference.grpo_n)),
}
KERNELS = {name: kernel for name, (kernel, _) in METHODS.items()}
LAWFUL = [name for name in METHODS if "epsilon" not in name]  # where it is negligible
SCALED = ["grpo", "pass_at_k, scaled", "grpo_n"]  # free of the unit of the rewards
CENTRED = ["grpo", "dr_grpo", "rloo", "gpg"]


def problem(rows, count, mask, seed=0):
    """Scores with ties, lengths, ids in any order and with gaps, and a mask."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 4, rows) + 0.25 * (rng.random(rows) < 0.3)
    ids = rng.permutation(rows)[rng.integers(0, count, rows)]
    where = {
        "all": np.ones(rows, bool),
        "some": rng.random(rows) < 0.6,
        "none": np.zeros(rows, bool),
    }[mask]
    return scores, rng.integers(1, 20, rows).astype(float), ids, where


def arrays(scores, lengths, ids, where):
    return (
        jnp.asarray(scores, jnp.float32),
        jnp.asarray(lengths, jnp.float32),
        jnp.asarray(ids, jnp.int32),
        jnp.asarray(where, bool),
    )


@jax.jit
def every(scores, lengths, ids, where):
    """All methods at once, so that a law compiles once."""
    return {name: KERNELS[name](scores, lengths, ids, where) for name in LAWFUL}


def assert_close(actual, expected, rtol=1e-5, atol=1e-5):
    for name in LAWFUL:
        pair = actual[name], expected[name]
        np.testing.assert_allclose(*pair, rtol=rtol, atol=atol, err_msg=name)


@st.composite
def batches(draw):
    """Integer rewards of 12 rows in up to 4 groups, some of them masked."""

    def column(elements):
        return draw(st.lists(elements, min_size=12, max_size=12))

    rewards, lengths = column(st.integers(-20, 20)), column(st.integers(1, 9))
    return rewards, lengths, column(st.integers(0, 3)), column(st.booleans())


law = settings(max_examples=25, deadline=None)


@pytest.mark.parametrize("rows, count", SIZES)
@pytest.mark.parametrize("name", METHODS)
def test_methods_match_their_definitions(compiled, name, rows, count):
    kernel, expected = METHODS[name]
    kernel = compiled(kernel)
    for seed, mask in enumerate(MASKS):
        inputs = problem(rows, count, mask, seed)
        actual = kernel(*arrays(*inputs))
        np.testing.assert_allclose(actual, expected(*inputs), **CLOSE)


def test_group_sizes_from_1_to_64(compiled):
    ids = np.repeat(np.arange(9), [1, 2, 3, 4, 8, 16, 32, 63, 64])
    ids = np.random.default_rng(0).permutation(ids)
    scores, lengths, _, where = problem(len(ids), 1, "all")
    for name, (kernel, expected) in METHODS.items():
        actual = compiled(kernel)(*arrays(scores, lengths, ids, where))
        wanted = expected(scores, lengths, ids, where)
        np.testing.assert_allclose(actual, wanted, err_msg=name, **CLOSE)


def test_statistics_of_a_sample_serve_all_rows(compiled):
    scores, lengths, ids, where = problem(40, 3, "some", seed=5)
    sample = where & (np.arange(40) % 3 > 0)
    inputs = arrays(scores, lengths, ids, where)
    counted = jnp.asarray(sample)
    for scale in (True, False):
        kernel = compiled(groups.group_relative, scale=scale)
        actual = kernel(inputs[0], inputs[2], inputs[3], sample=counted)
        for row in range(40):
            drawn = scores[(ids == ids[row]) & sample]
            assert len(drawn) > 1 and np.ptp(drawn) > 0  # what the seed is for
            deviation = np.std(drawn, ddof=1) + 1e-6 if scale else 1.0
            expected = where[row] * (scores[row] - np.mean(drawn)) / deviation
            np.testing.assert_allclose(actual[row], expected, **CLOSE)


def test_rewards_of_0_and_1_are_weighted_by_sign(compiled):
    scores = np.array([1, 0, 0, 1, 1, 0])
    where = np.array([1, 1, 0, 0, 1, 1], bool)
    for positive, negative in ((0.1, 1.0), (1.0, 0.0), (0.0, 1.0)):
        knobs = dict(positive=positive, negative=negative)
        kernel = compiled(groups.sign_weighted, **knobs)
        actual = kernel(jnp.asarray(scores, jnp.float32), jnp.asarray(where))
        expected = reference.sign_weighted(scores, where, **knobs)
        np.testing.assert_allclose(actual, expected, rtol=1e-6)


@pytest.mark.parametrize("name", LAWFUL)
def test_no_mask_keeps_every_row(compiled, name):
    scores, lengths, ids, where = arrays(*problem(40, 5, "all"))
    kernel = compiled(KERNELS[name])
    actual = kernel(scores, lengths, ids, None)
    expected = kernel(scores, lengths, ids, where)
    np.testing.assert_allclose(actual, expected, rtol=1e-6)


@pytest.mark.parametrize("name", LAWFUL)
def test_groups_without_spread_are_exactly_zero(compiled, name):
    """Where released code pays rounding over epsilon, or one row its raw reward."""

    def total(scores, lengths, ids, where):
        advantages = KERNELS[name](scores, lengths, ids, where)
        return jnp.sum(advantages * jnp.arange(1.0, 33.0)), advantages

    evaluate = compiled(jax.value_and_grad(total, has_aux=True))
    lengths = np.arange(1.0, 33.0)
    for count, value in ((8, 0.1), (15, 10 * 0.95**3), (1, 5.0), (7, 1e4 + 0.1)):
        flat = np.arange(32) < count
        scores = np.where(flat, value, np.arange(32) ** 2)
        inputs = arrays(scores, lengths, np.where(flat, 3, 30), np.ones(32, bool))
        (_, advantages), gradient = evaluate(*inputs)
        np.testing.assert_array_equal(advantages[:count], np.zeros(count))
        assert np.any(advantages)
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", LAWFUL)
def test_masked_nan_reaches_neither_value_nor_gradient(compiled, name):
    def total(scores, lengths, ids, where):
        advantages = KERNELS[name](scores, lengths, ids, where)
        return jnp.sum(jnp.sin(advantages * jnp.arange(1.0, 25.0)))

    evaluate = compiled(jax.value_and_grad(total))
    for mask in ("some", "none"):
        scores, lengths, ids, where = arrays(*problem(24, 4, mask))
        poisoned = jnp.where(where, scores, jnp.nan)
        actual, gradient = evaluate(poisoned, lengths, ids, where)
        expected, _ = evaluate(scores, lengths, ids, where)
        np.testing.assert_array_equal(actual, expected)
        assert np.isfinite(gradient).all()
        assert np.any(gradient) == (mask == "some")
        np.testing.assert_array_equal(gradient[~where], np.zeros(np.sum(~where)))


@law
@given(batch=batches(), offset=st.sampled_from([-7.0, 3.0, 1e4]))
def test_a_constant_changes_nothing(batch, offset):
    scores, *rest = arrays(*batch)
    assert_close(every(scores + offset, *rest), every(scores, *rest))


@law
@given(batch=batches(), unit=st.sampled_from([0.5, 3.0, 100.0]))
def test_the_unit_of_the_rewards_cancels_or_carries_over(batch, unit):
    scores, *rest = arrays(*batch)
    expected = every(scores, *rest)
    for name in set(LAWFUL) - set(SCALED):
        expected[name] *= unit
    assert_close(every(scores * unit, *rest), expected, rtol=1e-4, atol=1e-4)


@law
@given(batch=batches(), random=st.randoms(use_true_random=False))
def test_order_and_names_do_not_matter(batch, random):
    scores, lengths, ids, where = arrays(*batch)
    order, names = (np.asarray(random.sample(range(12), 12)) for _ in range(2))
    renamed = jnp.asarray(names, jnp.int32)[ids]
    actual = every(*(column[order] for column in (scores, lengths, renamed, where)))
    expected = every(scores, lengths, ids, where)
    assert_close(actual, {name: rows[order] for name, rows in expected.items()})


@law
@given(batch=batches())
def test_groups_and_padding_do_not_meet(batch):
    """Other rewards in group 0, and in masked rows, leave the rest as it was."""
    scores, lengths, ids, where = arrays(*batch)
    expected = every(scores, lengths, ids, where)
    assert_close(every(jnp.where(where, scores, 1e6), lengths, ids, where), expected)
    changed = jnp.where(ids == 0, scores**2 - 3.0, scores)
    actual = every(changed, lengths, ids, where)
    for name in set(LAWFUL) - {"gpg"}:  # whose factor counts all groups
        np.testing.assert_array_equal(actual[name][ids != 0], expected[name][ids != 0])


@law
@given(batch=batches())
def test_padding_at_the_end_changes_nothing(batch):
    columns, ends = arrays(*batch), (99.0, 99.0, 0, False)
    rest = [jnp.full(5, end, column.dtype) for column, end in zip(columns, ends)]
    padded = every(*map(jnp.append, columns, rest))
    actual = {name: rows[:12] for name, rows in padded.items()}
    assert_close(actual, every(*columns))


@law
@given(batch=batches())
def test_advantages_of_a_group_sum_to_zero(batch):
    scores, lengths, ids, where = arrays(*batch)
    advantages = every(scores, lengths, ids, where)
    for name in CENTRED:
        sums = jax.ops.segment_sum(advantages[name], ids, 4)
        np.testing.assert_allclose(sums, np.zeros(4), atol=2e-4, err_msg=name)


def test_batches_are_mapped_one_by_one():
    batch = [arrays(*problem(20, 3, "some", seed)) for seed in range(4)]
    actual = jax.jit(jax.vmap(every))(*map(jnp.stack, zip(*batch)))
    for row, inputs in enumerate(batch):
        assert_close({name: rows[row] for name, rows in actual.items()}, every(*inputs))
