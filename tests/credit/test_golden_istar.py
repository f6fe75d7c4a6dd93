"""OPRL / iStar against its equations in float64, PRIME against the official code."""

import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.credit import groups, implicit, spans
from tests.references import golden

ISTAR, PRIME = golden.load("istar"), golden.load("process")["prime"]
BATCH, SPANS = 8, 8  # all cases are padded to these
CLOSE = dict(rtol=1e-4, atol=1e-4)


def numbers(names):
    """Ids by first appearance."""
    known = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([known[name] for name in names])


def places(case):
    """Where each row of a case lies in [batch spans]: its trajectory and its step."""
    trajectories = numbers(case["traj"])
    earlier = np.tril(trajectories[:, None] == trajectories[None], k=-1)
    return trajectories, earlier.sum(axis=1)


def laid_out(case, values, fill=np.nan, dtype=np.float32):
    array = np.full((BATCH, SPANS), fill, dtype)
    array[places(case)] = values
    return jnp.asarray(array)


def task_of_each(case):
    tasks = np.full(BATCH, BATCH - 1, np.int32)
    tasks[places(case)[0]] = numbers(case["task"])
    return jnp.asarray(tasks)


def step_advantages(compiled, case):
    """Step rewards and their advantages, row by row."""
    ratios = laid_out(case, case["log_ratio"])
    kernel = compiled(implicit.step_rewards, beta=case["beta"])
    rewards = kernel(ratios, jnp.zeros_like(ratios))
    where = laid_out(case, True, False, bool)
    advantages = compiled(implicit.advantages)(rewards, where, task_of_each(case))
    return np.asarray(rewards)[places(case)], np.asarray(advantages)[places(case)]


@pytest.mark.parametrize("case", ISTAR["cases"], ids=lambda case: case["traj"][0])
def test_rewards_and_advantages_are_those_of_the_paper(compiled, case):
    """Equations 1, 3, 4 and, with alpha 1, their sum 5."""
    rewards, step = step_advantages(compiled, case)
    np.testing.assert_allclose(rewards, case["step_reward"], rtol=1e-5, atol=1e-6)
    paper = case["paper"]
    np.testing.assert_allclose(step, paper["step_advantage"], **CLOSE)
    where = laid_out(case, True, False, bool)
    paid = jnp.max(laid_out(case, case["episode_reward"], -jnp.inf), axis=1)
    inputs = paid, task_of_each(case), jnp.any(where, axis=1)
    relative = compiled(groups.group_relative)(*inputs)
    episode = np.asarray(spans.over(relative, where))[places(case)]
    np.testing.assert_allclose(episode, paper["episode_advantage"], **CLOSE)
    np.testing.assert_allclose(episode + step, paper["advantage_alpha_1"], **CLOSE)


def released_baseline(case, order):
    """Mean of the first row of each trajectory, in the order the rows come in."""
    firsts = {}
    for row in order:
        firsts.setdefault((case["task"][row], case["traj"][row]), row)
    rewards = case["step_reward"]
    chosen = [(task, rewards[row]) for (task, _), row in firsts.items()]
    return {
        name: np.mean([reward for task, reward in chosen if task == name])
        for name in case["task"]
    }


def test_the_released_step_baseline_depends_on_the_order_of_rows_and_ours_does_not(
    compiled,
):
    """It keeps one row a trajectory, whichever comes first; eq. 4 has all steps.

    What it added for alpha is twice the difference of its results at 1 and 0.5.
    """
    case = ISTAR["cases"][0]
    rows = np.arange(len(case["traj"]))
    released = case["released"]
    whole, half = (released[f"grpo_mean_norm_alpha_{alpha}"] for alpha in (1.0, 0.5))
    added = 2 * (np.array(whole) - np.array(half))
    forwards = released_baseline(case, rows)
    backwards = released_baseline(case, rows[::-1])
    expected = [
        reward - forwards[task]
        for task, reward in zip(case["task"], case["step_reward"])
    ]
    np.testing.assert_allclose(added, expected, atol=1e-5)
    assert all(abs(forwards[task] - backwards[task]) > 1e-3 for task in forwards)

    turned = {
        name: column[::-1] for name, column in case.items() if isinstance(column, list)
    }
    _, ours = step_advantages(compiled, case)
    _, ours_turned = step_advantages(compiled, turned | dict(beta=case["beta"]))
    np.testing.assert_allclose(ours_turned[::-1], ours, **CLOSE)


@pytest.mark.parametrize("case", PRIME["cases"], ids=lambda case: case["id"])
def test_prime_is_that_of_the_released_code(compiled, case):
    """On the mask: the rest, which it leaves at minus the mean, is 0 here."""
    where = np.array(PRIME["where"], bool)
    knobs = dict(
        beta=1.0,  # the rewards given are beta * log-ratio
        process_weight=case["reward_dpo_coef"],
        outcome_weight=case["reward_gt_coef"],
    )
    rewards = np.where(where, case["implicit_token_rewards"], np.nan)
    inputs = rewards.astype(np.float32), np.array(case["acc"], np.float32)
    ids = numbers(PRIME["groups"]).astype(np.int32)
    actual = compiled(implicit.prime, **knobs)(*map(jnp.asarray, (*inputs, ids, where)))
    expected = np.where(where, case["advantages"], 0.0)
    np.testing.assert_allclose(actual, expected, **CLOSE)
