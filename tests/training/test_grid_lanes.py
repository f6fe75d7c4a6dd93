"""Several seeds in one program: each is the agent it would be alone, and learns."""

import jax
import numpy as np
import pytest

from rl_credit.training import grid_lanes
from tests.training import tiny_grid


def trained(settings, calls):
    """The learner after so many calls, and what was seen of each."""
    programs = grid_lanes.programs(settings)
    learner, seen = programs.init(), []
    for number in range(calls):
        learner, lanes = programs.call(learner, number)
        seen.append(jax.device_get(lanes))
    return jax.device_get(learner), seen


def test_a_seed_beside_another_is_what_it_is_alone():
    together, both = trained(tiny_grid.small(), 2)
    alone, one = trained(tiny_grid.small(seeds=1, seed=1), 2)
    for name, values in one[-1].items():
        np.testing.assert_allclose(
            both[-1][name][1], values[0], rtol=1e-3, atol=1e-4, err_msg=name
        )
    np.testing.assert_array_equal(
        together.playing.observations[1], alone.playing.observations[0]
    )
    pairs = map(jax.tree.leaves, (together.policy, alone.policy))
    for mine, its in zip(*pairs, strict=True):
        np.testing.assert_allclose(mine[1], its[0], rtol=1e-3, atol=1e-4)


def test_seeds_differ():
    learner, _ = trained(tiny_grid.small(), 1)
    weights = jax.tree.leaves(learner.policy.params)[-1]
    assert np.abs(weights[0] - weights[1]).max() > 1e-3


def test_equal_settings_are_compiled_once():
    programs = grid_lanes.programs(tiny_grid.small())
    assert grid_lanes.programs(tiny_grid.small()) is programs
    changed = tiny_grid.small(bonus__coefficient=0.25)
    assert grid_lanes.programs(changed) is not programs


@pytest.mark.slow
def test_it_learns_to_balance_a_pole():
    settings = tiny_grid.settings(
        seeds=1,
        play=dict(num_envs=16, horizon=64),
        train__frames=61_440,
        train__updates_per_call=10,
        train__epochs=4,
        train__minibatches=4,
        evaluate__episodes=16,
    )
    programs = grid_lanes.programs(settings)
    learner = programs.init()
    before = jax.device_get(programs.judge(learner, 0))
    for number in range(settings.calls):
        learner, lanes = programs.call(learner, number)
    after = jax.device_get(programs.judge(learner, settings.calls))
    assert before["return"][0] < 40.0
    assert after["return"][0] > 200.0
    assert after["length"][0] == after["return"][0]
