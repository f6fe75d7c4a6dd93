"""What the door of every estimator refuses, in words, and what it lets through."""

import copy
import dataclasses

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from rl_credit.credit import checks
from rl_credit.credit.estimators import ESTIMATORS
from tests import batches

FLOATS = (
    *("rewards", "values", "logps", "log_ratios", "penalties"),
    *("final_values", "baselines"),
)
NEEDS = [(name, field) for name in ESTIMATORS for field in ESTIMATORS[name].needs]
INTO_RANGE = 2**32  # what a cast to 32 bits would make 0


def batch(**changes):
    return dataclasses.replace(batches.trajectories(0, 24, 7, tasks=5), **changes)


def refused(t, message, needs=()):
    with pytest.raises(ValueError, match=message):
        checks.checked(t, needs)


def changed(name, place, value, dtype=None):
    """The batch with one entry of a field replaced, and everything played."""
    t = batch(where=np.ones((24, 7), bool))
    array = np.array(getattr(t, name), dtype)
    array[place] = value
    return dataclasses.replace(t, **{name: array})


def shapes():
    """Every field, one too long in each of its axes."""
    t = batch()
    for field in dataclasses.fields(t):
        for axis in range(getattr(t, field.name).ndim):
            if field.name != "rewards":
                yield field.name, axis


@pytest.mark.parametrize("name, axis", list(shapes()))
def test_shapes_that_disagree_are_refused(name, axis):
    array = getattr(batch(), name)
    expected = array.shape
    array = np.concatenate([array, array.take([0], axis)], axis)
    message = rf"{name} has shape \({array.shape[0]},.*; rewards \(24, 7\) asks for "
    with pytest.raises(ValueError, match=message) as error:
        checks.checked(batch(**{name: array}))
    assert str(error.value).endswith(str(expected))


@pytest.mark.parametrize("shape", [(0, 7), (24, 0), (0, 0), (24,), (24, 7, 1), ()])
def test_rewards_of_no_size_or_another_rank_are_refused(shape):
    message = r"rewards has shape \(.*must be \[batch, spans\], neither of them 0"
    refused(batch(rewards=np.zeros(shape, np.float32)), message)


@pytest.mark.parametrize("name", ["rewards", "where", "groups"])
def test_what_every_estimator_needs_is_refused_when_missing(name):
    refused(batch(**{name: None}), f"Trajectories.{name} is missing")


@pytest.mark.parametrize("name", ["where", "terminated", "matches"])
@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_a_mask_that_is_not_bool_is_refused(name, dtype):
    """A mask of token ids or of probabilities is easily mistaken for one."""
    message = f"{name} must be bool; got {np.dtype(dtype)}: use {name}.astype"
    refused(batch(**{name: getattr(batch(), name).astype(dtype)}), message)


@pytest.mark.parametrize("name", ["groups", "lengths", "parents"])
@pytest.mark.parametrize("dtype", [np.float32, bool, "U8"])
def test_ids_that_are_not_integers_are_refused(name, dtype):
    message = f"{name} must be integers; got"
    refused(batch(**{name: np.abs(getattr(batch(), name)).astype(dtype)}), message)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint64, np.float32])
def test_states_that_are_no_fingerprints_are_refused(dtype):
    message = "states must be uint32.*fingerprint the observations with rl_credit.ops"
    refused(batch(states=batch().states.astype(dtype)), message)


@pytest.mark.parametrize("name", FLOATS)
def test_what_is_no_number_is_refused(name):
    texts = getattr(batch(), name).astype("U8")
    refused(batch(**{name: texts}), f"{name} must be numbers; got <U8")


@pytest.mark.parametrize("group", [-1, 24, INTO_RANGE, -INTO_RANGE, 2**40])
def test_groups_out_of_range_are_refused(group):
    message = rf"groups\[5\] is {group}; with 24 .*\[0, 24\): .*np.unique"
    refused(changed("groups", 5, group, np.int64), message)


@pytest.mark.parametrize("parent", [5, 6, 23, -2, INTO_RANGE, INTO_RANGE - 1])
def test_parents_out_of_order_are_refused(parent):
    message = rf"parents\[5\] is {parent}; .* order the nodes"
    refused(changed("parents", 5, parent, np.int64), message)


def test_a_negative_length_is_refused_where_it_matters():
    refused(changed("lengths", (3, 2), -4), r"lengths\[3, 2\] is -4; it counts")
    t = changed("lengths", (3, 2), -4)
    t.where[3, 2] = False
    assert checks.checked(t).lengths[3, 2] == -4


