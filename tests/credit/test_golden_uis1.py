"""UI-S1's returns and advantages on the same numbers as the official code."""

import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.credit import groups, semi_online
from rl_credit.ops import segments
from tests.references import golden

UIS1 = golden.load("uis1")
HORIZONS = {
    "paper": "returns_paper_eq9",
    "released": "returns_code_latest",
    "full": "returns_code_first_release",
}
MODES = {"mean_std_norm": True, "mean_norm": False}
BATCH, SPANS = 24, 8  # all cases are padded to these
CLOSE = dict(rtol=1e-5, atol=1e-5)


def numbers(names):
    """Ids by first appearance."""
    known = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([known[name] for name in names])


def padded(rows, fill, dtype):
    array = np.full((BATCH, SPANS), fill, dtype)
    for i, row in enumerate(rows):
        array[i, : len(row)] = row
    return jnp.asarray(array)


class Rows:
    """The rows of a case, one a step, and where they lie in [batch spans]."""

    def __init__(self, case):
        self.case = case
        self.trajectories, self.tasks = numbers(case["traj"]), numbers(case["task"])
        self.steps = np.array(case["step_id"])
        self.groups = np.full(BATCH, BATCH - 1, np.int32)
        self.groups[self.trajectories] = self.tasks
        self.where = self.spread(np.ones(len(self.steps)), False)

    def spread(self, values, fill=np.nan):
        """A column of the rows as [batch spans]."""
        dtype = bool if fill is False else np.float32
        array = np.full((BATCH, SPANS), fill, dtype)
        array[self.trajectories, self.steps] = values
        return jnp.asarray(array)

    def gather(self, array):
        """The reverse."""
        return np.asarray(array)[self.trajectories, self.steps]

    def flat(self, values):
        """Scores, tasks and mask of the rows themselves, padded to one length."""
        size = len(values)
        scores = np.full(96, np.nan, np.float32)
        scores[:size] = values
        ids = np.zeros(96, np.int32)
        ids[:size] = self.tasks
        return jnp.asarray(scores), jnp.asarray(ids), jnp.arange(96) < size


def alone(ids):
    """Whether a row has its id to itself."""
    return np.bincount(ids)[ids] == 1


@pytest.mark.parametrize("horizon", HORIZONS)
def test_patched_returns_of_all_three_definitions(compiled, horizon):
    discounts = {case["gamma"] for case in UIS1["discounted_return"]}
    patched = semi_online.patched_returns
    kernels = {d: compiled(patched, discount=d, horizon=horizon) for d in discounts}
    for case in UIS1["discounted_return"]:
        kernel = kernels[case["gamma"]]
        rewards = padded(case["rewards"], np.nan, np.float32)
        matches = padded(case["match"], False, bool)
        where = padded([[True] * len(row) for row in case["match"]], False, bool)
        actual = kernel(rewards, matches, where)
        expected = padded(case[HORIZONS[horizon]], 0.0, np.float32)
        np.testing.assert_allclose(actual, expected, **CLOSE)


@pytest.mark.parametrize("mode, scale", MODES.items())
def test_step_advantages_of_the_released_returns(compiled, mode, scale):
    """From rewards and matches to the step advantage, in two kernels."""
    patched = compiled(semi_online.patched_returns, horizon="released")
    step_level = compiled(semi_online.step_level, scale=scale)
    for case in UIS1["advantage"]:
        rows = Rows(case)
        assert case["gamma"] == 0.5  # the default, of the paper and here
        rewards = rows.spread(case["reward"])
        matches = rows.spread(case["match"], False)
        returns = patched(rewards, matches, rows.where)
        actual = rows.gather(returns)
        np.testing.assert_allclose(actual, case["discounted_return"], **CLOSE)
        actual = rows.gather(step_level(returns, jnp.asarray(rows.groups), rows.where))
        expected = case[mode]["step_advantage"]
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("mode, scale", MODES.items())
def test_released_episode_advantages_are_relative_to_rewards_of_single_steps(
    compiled, mode, scale
):
    """Its "episode" pools the rewards of all steps of a task, not returns.

    A sample alone gets its raw reward there and, having nothing to be compared with,
    exactly 0 here.
    """
    kernel = compiled(groups.group_relative, scale=scale)
    for case in UIS1["advantage"]:
        rows = Rows(case)
        actual = np.asarray(kernel(*rows.flat(case["reward"])))[: len(rows.steps)]
        expected = np.array(case[mode]["episode_advantage"])
        lone = alone(rows.tasks)
        assert np.allclose(expected[lone], np.array(case["reward"])[lone])
        expected[lone] = 0.0
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)
        assert not np.any(actual[lone])


@pytest.mark.parametrize("mode, scale", MODES.items())
def test_first_rows_without_spread_give_zero_and_not_minus_450000(
    compiled, mode, scale
):
    """With statistics from one row a trajectory the code divides by epsilon alone."""
    kernel = compiled(groups.group_relative, scale=scale)
    artefacts = 0
    for case in UIS1["advantage"]:
        rows = Rows(case)
        size = len(rows.steps)
        names = np.full(96, 95, np.int32)
        names[:size] = rows.trajectories
        scores, ids, where = rows.flat(case["reward"])
        firsts = segments.firsts(jnp.asarray(names), where)
        actual = np.asarray(kernel(scores, ids, where, sample=firsts))[:size]
        stats = "episode_advantage_stats_from_first_row_only"
        expected = np.array(case[mode][stats])
        rivals = np.bincount(rows.tasks, np.asarray(firsts)[:size])
        expected[rivals[rows.tasks] == 1] = 0.0  # the raw reward there
        wild = np.abs(expected) > 1e5
        artefacts += wild.sum()
        expected[wild] = 0.0
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)
        assert not np.any(actual[wild])
    assert artefacts == (7 if scale else 0)


@pytest.mark.parametrize("name", ["undiscounted_sum", "trajectory_return_t0"])
def test_episode_advantages_of_the_paper_compare_whole_rollouts(compiled, name):
    """Equation 11 over the rollouts of a task: their sums, or their first returns."""
    kernel = compiled(groups.group_relative)
    patched = compiled(semi_online.patched_returns)
    for case in UIS1["advantage"]:
        rows = Rows(case)
        rewards = rows.spread(case["reward"], 0.0)
        matches = rows.spread(case["match"], False)
        firsts = patched(rewards, matches, rows.where)[:, 0]
        sums = rewards.sum(axis=1)
        scores = {"undiscounted_sum": sums, "trajectory_return_t0": firsts}
        played = rows.where.any(axis=1)
        inputs = scores[name], jnp.asarray(rows.groups), played
        actual = np.asarray(kernel(*inputs))
        for number, task in enumerate(dict.fromkeys(case["task"])):
            expected = case["per_rollout"][task][name]
            mine = dict.fromkeys(zip(case["traj"], rows.trajectories, rows.tasks))
            order = [at for _, at, group in sorted(mine) if group == number]
            expected = [0.0] * len(order) if expected is None else expected
            np.testing.assert_allclose(actual[order], expected, rtol=1e-4, atol=1e-4)
