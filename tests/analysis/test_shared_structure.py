"""Exact values of rooms, and how much of their variance is between contexts."""

import collections

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.analysis import shared_structure
from rl_credit.analysis.shared_structure import Features, shared_variance
from rl_credit.envs.grid import room_models
from rl_credit.envs.grid.minihack import MiniHack
from rl_credit.envs.grid.room_models import LOST
from rl_credit.envs.grid.rooms_moves import OPENS
from rl_credit.envs.grid.rooms_words import Message

DISCOUNT = 0.97


def solved(env, levels):
    """The tables, their values and what is reachable, level first."""
    models = room_models.models(env, np.asarray(levels, np.int32))
    worth = np.asarray(shared_structure.values(models, DISCOUNT))
    known = np.asarray(shared_structure.reachable(models))
    return jax.device_get(models), worth, known


def steps_left(model, level):
    """Steps to the staircase from every state that has a way, by breadth first."""
    before = collections.defaultdict(list)
    for state, row in enumerate(model.ahead[level]):
        for ahead in row:
            before[ahead].append(state)
    left = {int(s): 1 for s in np.flatnonzero(model.paid[level].any(1))}
    queue = collections.deque(left)
    while queue:
        state = queue.popleft()
        for earlier in before[state]:
            if earlier not in left:
                left[earlier] = left[state] + 1
                queue.append(earlier)
    return left


@pytest.mark.parametrize("task", ["KeyRoom-S5", "MultiRoom-N6-Lava-OpenDoor"])
def test_without_chance_values_are_the_discount_to_the_steps_left(task):
    env = MiniHack(task)
    models, worth, known = solved(env, [3, 4])
    for level in range(2):
        left = steps_left(models, level)
        assert np.flatnonzero(known[level]).size > 20
        for state in np.flatnonzero(known[level]):
            expected = DISCOUNT ** (left[int(state)] - 1)
            assert worth[level, state] == pytest.approx(expected, abs=1e-5)


def test_a_door_that_may_resist_costs_what_it_takes_on_average():
    """On a chain: steps on the way are one each, and a door is a geometric wait."""
    models, worth, known = solved(MiniHack("MultiRoom-N3-Lava"), [0, 9])
    waits = DISCOUNT * OPENS / (1 - DISCOUNT * (1 - OPENS))
    for level in range(2):
        steps = steps_left(models, level)[int(models.start[level])]
        expected = DISCOUNT ** (steps - 1 - 2) * waits**2  # two doors
        start = worth[level, models.start[level]]
        assert start == pytest.approx(expected, abs=1e-5)
        assert known[level].sum() < known.shape[1] / 10


def test_features_of_positions_are_the_least_value_of_any_stage():
    env = MiniHack("MultiRoom-N3-Lava")
    models, worth, known = solved(env, [0, 9])
    found = shared_structure.positions(env, known, worth)
    for level in range(2):
        for cell in np.flatnonzero(found.occurs[level]):
            states = range(int(cell), known.shape[1], env.num_positions)
            least = min(worth[level, s] for s in states if known[level, s])
            assert found.values[level, cell] == least
        assert found.occurs[level, models.start[level]]
        assert found.occurs[level].sum() > 8


def test_features_of_messages_are_the_least_value_after_hearing_them():
    env = MiniHack("MultiRoom-N3-Lava")
    models, worth, known = solved(env, [0, 9])
    placed = jax.tree.map(jnp.asarray, models)
    found = shared_structure.messages(env, placed, known, worth)
    for level in range(2):
        least = {int(Message.SILENCE): worth[level, models.start[level]]}
        for state in np.flatnonzero(known[level]):
            for action, ahead in enumerate(models.ahead[level, state]):
                heard = [(int(models.says[level, state, action]), ahead)]
                if models.chance[level, state, action] < 1:
                    heard.append((int(Message.DOOR_RESISTS), state))
                for said, reached in heard:
                    if ahead != LOST:
                        worst = least.get(said, np.inf)
                        least[said] = min(worst, worth[level, reached])
        assert set(np.flatnonzero(found.occurs[level])) == set(least)
        for said, value in least.items():
            assert found.values[level, said] == value


def features(rows):
    """From lists; None: the feature does not occur in the context."""
    occurs = np.array([[value is not None for value in row] for row in rows])
    values = np.array([[value or 0.0 for value in row] for row in rows])
    return Features(values, occurs)


@pytest.mark.parametrize(
    "rows, expected",
    [
        ([[0.2, 0.9], [0.2, 0.9], [0.2, 0.9]], 0.0),  # one structure
        ([[0.0, 1.0], [1.0, 0.0]], 1.0),  # a feature says nothing
        ([[0.0, 0.0], [1.0, 1.0]], 1.0),
        ([[0.0, 3.0], [2.0, 5.0]], 1.0 / 3.25),  # within 1, between 2.25
        ([[0.0, None], [2.0, None], [None, 7.0]], 2.0 / 26.0),
        ([[0.5, None]], 0.0),
    ],
)
def test_shared_variance_in_closed_form(rows, expected):
    assert shared_variance(features(rows)) == pytest.approx(expected)


def test_one_context_shares_all_and_many_share_less():
    found = [
        shared_structure.measured(
            MiniHack("KeyRoom-S5", num_contexts=count), discount=DISCOUNT
        )
        for count in (1, 4)
    ]
    assert found[0] == {"position": 0.0, "message": 0.0}
    assert 0 < found[1]["message"] < found[1]["position"] <= 1


def test_fresh_levels_are_sampled_and_contexts_are_all_taken():
    fixed = MiniHack("KeyRoom-S5", num_contexts=3)
    np.testing.assert_array_equal(
        shared_structure.levels(fixed), fixed.contexts.numbers
    )
    drawn = shared_structure.levels(MiniHack("MultiRoom-N3-Lava"))
    assert len(set(drawn.tolist())) == shared_structure.SAMPLED
    assert not shared_structure.tabulated(MiniHack("River"))
