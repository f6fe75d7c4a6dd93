"""From ragged lists to trajectories, and to GiGPO's advantages from raw texts."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_credit.credit.estimators import ESTIMATORS
from rl_credit.credit.pack import pack
from rl_credit.ops import buckets, hashing

REWARDS = [[0.0, 1.0], [0.0, 0.0, -0.5], [], [2.0]]
TASKS = ["make tea", "find key", "make tea", "make tea"]
SEEN = [["kitchen", "stove"], ["hall", "kitchen", "hall"], [], ["kitchen"]]


def test_trajectories_are_padded_to_the_longest_in_their_order():
    t = pack(REWARDS, TASKS, SEEN, [True, False, True, True])
    played = [[1, 1, 0], [1, 1, 1], [0, 0, 0], [1, 0, 0]]
    np.testing.assert_array_equal(t.where, np.array(played, bool))
    rewards = [[0.0, 1.0, 0.0], [0.0, 0.0, -0.5], [0.0] * 3, [2.0, 0.0, 0.0]]
    np.testing.assert_array_equal(t.rewards, np.array(rewards, np.float32))
    np.testing.assert_array_equal(t.groups, [0, 1, 0, 0])
    np.testing.assert_array_equal(t.terminated, [True, False, True, True])
    for row, seen in enumerate(SEEN):
        expected = hashing.fingerprint_texts(seen) if seen else np.zeros((0, 2))
        np.testing.assert_array_equal(t.states[row][t.where[row]], expected)
    assert not t.states[~t.where].any()
    kinds = [array.dtype for array in (t.rewards, t.where, t.groups, t.states)]
    assert kinds == [np.float32, bool, np.int32, np.uint32]


def test_what_is_not_given_is_not_made_up():
    t = pack(REWARDS, TASKS)
    assert t.states is None and t.values is None
    assert t.terminated.all() and t.terminated.dtype == bool


def test_a_task_is_anything_that_hashes():
    tasks = [("a", 1), None, frozenset({3}), ("a", 1), "a", 7, None, np.int64(7)]
    t = pack([[1.0]] * 8, tasks)
    np.testing.assert_array_equal(t.groups, [0, 1, 2, 0, 3, 4, 1, 4])
    numbered = pack([[1.0]] * 4, np.array([30, 10, 30, 20]))
    np.testing.assert_array_equal(numbered.groups, [0, 1, 0, 2])


def test_rewards_may_be_arrays():
    rewards = [np.array(row, np.float64) for row in REWARDS]
    expected = pack(REWARDS, TASKS).rewards
    np.testing.assert_array_equal(pack(rewards, TASKS).rewards, expected)


@pytest.mark.parametrize("dtype", [np.uint8, bool, np.float32, np.float64, np.int64])
@pytest.mark.parametrize("shape", [(), (5,), (2, 3), (2, 2, 2)])
def test_equal_arrays_are_equal_states(dtype, shape):
    seen = [[np.full(shape, value, dtype) for value in row] for row in [[0, 1], [1]]]
    states = pack([[0.0, 0.0], [0.0]], "ab", seen).states
    np.testing.assert_array_equal(states[0, 1], states[1, 0])
    assert np.any(states[0, 0] != states[0, 1])
    kind = jnp.float32 if np.dtype(dtype).kind == "f" else jnp.int32
    expected = hashing.fingerprint(jnp.ones(np.prod(shape, dtype=int), kind))
    np.testing.assert_array_equal(states[1, 0], expected)


@pytest.mark.parametrize("first, second", [(1, 2**32 + 1), (0.1, 0.1 + 1e-12)])
def test_numbers_that_differ_beyond_32_bits_are_different_states(first, second):
    """Such as Python's hash of an observation, of which JAX would keep one half."""
    states = pack([[0.0] * 3], "a", [[first, second, first]]).states[0]
    np.testing.assert_array_equal(states[0], states[2])
    assert np.any(states[0] != states[1])


def test_lists_that_disagree_are_refused():
    with pytest.raises(ValueError, match="tasks has 3 entries; rewards has 4"):
        pack(REWARDS, TASKS[:3])
    with pytest.raises(ValueError, match="observations has 3 entries; rewards has 4"):
        pack(REWARDS, TASKS, SEEN[:3])
    message = r"observations\[1\] has 2 entries; rewards\[1\] has 3"
    with pytest.raises(ValueError, match=message):
        pack(REWARDS, TASKS, [SEEN[0], SEEN[1][:2], *SEEN[2:]])
    with pytest.raises(ValueError, match="terminated has 1 entries; rewards has 4"):
        pack(REWARDS, TASKS, terminated=[True])


