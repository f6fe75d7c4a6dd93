"""A case is the truth about a process and a policy, whatever it is padded to."""

import numpy as np
import pytest

from rl_credit.fidelity import case as cases
from rl_credit.fidelity import exact, mdps
from rl_credit.fidelity.process import Process
from tests.fidelity import small

both = pytest.mark.parametrize("name", small.PROCESSES)


@both
def test_it_holds_the_exact_values_and_zeros(name):
    process, case, truth = small.PROCESSES[name](), small.case(name), small.truth(name)
    known = tuple(slice(size) for size in truth.advantages.shape)
    assert case.advantages.shape == (6, 20, 4) and case.steps == 6
    inside = np.zeros(case.advantages.shape, bool)
    inside[known] = True
    np.testing.assert_allclose(case.advantages[known], truth.advantages, atol=1e-5)
    assert not np.any(case.advantages[~inside])
    grains = np.asarray(case.advantages) / cases.ROUNDING  # so that ties are ties
    np.testing.assert_allclose(grains, np.round(grains), atol=0.05)
    assert not np.any(case.expert[~inside])
    tasks, observations = process.num_tasks, process.num_observations
    np.testing.assert_allclose(case.expected[:tasks], truth.returns, atol=1e-5)
    assert (case.horizon, case.num_tasks) == (process.horizon, tasks)
    gradient = exact.gradient(process.tables, small.logits(name), process.horizon)
    found = case.gradient[:observations, : process.num_actions]
    np.testing.assert_allclose(found, gradient, atol=1e-6)
    assert np.isclose(np.square(case.gradient).sum(), np.square(gradient).sum())


@both
def test_the_expert_knows_every_best_action(name):
    process, case = small.PROCESSES[name](), small.case(name)
    best = np.asarray(exact.optimal(process.tables, process.horizon))
    for time, state, action in np.ndindex(*best.shape):
        near = best[time, state, action] > best[time, state].max() - 1e-4
        assert case.expert[time, state, action] == near


@both
def test_padded_tables_are_a_process_of_the_same_values(name):
    process, case = small.PROCESSES[name](), small.case(name)
    whole = Process("padded", "", case.tables, process.horizon, 10)  # or it raises
    truth = exact.solve(whole.tables, case.logits, process.horizon)
    expected = small.truth(name)
    tasks, states = expected.returns.size, process.num_states
    np.testing.assert_allclose(truth.returns[:tasks], expected.returns, rtol=1e-6)
    visits = truth.occupancy[:tasks, :, :states]
    np.testing.assert_allclose(visits, expected.occupancy, atol=1e-6)


def test_short_processes_and_long_ones_have_sizes_of_their_own():
    long = mdps.named("bifurcation_tree", length=9, decisive=1)
    known = {"a": small.ledge(), "long": long, "b": small.field()}
    found = cases.sizes(known)
    assert found["a"] == found["b"] == cases.Sizes(5, 20, 3, 2, 2, 10)
    assert found["long"] == cases.largest([long])
    assert found["long"].horizon == 9 and found["long"].actions == 4
