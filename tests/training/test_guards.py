"""What is not finite teaches nothing, is named, and stops a run before it is saved."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.rollout.episodes import Episode
from rl_credit.runtime.errors import UserError
from rl_credit.training import text_iteration
from rl_credit.training.collect import Collected
from rl_credit.training.guards import Guard, blamed
from rl_credit.training.text_iteration import Learner
from tests.training import spoken

OUTCOMES = [True, False] * 4  # two groups


@pytest.fixture(scope="module")
def world():
    opened = spoken.opened()
    with opened.pool:
        yield opened


def begun(agent):
    settings, nothing = agent.world.settings, jnp.zeros((), jnp.int32)
    policy = agent.placement.begun(spoken.params(), settings.train.optimiser)
    return Learner(policy, {}, nothing, nothing, {})


def improved(agent, learner, poisoned):
    """One iteration in which the advantages of these tasks are not finite."""
    episodes = [
        dataclasses.replace(one, task=10 + one.group)
        for one in spoken.episodes(OUTCOMES)
    ]
    longest = max(len(one.steps) for one in episodes)
    advantages = np.ones((len(episodes), longest), np.float32)
    advantages[[one.task in poisoned for one in episodes]] = np.nan
    collected = Collected(episodes, 2, 0, 0, 2, [])
    policy, skipped, seen = text_iteration.improved(
        agent, learner, collected, advantages, 0
    )
    return dataclasses.replace(learner, policy=policy, skipped=skipped), seen


def test_a_gradient_that_is_not_finite_changes_nothing_and_is_named(world, capsys):
    agent = spoken.agent(world, guard__skipped=3)
    before = spoken.copied(begun(agent))
    after, seen = improved(agent, begun(agent), {11})
    assert spoken.same(after.policy, before.policy)
    assert int(after.skipped) == 1 and seen["skipped"] == 1
    assert "step 0: an update is skipped: task 11\n" in capsys.readouterr().out
    after, seen = improved(agent, after, {10, 11})
    assert int(after.skipped) == 2
    assert "skipped: tasks 10, 11\n" in capsys.readouterr().out
    after, seen = improved(agent, after, set())
    assert int(after.skipped) == 0 and seen["skipped"] == 0
    assert not spoken.same(after.policy, before.policy)


def test_too_many_in_a_row_stop_the_run(world):
    agent = spoken.agent(world, guard__skipped=2)
    after, _ = improved(agent, begun(agent), {10})
    with pytest.raises(UserError, match="2 updates in a row(.|\n)*for task 10"):
        improved(agent, after, {10})


def test_too_many_faults_of_environments_stop_the_run():
    whole = [Episode(task, task) for task in range(6)]
    lost = [Episode(7, 7, failure="hang"), Episode(8, 8, failure="death", reason="who")]
    guard = Guard(skipped=1, failed=0.25)
    guard.check_episodes([*whole, *lost])  # a quarter is allowed
    message = r"3 of 9 .*\(death 2, hang 1\).*guard.failed=0.25(.|\n)*task 8:\nwho"
    with pytest.raises(UserError, match=message):
        guard.check_episodes([lost[1], *whole, *lost])


def test_a_few_tasks_are_named():
    assert blamed([3]) == "task 3"
    assert blamed([1, 2, 3, 4, 5, 6, 7]) == "tasks 1, 2, 3, 4, 5 and 2 more"
    assert "only their sum" in blamed([])


@pytest.mark.parametrize(
    "fields", [dict(skipped=0), dict(failed=0.0), dict(failed=1.5)]
)
def test_what_no_guard_can_have_is_refused(fields):
    with pytest.raises(ValueError, match="guard: skipped="):
        Guard(**dict(skipped=1, failed=0.5) | fields)
