"""Where libraries give the same method different numbers, these are ours, and why.

What others answer was seen by running or reading them at these commits: verl b178a3c,
SkyRL a956457, TRL f2cd577, OpenRLHF 3c3be62, rLLM 9beb6e0, tunix c7d8950, EasyDeL
090a03b, ROLL 8eb27cc, verl-agent (fork 3483665).
"""

import dataclasses
import itertools

import numpy as np
import pytest

from rl_credit.credit.estimators import ESTIMATORS
from rl_credit.credit.pack import pack

# One group of one-step trajectories: rewards, and each one's advantage under GRPO.
GROUPS = {
    # verl, SkyRL, OpenRLHF, TRL (1.4997), tunix: 1.5, the sample's deviation.
    # rLLM and EasyDeL divide by the population's: 1.732.
    "sample deviation": ([1, 0, 0, 0], [1.5, -0.5, -0.5, -0.5], 1e-5),
    # Float32 leaves a residue in the mean of 0.1: verl's loop says -0.0074, TRL
    # -0.0001 and OpenRLHF, whose epsilon is 1e-9, -0.8311 for all eight.
    "no signal": ([0.1] * 8, [0.0] * 8, 0),
    # verl, SkyRL and rLLM pass the raw 5.0 on, OpenRLHF and tunix divide 0 by 0.
    "alone": ([5], [0.0], 0),
    # verl's vectorised variance takes one pass in float32: 749.25.
    "offset": ([10001, 10000, 10000, 10000], [1.5, -0.5, -0.5, -0.5], 1e-5),
    # The deviation is 5e-5, epsilon 1e-6. TRL's is 1e-4: 0.5; EasyDeL says 0.52 and
    # verl's vectorised floor of 1e-3 leaves 0.075.
    "small": ([1e-4, 0, 0, 0], [0.75 / 0.51, *[-0.25 / 0.51] * 3], 1e-5),
}


def group(rewards):
    return pack([[reward] for reward in rewards], ["task"] * len(rewards))


@pytest.mark.parametrize("case", GROUPS)
def test_grpo_of_one_group(case):
    rewards, expected, tolerance = GROUPS[case]
    actual = ESTIMATORS["grpo"](group(rewards))[:, 0]
    np.testing.assert_allclose(actual, expected, rtol=tolerance)


def test_rloo_of_a_response_alone_is_exactly_zero():
    """verl's vectorised form and tunix agree; verl's loop and rLLM say 5.0."""
    assert ESTIMATORS["rloo"](group([5.0]))[0, 0] == 0


def test_nan_is_refused_and_once_masked_spoils_nothing():
    """All others return four NaNs, but for TRL, which calls the broken one average."""
    broken = group([1.0, 0.0, 0.0, np.nan])
    message = r"rewards\[3, 0\] is nan .*setting where\[3\] to False"
    with pytest.raises(ValueError, match=message):
        ESTIMATORS["grpo"](broken)
    masked = dataclasses.replace(broken, where=np.arange(4)[:, None] < 3)
    expected = [2 / 3**0.5, -1 / 3**0.5, -1 / 3**0.5, 0.0]
    actual = ESTIMATORS["grpo"](masked)[:, 0]
    np.testing.assert_allclose(actual, expected, rtol=1e-5)
    assert actual[3] == 0


@pytest.mark.parametrize(
    "name, success, failure", [("gigpo", 0.5, -0.5), ("gigpo_released", 5 / 6, -1 / 6)]
)
def test_gigpo_weighs_trajectories_not_their_lengths(name, success, failure):
    """Success in 2 steps, failure in 10: eq. 3 of the paper says +-0.5.

    The released code takes the mean of rows, of which failure has five times as many.
    """
    t = pack([[0, 1], [0] * 10], ["task"] * 2, [range(2), range(10, 20)])
    advantages = ESTIMATORS[name](t, step_weight=0.0, scale=False)
    np.testing.assert_allclose(advantages[0, :2], [success] * 2, rtol=1e-5)
    np.testing.assert_allclose(advantages[1], [failure] * 10, rtol=1e-5)