def test_observations_that_cannot_be_compared_are_refused():
    def seen(*observations):
        return pack([[0.0] * len(observations)], "a", [list(observations)])

    with pytest.raises(ValueError, match=r"have the shapes \[\(2,\), \(3,\)\]"):
        seen(np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match="observations are bytes, neither str nor"):
        seen(b"hall", b"kitchen")
    with pytest.raises(ValueError, match="observations are dict, neither str nor"):
        seen({}, {})
    with pytest.raises(TypeError, match="str"):
        seen("hall", 3)
    with pytest.raises(ValueError, match=r"observations\[0\] is one text, not a"):
        pack([[0.0, 0.0]], "a", ["ab"])


def test_a_trajectory_without_steps_is_harmless():
    t = pack(REWARDS, TASKS, SEEN)
    rest = [0, 1, 3]
    columns = ([column[row] for row in rest] for column in (REWARDS, TASKS, SEEN))
    without = pack(*columns)
    for name in ("gigpo", "reinforce_plus_plus"):
        advantages = ESTIMATORS[name](t)
        np.testing.assert_array_equal(advantages[2], np.zeros(3))
        expected = ESTIMATORS[name](without)
        np.testing.assert_allclose(advantages[np.array(rest)], expected, rtol=1e-6)


@pytest.mark.parametrize("rewards, shape", [([], (0, 0)), ([[], []], (2, 0))])
def test_nothing_at_all_is_refused_by_the_estimator(rewards, shape):
    for observations in (None, rewards):
        t = pack(rewards, "a" * len(rewards), observations)
        assert t.rewards.shape == shape
        with pytest.raises(ValueError, match=r"rewards has shape .* neither of them 0"):
            ESTIMATORS["grpo"](t)


def test_a_reward_too_large_is_refused_by_the_estimator():
    t = pack([[1.0], [1e300]], "aa")
    with pytest.raises(ValueError, match=r"rewards\[1, 0\] is inf \(trajectory 1"):
        ESTIMATORS["grpo"](t)


def test_gigpo_from_raw_texts_by_hand():
    """Two tasks that share a kitchen; step returns are r_t + 0.5 r_(t+1) + ..."""
    rewards = [[0.0, 1.0], [0.0, 0.0, 0.0], [0.0, 2.0]]
    tasks = ["make tea", "make tea", "find key"]
    seen = [["kitchen", "stove"], ["kitchen", "hall", "kitchen"], ["kitchen", "hall"]]
    knobs = dict(discount=0.5, scale=False)
    advantages = ESTIMATORS["gigpo"](pack(rewards, tasks, seen), **knobs)
    # Task 1: returns 1 and 0, mean 0.5. In its kitchen step returns 0.5, 0 and 0.
    kitchen = np.array([0.5, 0.0, 0.0]) - 0.5 / 3
    expected = [
        [0.5 + kitchen[0], 0.5, 0.0],
        [-0.5 + kitchen[1], -0.5, -0.5 + kitchen[2]],
        [0.0, 0.0, 0.0],  # alone in its task: nothing to be compared with
    ]
    np.testing.assert_allclose(advantages, expected, rtol=1e-6, atol=1e-7)
    scaled = ESTIMATORS["gigpo"](pack(rewards, tasks, seen), discount=0.5)
    episode, step = np.std([1, 0], ddof=1), np.std(kitchen, ddof=1)
    expected = [
        [0.5 / episode + kitchen[0] / step, 0.5 / episode, 0.0],
        [
            -0.5 / episode + kitchen[1] / step,
            -0.5 / episode,
            -0.5 / episode + kitchen[2] / step,
        ],
        [0.0, 0.0, 0.0],
    ]
    np.testing.assert_allclose(scaled, expected, rtol=1e-5, atol=1e-6)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(-9, 9), max_size=6), max_size=6))
def test_what_is_packed_can_be_unpacked(rewards):
    t = pack(rewards, range(len(rewards)))
    assert [list(row[kept]) for row, kept in zip(t.rewards, t.where)] == rewards
    assert t.where.shape == (len(rewards), max(map(len, rewards), default=0))


def test_a_bucket_holds_its_size_with_little_to_spare():
    sizes = [buckets.bucket(size) for size in range(5000)]
    assert sizes == sorted(sizes) and len(set(sizes)) < 45
    assert sorted(set(sizes))[:10] == [8, 10, 12, 14, 16, 20, 24, 28, 32, 40]
    for size, held in enumerate(sizes):
        assert buckets.bucket(held) == held >= size
        assert size <= 8 or held < 1.25 * size


def test_padding_fills_leading_axes_only():
    array = np.arange(12, dtype=np.int32).reshape(2, 3, 2)
    padded = buckets.pad(array, (4, 5), -1)
    assert padded.shape == (4, 5, 2) and padded.dtype == np.int32
    np.testing.assert_array_equal(padded[:2, :3], array)
    assert (padded[2:] == -1).all() and (padded[:, 3:] == -1).all()
