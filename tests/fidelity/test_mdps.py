"""The processes have the structure that they are there for."""

import jax
import numpy as np
import pytest

from rl_credit.fidelity import exact, mdps, policies
from rl_credit.fidelity.mdps.key_to_door import TAKE
from rl_credit.fidelity.process import END
from tests.fidelity import loops

ALL = pytest.mark.parametrize("name", mdps.PROCESSES)
SHARED = {"key_to_door", "rejoining"}  # their tasks look alike


def uniform(process):
    """The exact solution of the uniform policy, on the host."""
    logits = policies.uniform(process)
    return jax.device_get(exact.solve(process.tables, logits, process.horizon))


def credit(truth):
    """The advantages, 0 where no episode comes."""
    comes = truth.occupancy.max(0) > 0
    return np.where(comes[:, :, None], truth.advantages, 0.0)


def reached(tables, start):
    """The states that some play comes to from a start [states], as bools."""
    ahead, likely = np.asarray(tables.ahead), np.asarray(tables.chance) > 0
    known = np.asarray(start) > 0
    for _ in range(len(known)):
        found = ahead[known][likely[known]]
        known[found[found != END]] = True
    return known


@ALL
def test_sizes_are_small_and_the_sentence_is_one(name):
    process = loops.process(name)
    states, actions, outcomes = process.tables.ahead.shape
    assert process.name == name
    assert 8 <= process.horizon <= 32
    assert states <= 300 and 2 <= actions <= 8 and outcomes <= 4
    assert 1 <= process.num_tasks <= 4
    assert process.exposes.endswith(".") and process.exposes.count(". ") == 0


@ALL
def test_every_state_and_observation_can_be_come_to(name):
    process = loops.process(name)
    starts = np.asarray(process.tables.starts)
    assert reached(process.tables, starts.sum(0)).all()
    seen = set(np.asarray(process.tables.sees).tolist())
    assert seen == set(range(process.num_observations))


@ALL
def test_there_is_something_to_learn_and_time_for_it(name):
    process = loops.process(name)
    best = loops.best(process.tables, process.horizon)
    longer = loops.best(process.tables, 2 * process.horizon)
    known = uniform(process).returns
    assert (best > known + 0.15).all()
    np.testing.assert_allclose(best, longer, rtol=0.01)


@ALL
def test_tasks_differ_in_value_and_look_alike_only_where_meant(name):
    process = loops.process(name)
    returns = uniform(process).returns
    sees = np.asarray(process.tables.sees)
    looks = [set(sees[reached(process.tables, row)]) for row in process.tables.starts]
    for task in range(1, process.num_tasks):
        assert abs(returns[task] - returns[0]) > 0.03
        assert (looks[task] == looks[0]) == (name in SHARED)


def test_key_to_door_by_hand():
    options = dict(apples=3, apple=0.5, spread=2.0, door=4.0, bonuses=(0.0, 7.0))
    process = mdps.named("key_to_door", **options)
    truth = uniform(process)
    # Half of the apples are taken; the door is opened with a half, the key there too.
    np.testing.assert_allclose(truth.returns, [3 * 0.25 + 1.0, 3 * 0.25 + 8.0])
    advantages = truth.advantages[0, 0]
    np.testing.assert_allclose(advantages[TAKE], 1.0, atol=1e-6)
    first_apple = np.asarray(process.tables.ahead)[0, TAKE, 0]
    np.testing.assert_allclose(truth.advantages[1, first_apple, TAKE], 0.25, atol=1e-6)
    np.testing.assert_allclose(truth.lengths, 5.0)
    spread = np.asarray(process.tables.paid)[first_apple, TAKE]
    np.testing.assert_allclose(spread, [2.5, -1.5])


def test_the_spread_of_apples_changes_no_value():
    calm, wild = (
        uniform(mdps.named("key_to_door", spread=spread)) for spread in (0.0, 30.0)
    )
    np.testing.assert_allclose(calm.advantages, wild.advantages, atol=1e-4)


def test_umbrella_by_hand():
    process = mdps.named("umbrella", length=4, bits=1)
    truth = uniform(process)
    np.testing.assert_allclose(truth.returns, [0.5, 0.0], atol=1e-6)
    for task, worth in enumerate([[0.5, -0.5], [-1.0, 1.0]]):  # leaving it, taking it
        begins = np.asarray(process.tables.starts)[task] == 0.5
        assert begins.sum() == 2
        for state in np.flatnonzero(begins):
            np.testing.assert_allclose(truth.advantages[0, state], worth, atol=1e-6)
    np.testing.assert_allclose(credit(truth)[1:], 0.0, atol=1e-6)


def test_discounting_chain_by_hand_and_what_discounting_would_prefer():
    process = loops.process("discounting_chain")
    truth = uniform(process)
    rewards = np.array([1.0, 1.1, 1.2, 1.3, 1.4])
    np.testing.assert_allclose(truth.action_values[0, 0], rewards, atol=1e-6)
    np.testing.assert_allclose(truth.advantages[0, 0], rewards - 1.2, atol=1e-6)
    np.testing.assert_allclose(credit(truth)[1:], 0.0, atol=1e-6)
    np.testing.assert_allclose(truth.lengths, 1 + 31 / 5, rtol=1e-6)
    delays = np.array([1, 2, 4, 8, 16])
    assert [np.argmax(g**delays * rewards) for g in (0.9, 0.95, 0.99)] == [0, 1, 3]