@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_a_number_that_is_not_finite_is_named_by_row_and_task(name, value):
    """1e300 is finite in float64 but not as the float32 it would become."""
    place = (3, 2) if getattr(batch(), name).ndim == 2 else (3,)
    t = changed(name, place, value, np.float64)
    too_large = ", too large for float32" if value == 1e300 else ""
    message = (
        f"{name}[{', '.join(map(str, place))}] is {value}{too_large} (trajectory 3, "
        f"task {t.groups[3]}; 1 such values): drop the trajectory by setting "
        f"where[3] to False"
    )
    with pytest.raises(ValueError) as error:
        ESTIMATORS["grpo"](t)
    assert message in str(error.value)
    where = t.where.copy()
    where[3] = False  # the remedy it names
    remedied = ESTIMATORS["grpo"](dataclasses.replace(t, where=where))
    assert np.isfinite(remedied).all()


def test_all_numbers_that_are_not_finite_are_counted():
    t = changed("rewards", (slice(3, 5), 2), np.nan)
    refused(t, r"rewards\[3, 2\] is nan .*; 2 such values\)")


def test_what_is_masked_may_be_anything():
    t = batches.soiled(batch())
    assert not np.isfinite(t.rewards).all()
    checked = checks.checked(t)
    np.testing.assert_array_equal(checked.where, t.where)


@pytest.mark.parametrize("name", ["gae", "lambda_returns"])
def test_a_trajectory_cut_off_needs_a_value_to_go_on_from(name):
    t = batch(final_values=None, terminated=np.arange(24) != 11)
    t.where[11, 0] = True
    message = r"trajectory 11 was cut off \(terminated is False\): give final_values"
    with pytest.raises(ValueError, match=message):
        ESTIMATORS[name](t)
    t.where[11] = False  # nobody asks for the value of what was not played
    assert np.isfinite(ESTIMATORS[name](t)).all()
    ended = batch(final_values=None, terminated=np.ones(24, bool))
    assert np.isfinite(ESTIMATORS[name](ended)).all()


def test_without_bootstrapping_no_final_value_is_needed():
    t = batch(final_values=None, terminated=np.zeros(24, bool))
    np.testing.assert_array_equal(ESTIMATORS["gigpo"](t), ESTIMATORS["gigpo"](batch()))


@pytest.mark.parametrize("name, field", NEEDS)
def test_a_missing_field_is_named_with_its_remedy(name, field):
    message = f"estimator '{name}' needs Trajectories.{field}, which is missing: "
    with pytest.raises(ValueError, match=message) as error:
        ESTIMATORS[name](batch(**{field: None}))
    assert str(error.value).endswith(checks.REMEDIES[field])


def test_missing_fields_are_named_before_anything_has_run():
    estimator = ESTIMATORS["spo_chain"]
    with pytest.raises(ValueError, match="'spo_chain' needs Trajectories.logps, which"):
        checks.require(estimator.name, estimator.needs, ("rewards", "values"))
    checks.require(estimator.name, estimator.needs, ("logps", "values"))


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.float64, np.int64, bool])
def test_numbers_of_any_width_become_float32(dtype):
    rewards = np.round(batch().rewards).astype(dtype)
    checked = checks.checked(batch(rewards=rewards, groups=batch().groups.astype("u1")))
    assert checked.rewards.dtype == np.float32 and checked.groups.dtype == np.int32
    np.testing.assert_array_equal(checked.rewards, rewards.astype(np.float32))


def test_device_arrays_and_lists_are_taken_too():
    t = batch()
    lists = {field.name: getattr(t, field.name) for field in dataclasses.fields(t)}
    lists = {name: array.tolist() for name, array in lists.items() if name != "states"}
    expected = ESTIMATORS["gae"](t)
    for given in (batches.arrays(t), dataclasses.replace(t, **lists)):
        np.testing.assert_array_equal(ESTIMATORS["gae"](given), expected)


@pytest.mark.parametrize("name", ["grpo", "gigpo", "gae", "spo_tree"])
def test_the_arrays_of_the_caller_stay_as_they_are(name):
    t = batches.soiled(batch(rewards=batch().rewards.astype(np.float64)))
    before = copy.deepcopy(t)
    ESTIMATORS[name](t)
    for field in dataclasses.fields(t):
        array = getattr(t, field.name)
        np.testing.assert_array_equal(array, getattr(before, field.name))
        assert array.dtype == getattr(before, field.name).dtype


def test_every_field_an_estimator_needs_has_a_remedy():
    assert {field for _, field in NEEDS} <= checks.REMEDIES.keys()
    assert isinstance(ESTIMATORS["grpo"](batch()), jnp.ndarray)