@pytest.mark.parametrize(
    "name, mean", [("gigpo", (9.9 + 0) / 2), ("gigpo_released", (9.9 + 10) / 5)]
)
def test_a_penalty_of_gigpo_is_taken_off_both_scores_of_its_own_step(name, mean):
    """As verl-agent does: the penalised step's 9.9 is compared, its 10 is not."""
    t = pack([[0, 10], [0] * 3], ["task"] * 2, [["hall", "shed"], ["hall"] * 3])
    penalties = np.array([[0.1, 0, 0], [0, 0, 0]], np.float32)
    t = dataclasses.replace(t, penalties=penalties)
    advantages = ESTIMATORS[name](t, discount=0.5, scale=False)
    hall = (5 - 0.1) / 4  # the mean of those four steps
    expected = [[9.9 - mean + 4.9 - hall, 10 - mean, 0], [0 - mean - hall] * 3]
    np.testing.assert_allclose(advantages, expected, rtol=1e-5)


@pytest.mark.parametrize("name", ["gigpo", "gigpo_released", "hgpo"])
def test_equal_observations_of_different_tasks_share_no_baseline(name):
    """ROLL groups by the observation alone, over the whole batch."""
    rewards, seen = [[1.0], [0.0], [9.0], [7.0]], [["kitchen"]] * 4
    apart = ESTIMATORS[name](pack(rewards, "aabb", seen))[:, 0]
    first = ESTIMATORS[name](pack(rewards[:2], "aa", seen[:2]))[:, 0]
    np.testing.assert_array_equal(apart[:2], first)
    np.testing.assert_allclose(apart[::2], -apart[1::2], rtol=1e-6)
    together = ESTIMATORS[name](pack(rewards, "aaaa", seen))[:, 0]
    assert np.abs(together - apart).max() > 0.1


# The decision process of verl #7244. At its only decision the policy goes on with
# probability p, to a second turn that pays 0.5, or stops. So J = 0.5 p and dJ/dp = 0.5.
PAID, GRADIENT, MEMBERS = 0.5, 0.5, 4


def every_group():
    """All groups of four that can be sampled, as tasks of one batch."""
    choices = list(itertools.product([True, False], repeat=MEMBERS))
    rewards = [[0.0, PAID] if goes else [0.0] for row in choices for goes in row]
    tasks = np.repeat(np.arange(len(choices)), MEMBERS)
    return np.array(choices), pack(rewards, tasks)


def expected_gradient(choices, advantages, p):
    """E[mean over a group of sum over turns of A d log pi / dp], term by term."""
    total = 0.0
    for group, rows in zip(choices, np.reshape(advantages, (*choices.shape, -1))):
        probability = np.prod(np.where(group, p, 1 - p))
        slopes = np.where(group, 1 / p, -1 / (1 - p))  # the second turn has no choice
        total += probability * np.mean(slopes * rows[:, 0])
    return total


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
@pytest.mark.parametrize(
    "name, share",
    [
        ("reinforce", 1.0),
        ("rloo", 1.0),
        # A mean that includes the response itself takes 1/n of the gradient away.
        ("dr_grpo", 1 - 1 / MEMBERS),
    ],
)
def test_the_gradient_is_unbiased_when_the_policy_decides_to_stop(name, share, p):
    choices, t = every_group()
    gradient = expected_gradient(choices, ESTIMATORS[name](t), p)
    np.testing.assert_allclose(gradient, share * GRADIENT, rtol=1e-4)


def test_a_baseline_per_turn_index_has_no_gradient_there():
    """At turn two it compares only those that went on, so nothing tells them to."""
    choices, t = every_group()
    baselined = np.zeros(t.where.shape)
    for task in np.unique(t.groups):
        for turn in range(t.where.shape[1]):
            mates = (t.groups == task) & t.where[:, turn]
            if mates.any():
                centred = t.rewards[mates, turn] - np.mean(t.rewards[mates, turn])
                baselined[mates, turn] = centred
    assert expected_gradient(choices, baselined, 0.5) == 0