def test_only_the_decisive_step_of_the_bifurcation_has_credit():
    process = mdps.named("bifurcation_tree", length=9, decisive=3, num_actions=3)
    truth = uniform(process)
    size = np.abs(credit(truth))
    assert (size[3] > 1e-3).sum() == 2 * 3  # two tasks, three actions
    assert np.delete(size, 3, axis=0).max() < 1e-6
    state = np.asarray(process.tables.starts)[0].argmax()
    for _ in range(3):
        state = np.asarray(process.tables.ahead)[state, 0, 0]
    expected = 0.9 - (0.9 + 2 * 0.1) / 3
    np.testing.assert_allclose(truth.advantages[3, state, 0], expected, atol=1e-6)


def test_stopping_has_a_gradient_that_a_baseline_of_the_turn_hides():
    process = mdps.named("early_stopping", gains=(0.0, 0.5))
    logits = policies.uniform(process)
    slope = exact.gradient(process.tables, logits, process.horizon)
    goes = 0.5  # the chance; its derivative by its own logit is goes * (1 - goes)
    np.testing.assert_allclose(slope[0], [-0.125, 0.125], atol=1e-7)
    assert slope[0, 1] / (goes * (1 - goes)) == pytest.approx(0.5)
    for gains in (process, loops.process("early_stopping")):
        paid = np.asarray(gains.tables.paid)[:, :, 0]
        assert (paid == paid[:, :1]).all()  # a turn pays all who reach it alike
    default = loops.process("early_stopping")
    truth = loops.backward(default.tables, default.horizon)[np.arange(8), np.arange(8)]
    assert truth.argmax(1).tolist() == [1, 1, 1, 0, 0, 0, 1, 0]
    assert uniform(default).lengths[0] == pytest.approx(2 - 2**-7)


def test_aliased_rooms_look_alike_and_want_opposite_actions():
    process = loops.process("aliased")
    truth, sees = uniform(process), np.asarray(process.tables.sees)
    pairs = [np.flatnonzero(sees == seen) for seen in range(process.num_observations)]
    rooms = [pair for pair in pairs if len(pair) == 2]
    assert len(rooms) == 4 and all(len(pair) < 3 for pair in pairs)
    for number, (one, other) in enumerate(rooms):
        now = truth.advantages[2 * number + 1]
        np.testing.assert_allclose(now[one], [0.5, -0.5], atol=1e-6)
        np.testing.assert_allclose(now[other], [-0.3, 0.3], atol=1e-6)


@pytest.mark.parametrize("name, ways", [("rejoining", 3), ("no_rejoining", 1)])
def test_ways_into_a_state(name, ways):
    process = loops.process(name)
    ahead, likely = np.asarray(process.tables.ahead), np.asarray(process.tables.chance)
    into = [
        len({state for state, *_ in np.argwhere((ahead == number) & (likely > 0))})
        for number in range(process.num_states)
    ]
    assert max(into) == ways
    assert into.count(0) == process.num_tasks  # the starts
    if ways == 1:
        acts = ahead[ahead != END]
        assert len(set(acts.tolist())) == acts.size == process.num_states - 1


def test_sokoban_is_solved_as_fast_as_the_bank_says():
    process = loops.process("sokoban")
    best = loops.best(process.tables, process.horizon)
    np.testing.assert_allclose(best, [11 - 0.1 * 6, 11 - 0.1 * 9], atol=1e-4)
    assert (np.asarray(process.tables.ahead) == END).any()


def test_lava_makes_the_multiroom_harder_and_no_diagonal_smaller():
    plain, lava = loops.process("multiroom"), mdps.named("multiroom", lava=True)
    straight = mdps.named("multiroom", diagonal=False)
    assert plain.num_actions == 8 and straight.num_actions == 4
    ends = np.asarray(lava.tables.ahead) == END
    assert (ends & (np.asarray(lava.tables.paid) == 0)).any()
    assert (uniform(lava).returns < uniform(plain).returns).all()
    assert loops.best(lava.tables, 32).min() > 0.99


@pytest.mark.parametrize(
    "name, options, error, message",
    [
        ("key_to_dor", {}, ValueError, "did you mean 'key_to_door'"),
        ("umbrella", dict(lenght=3), TypeError, "did you mean 'length'"),
        ("bifurcation_tree", dict(decisive=12), ValueError, r"it must be in \[0, 12\)"),
        ("discounting_chain", dict(delays=(1, 2)), ValueError, "one reward for each"),
        ("sokoban", dict(levels=(1000,)), ValueError, r"use numbers in \[0, 1000\)"),
        ("multiroom", dict(level=-1), ValueError, "it must be in"),
        ("aliased", dict(aim=1.5), ValueError, "sum to 1"),
    ],
)
def test_wrong_names_and_options_are_named(name, options, error, message):
    with pytest.raises(error, match=message):
        mdps.named(name, **options)
