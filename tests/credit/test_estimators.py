"""Each estimator against the loops of its method; options, errors, compilations."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.credit.estimator import Estimator
from rl_credit.credit.estimators import ESTIMATORS, named
from rl_credit.types import Trajectories
from tests import batches
from tests.references import estimators as reference

SIGNED = ("psr", "nsr", "w_reinforce")  # defined for returns of 0 and 1 only
CLOSE = dict(rtol=1e-5, atol=1e-5)
SIZES = [(1, 1, 1), (21, 5, 21), (24, 7, 1)]  # rows, spans, tasks

OTHER = dict(  # for each option a value that is no estimator's default
    epsilon=0.5,
    scale=False,
    positive=0.7,
    negative=0.7,
    discount=0.8,
    trace=0.3,
    turn_weight=0.3,
    step_weight=0.3,
    episode_weight=0.3,
    history=1,
    alpha=3.0,
    threshold=0.6,
    interval=2,
    count=2,
    tolerance=0.5,
    beta=0.01,
    process_weight=0.7,
    outcome_weight=0.7,
    horizon="released",
)
NO_LOOP = ("epsilon", "tolerance")  # the loops keep these as they are


def batch_for(name, seed=0, size=(24, 7, 5), mask="mixed"):
    batch, spans, tasks = size
    t = batches.trajectories(seed, batch, spans, tasks=tasks, mask=mask)
    return batches.binary(t, seed) if name in SIGNED else t


def assert_well_formed(actual, t):
    assert isinstance(actual, jax.Array)
    assert actual.shape == t.where.shape and actual.dtype == jnp.float32
    assert np.isfinite(actual).all()
    np.testing.assert_array_equal(actual[~t.where], np.zeros(np.sum(~t.where)))


def options():
    return [(name, option) for name, e in ESTIMATORS.items() for option in e.options]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_advantages_match_the_loops(name):
    cases = [(0, (24, 7, 5), mask) for mask in batches.MASKS]
    cases += [(seed, (24, 7, 5), "mixed") for seed in (1, 2)]
    cases += [(3, size, "mixed") for size in SIZES]
    for seed, size, mask in cases:
        t = batch_for(name, seed, size, mask)
        actual = ESTIMATORS[name](t)
        assert_well_formed(actual, t)
        expected = reference.ESTIMATORS[name](reference.precise(t))
        np.testing.assert_allclose(actual, expected, err_msg=f"{size} {mask}", **CLOSE)


@pytest.mark.parametrize("name", ["gigpo", "gigpo_released", "hgpo", "grpo"])
def test_penalties_come_off_the_scores_that_gigpo_compares(name):
    t = batch_for(name)
    drawn = np.random.default_rng(1).uniform(0.0, 1.0, t.where.shape)
    penalised = dataclasses.replace(t, penalties=drawn.astype(np.float32))
    actual = ESTIMATORS[name](penalised)
    expected = reference.ESTIMATORS[name](reference.precise(penalised))
    np.testing.assert_allclose(actual, expected, **CLOSE)
    assert np.any(actual != ESTIMATORS[name](t)) == name.startswith("gigpo")


@pytest.mark.parametrize("name", ESTIMATORS)
def test_inside_jit_the_numbers_are_the_same(name):
    """There the shapes are those of the batch, so this is padded against unpadded."""
    t = batch_for(name)
    actual = jax.jit(ESTIMATORS[name])(batches.arrays(t))
    assert_well_formed(actual, t)
    np.testing.assert_allclose(actual, ESTIMATORS[name](t), **CLOSE)


@pytest.mark.parametrize("name", ["gae", "gigpo", "spo_tree"])
def test_batches_are_mapped_one_by_one(name):
    parts = [batch_for(name, seed, (12, 5, 3)) for seed in range(3)]
    stacked = jax.tree.map(lambda *arrays: jnp.stack(arrays), *parts)
    actual = jax.jit(jax.vmap(ESTIMATORS[name]))(stacked)
    for advantages, t in zip(actual, parts):
        np.testing.assert_allclose(advantages, ESTIMATORS[name](t), **CLOSE)


def test_inside_jit_nothing_is_checked():
    t = batch_for("grpo")
    t = dataclasses.replace(t, rewards=np.full_like(t.rewards, np.nan))
    assert jax.jit(ESTIMATORS["grpo"])(t).shape == t.where.shape


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16, jnp.int32])
def test_statistics_are_float32_whatever_the_rewards_are(dtype):
    """Thousandths of 1000 are lost in bfloat16: its deviation would be wrong."""
    t = batch_for("grpo")
    t = batches.outcomes(t, np.arange(24) % 5 + 100)
    expected = ESTIMATORS["grpo"](t)
    narrow = dataclasses.replace(t, rewards=jnp.asarray(t.rewards, dtype))
    for estimator in (ESTIMATORS["grpo"], jax.jit(ESTIMATORS["grpo"])):
        actual = estimator(narrow)
        assert actual.dtype == jnp.float32
        np.testing.assert_allclose(actual, expected, **CLOSE)


@pytest.mark.parametrize("name, option", options())
def test_every_option_changes_the_result_as_the_loops_say(name, option):
    t = batch_for(name)
    assert ESTIMATORS[name].options[option] != OTHER[option]
    actual = ESTIMATORS[name](t, **{option: OTHER[option]})
    assert_well_formed(actual, t)
    assert not np.array_equal(actual, ESTIMATORS[name](t))
    if option not in NO_LOOP and (name, option) != ("pass_at_k", "scale"):
        loop = reference.ESTIMATORS[name]
        expected = loop(reference.precise(t), **{option: OTHER[option]})
        np.testing.assert_allclose(actual, expected, **CLOSE)


@pytest.mark.parametrize("name", ["gigpo", "oprl", "ui_s1"])
def test_without_the_step_term_it_is_grpo(name):
    t = batch_for(name)
    actual = ESTIMATORS[name](t, step_weight=0.0)
    np.testing.assert_allclose(actual, ESTIMATORS["grpo"](t), **CLOSE)


def test_ui_s1_adds_its_two_terms():
    t, ui_s1 = batch_for("ui_s1"), ESTIMATORS["ui_s1"]
    episode, step = ui_s1(t, step_weight=0.0), ui_s1(t, episode_weight=0.0)
    actual = ui_s1(t, episode_weight=2.0, step_weight=3.0)
    np.testing.assert_allclose(actual, 2.0 * episode + 3.0 * step, **CLOSE)


def test_at_equal_lengths_the_released_gigpo_centres_as_the_paper_does():
    """Its deviation still differs: (n - 1) counts rows there, trajectories here."""
    t = batch_for("gigpo", mask="all")
    knobs = dict(step_weight=0.0, scale=False)
    paper = ESTIMATORS["gigpo"](t, **knobs)
    np.testing.assert_allclose(ESTIMATORS["gigpo_released"](t, **knobs), paper, **CLOSE)
    uneven = batch_for("gigpo", mask="prefix")
    released = ESTIMATORS["gigpo_released"](uneven, **knobs)
    assert np.abs(released - ESTIMATORS["gigpo"](uneven, **knobs)).max() > 0.01


def test_positive_and_negative_samples_make_up_w_reinforce():
    t, weighted = batch_for("psr"), ESTIMATORS["w_reinforce"]
    positive, negative = ESTIMATORS["psr"](t), ESTIMATORS["nsr"](t)
    np.testing.assert_array_equal(positive, weighted(t, positive=1.0, negative=0.0))
    np.testing.assert_array_equal(positive + negative, weighted(t, positive=1.0))
    assert set(np.unique(positive)) == {0.0, 1.0}
    assert set(np.unique(negative)) == {-1.0, 0.0}


def test_an_unknown_option_names_the_nearest():
    t = batch_for("gigpo")
    message = "'gigpo' has no option 'step_wieght'; did you mean 'step_weight'"
    with pytest.raises(TypeError, match=message):
        ESTIMATORS["gigpo"](t, step_wieght=0.5)
    with pytest.raises(TypeError, match=r"'rloo' has no option 'scale' \(known: none"):
        ESTIMATORS["rloo"](t, scale=True)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_what_is_preset_is_no_option(name):
    estimator, t = ESTIMATORS[name], batch_for(name)
    assert not set(estimator.preset) & set(estimator.options)
    for option, value in estimator.preset.items():
        with pytest.raises(TypeError, match=f"{name!r} has no option {option!r}"):
            estimator(t, **{option: value})


def test_an_unknown_name_names_the_nearest():
    with pytest.raises(ValueError, match="estimator 'gigop'; did you mean 'gigpo'"):
        named("gigop")
    with pytest.raises(ValueError, match=r"estimator 'x' \(known: dr_grpo, gae, gigpo"):
        named("x")
    assert all(named(name).name == name for name in ESTIMATORS)


def test_one_compilation_serves_a_bucket():
    traced = []

    def doubled(t, *, weight: float = 2.0):
        traced.append(t.rewards.shape)
        return weight * t.rewards

    estimator = Estimator("doubled", doubled)
    for size in [(9, 9), (10, 10), (9, 10), (10, 9), (9, 9)]:
        t = batches.trajectories(0, *size, mask="all")
        np.testing.assert_array_equal(estimator(t), 2.0 * t.rewards)
    assert traced == [(10, 10)]
    for size in [(1, 1), (8, 8), (3, 7), (11, 10), (12, 9)]:
        estimator(batches.trajectories(0, *size))
    assert traced == [(10, 10), (8, 8), (12, 10)]
    estimator(t, weight=3.0)
    assert traced[3:] == [(10, 10)]


def test_an_estimator_compiles_once_for_every_batch_of_a_bucket():
    """The same with the real thing: nothing about the data makes it compile again."""
    traced, gigpo = [], ESTIMATORS["gigpo"]

    def counted(t, **options):
        traced.append(t.rewards.shape)
        return gigpo.function(t, **options)

    estimator = Estimator("gigpo", counted, gigpo.needs, gigpo.preset)
    for seed, mask in enumerate(batches.MASKS):
        t = batches.trajectories(seed, 21 + seed % 4, 5 + seed % 4, mask=mask)
        np.testing.assert_array_equal(estimator(t), gigpo(t))
    assert traced == [(24, 8)]


class Watched(Trajectories):
    """Remembers which of its fields are looked at."""

    def __getattribute__(self, field):
        if field in FIELDS:
            LOOKED_AT.add(field)
        return super().__getattribute__(field)


FIELDS, LOOKED_AT = {field.name for field in dataclasses.fields(Trajectories)}, set()


@pytest.mark.parametrize("name", ESTIMATORS)
def test_an_estimator_looks_at_the_fields_that_it_says_and_no_others(name):
    estimator, t = ESTIMATORS[name], batch_for(name)
    t = dataclasses.replace(t, penalties=np.zeros(t.rewards.shape, np.float32))
    fields = {field: getattr(t, field) for field in FIELDS}
    knobs = {**estimator.options, **estimator.preset}
    LOOKED_AT.clear()
    jax.eval_shape(lambda f: estimator.function(Watched(**f), **knobs), fields)
    told = {"where", *estimator.needs, *estimator.reads}
    assert LOOKED_AT - {"rewards", "groups"} == told
