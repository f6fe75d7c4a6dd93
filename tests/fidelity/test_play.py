"""Episodes and trees are those of the process, and padding changes none of them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.fidelity import exact, play
from rl_credit.fidelity.process import END
from tests.fidelity import small

ROWS, COPIES, WIDTHS = 4096, 400, (2, 2)
TASKS = jnp.arange(ROWS, dtype=jnp.int32) % 2
GROUPS = jnp.arange(ROWS, dtype=jnp.int32) // 8
both = pytest.mark.parametrize("name", ["ledge", "field"])
episodes = jax.jit(play.episodes, static_argnums=4)
gained = jax.jit(play.gained, static_argnums=4)
trees = jax.jit(play.trees, static_argnums=(3, 4))


@functools.cache
def played(name, padded=True):
    """Many episodes of both tasks, on the host."""
    process = small.PROCESSES[name]()
    who = small.who(small.case(name))
    if not padded:
        who = play.player(process.tables, small.logits(name), process.horizon)
    found = episodes(who, jax.random.key(3), TASKS, GROUPS, small.SPANS)
    return jax.device_get(found)


@functools.cache
def grown(padded=True):
    """64 trees of the ledge and their parents, on the host."""
    who, process = small.who(small.case("ledge")), small.ledge()
    if not padded:
        who = play.player(process.tables, small.logits("ledge"), process.horizon)
    return jax.device_get(trees(who, jax.random.key(5), TASKS[:64], WIDTHS, 3))


def agrees(samples, expected):
    """Whether the mean of the first axis is within 4 standard errors."""
    error = samples.std(0, ddof=1) / np.sqrt(len(samples))
    return np.abs(samples.mean(0) - expected) <= 4 * error + 1e-5


@both
def test_returns_lengths_and_visits_are_the_exact_ones(name):
    rows, truth = played(name), small.truth(name)
    states = truth.occupancy.shape[2]
    came = rows.where[..., None] & (rows.states[..., None] == np.arange(states))
    for task in range(2):
        own = rows.tasks == task
        assert agrees(rows.rewards[own].sum(1), truth.returns[task])
        assert agrees(rows.where[own].sum(1), truth.lengths[task])
        visits = came[own][:, : small.PROCESSES[name]().horizon]
        assert agrees(visits.astype(float), truth.occupancy[task]).all()


@both
def test_every_step_is_one_of_the_process_and_none_follows_an_end(name):
    rows, process = played(name), small.PROCESSES[name]()
    tables = jax.device_get(process.tables)
    for row in range(300):
        at = rows.states[row, 0]
        assert tables.starts[rows.tasks[row], at] > 0
        for time in range(small.SPANS):
            alive = at != END and time < process.horizon
            assert rows.where[row, time] == alive
            if not alive:
                assert rows.rewards[row, time] == 0.0
                continue
            assert (rows.states[row, time], rows.times[row, time]) == (at, time)
            action = rows.actions[row, time]
            assert action < process.num_actions
            pairs = zip(
                tables.ahead[at, action],
                tables.paid[at, action],
                tables.chance[at, action],
            )
            after = rows.states[row, time + 1] if time + 1 < small.SPANS else END
            going = time + 1 < small.SPANS and rows.where[row, time + 1]
            after = after if going else rows.last[row]
            possible = {(ahead, paid) for ahead, paid, chance in pairs if chance > 0}
            assert (after, rows.rewards[row, time]) in possible
            at = after
        assert rows.last[row] == at
    np.testing.assert_array_equal(rows.groups, GROUPS)


def test_what_is_gained_from_anywhere_has_the_exact_value():
    process, truth = small.ledge(), small.truth("ledge")
    grid = np.array(list(np.ndindex(process.horizon, process.num_states)))
    times, states = np.repeat(grid, COPIES, axis=0).T.astype(np.int32)
    key, who = jax.random.key(9), small.who(small.case("ledge"))
    found = gained(who, key, jnp.asarray(states), jnp.asarray(times), small.SPANS)
    sums, taken = (np.asarray(x).reshape(len(grid), COPIES).T for x in found)
    left = exact.remaining(process.tables, small.logits("ledge"), process.horizon)
    assert agrees(sums, truth.values[:-1].reshape(-1)).all()
    assert agrees(taken, np.asarray(left).reshape(-1)).all()
    assert taken.min() == 1 and taken.max() == process.horizon


def test_nothing_is_gained_from_an_end_or_when_time_is_up():
    states, times = jnp.array([END, 0], jnp.int32), jnp.array([0, 5], jnp.int32)
    who = small.who(small.case("ledge"))
    sums, taken = gained(who, jax.random.key(0), states, times, small.SPANS)
    assert not np.any(sums) and not np.any(taken)


@both
def test_padding_changes_no_episode(name):
    jax.tree.map(np.testing.assert_array_equal, played(name), played(name, False))


def test_padding_changes_no_tree():
    jax.tree.map(np.testing.assert_array_equal, grown(), grown(False))


def test_actions_and_outcomes_of_padding_are_never_drawn():
    """Also for numbers as near to 1 as there are."""
    who = small.who(small.case("ledge"))
    most = np.nextafter(np.float32(1.0), np.float32(0.0))
    for rows, known in ((who.acts[:3], 3), (who.begins[:2], 2 * 4)):
        numbers = jnp.full(rows.shape[0], most)
        drawn = jnp.sum(numbers[:, None] >= rows, axis=1)
        assert (drawn < known).all()
        assert (rows[:, -1] == 1.0).all()
    assert played("ledge").actions.max() == 2


def test_trees_go_on_from_their_parents():
    """Segments share the horizon, 5: they are of 3 steps and of 2."""
    rows, parents = grown()
    tables, untils = jax.device_get(small.ledge().tables), (0, 3, 5)
    level = np.repeat(np.arange(3), [64, 128, 256])
    assert len(level) == len(parents) == len(rows.where)
    children = np.zeros(len(parents), int)
    for row, parent in enumerate(parents):
        count = rows.where[row].sum()
        assert rows.where[row, :count].all()
        if level[row] == 0:
            assert parent == -1 and count == 0
            assert tables.starts[rows.tasks[row], rows.last[row]] > 0
            assert (rows.groups[row], rows.tasks[row]) == (row, row % 2)
            continue
        if parent == -1:  # of an end
            assert count == 0
            continue
        children[parent] += 1
        assert parent < row and level[parent] == level[row] - 1
        assert rows.groups[row] == rows.groups[parent]
        assert rows.tasks[row] == rows.tasks[parent]
        assert rows.states[row, 0] == rows.last[parent] and count > 0
        begun = untils[level[row] - 1]
        np.testing.assert_array_equal(rows.times[row, :count] - begun, range(count))
        whole = untils[level[row]] - begun
        assert count <= whole and (count == whole or rows.last[row] == END)
    for row in np.flatnonzero(level < 2):
        goes_on = rows.last[row] != END and (level[row] == 0 or parents[row] != -1)
        assert children[row] == (2 if goes_on else 0)
    assert (parents[level > 0] == -1).any()  # some end early


def test_leaves_of_a_tree_have_the_return_of_an_episode():
    """Its first path is one, and no path lasts longer."""
    rows, parents = grown()
    paths = []
    for leaf in range(64 * 3, 64 * 7, 4):  # the first child of the first child
        above = 64 + 2 * (leaf - 64 * 3) // 4
        assert parents[leaf] in (above, -1)
        paths.append(rows.rewards[leaf].sum() + rows.rewards[above].sum())
    tasks = rows.tasks[64 * 3 : 64 * 7 : 4]
    expected = small.truth("ledge").returns[tasks]
    assert agrees(np.array(paths) - expected, 0.0)
