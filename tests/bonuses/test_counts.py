import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_credit.bonuses import counts
from rl_credit.bonuses.counts import EpisodicCount, GlobalCount
from tests.bonuses import streams
from tests.references import bonuses as reference
from tests.references import golden

GOLDEN = golden.load("bonuses")
TIME, ENVS = 12, 4
KEYED = dict(num_keys=streams.KEYS)
COUNTS = {
    "episodic": (EpisodicCount(**KEYED), reference.episodic_visits),
    "global": (GlobalCount(**KEYED), reference.global_visits),
}
KEY = jax.random.key(0)
law = settings(max_examples=20, deadline=None)
visits = {name: jax.jit(count.visits) for name, (count, _) in COUNTS.items()}
hashed = {
    "episodic": EpisodicCount(buckets=512),
    "global": GlobalCount(buckets=4096),
}
by_looks = {name: jax.jit(count.visits) for name, count in hashed.items()}


def by_hand(name, seen):
    keys = np.asarray(seen.start_keys), np.asarray(seen.keys)
    return COUNTS[name][1](*keys, np.asarray(seen.starts))


@law
@given(seed=st.integers(0, 2**31), name=st.sampled_from(sorted(COUNTS)))
def test_visits_are_those_of_a_dictionary(seed, name):
    seen = streams.stream(TIME, ENVS, seed)
    state = COUNTS[name][0].init(KEY, seen)
    np.testing.assert_array_equal(visits[name](state, seen)[1], by_hand(name, seen))
    state = hashed[name].init(KEY, seen)
    np.testing.assert_array_equal(by_looks[name](state, seen)[1], by_hand(name, seen))


def test_the_environment_that_comes_first_is_counted_first():
    nowhere = np.full((2, 3), 9)
    keys = np.array([[7, 7, 2], [2, 7, 7]])
    seen = streams.keyed(nowhere, keys, np.zeros((2, 3), bool))
    count = GlobalCount(num_keys=10)
    _, paid = jax.jit(count.pay)(count.init(KEY, seen), seen)
    expected = np.array([[1, 2, 1], [2, 3, 4]]) ** -0.5
    np.testing.assert_allclose(paid, expected, rtol=1e-6)


def test_an_episode_begins_with_a_visit_that_no_step_is_paid_for():
    begins = np.array([[True], [False], [True], [False]])
    seen = streams.keyed(
        np.array([[0], [9], [1], [9]]), np.array([[0], [1], [1], [0]]), begins
    )
    count = EpisodicCount(num_keys=10, kind="inverse_sqrt")
    _, paid = jax.jit(count.pay)(count.init(KEY, seen), seen)
    np.testing.assert_allclose(paid[:, 0], [0.5**0.5, 1.0, 0.5**0.5, 1.0], rtol=1e-6)
    count = GlobalCount(num_keys=10)
    _, paid = jax.jit(count.pay)(count.init(KEY, seen), seen)
    np.testing.assert_allclose(paid[:, 0] ** -2, [2, 1, 3, 3], rtol=1e-6)


@law
@given(
    seed=st.integers(0, 2**31),
    cuts=st.sampled_from([(4,), (4, 8)]),
    name=st.sampled_from(sorted(COUNTS)),
)
def test_rollouts_may_be_cut_anywhere(seed, cuts, name):
    seen = streams.stream(TIME, ENVS, seed)
    for kernel, count in ((visits, COUNTS[name][0]), (by_looks, hashed[name])):
        state = count.init(KEY, seen)
        table, whole = kernel[name](state, seen)
        last, pieces = streams.pay_in_pieces(kernel[name], state, seen, cuts)
        np.testing.assert_array_equal(pieces, whole)
        np.testing.assert_array_equal(last, table)


@law
@given(seed=st.integers(0, 2**31), order=st.permutations(range(ENVS)))
def test_the_order_of_environments_only_moves_episodic_counts(seed, order):
    seen = streams.stream(TIME, ENVS, seed)
    moved = streams.environments(seen, np.asarray(order))
    state = COUNTS["episodic"][0].init(KEY, seen)
    _, whole = visits["episodic"](state, seen)
    _, other = visits["episodic"](state, moved)
    np.testing.assert_array_equal(other, whole[:, np.asarray(order)])
    state = COUNTS["global"][0].init(KEY, seen)
    (table, whole), (same, other) = (
        visits["global"](state, rollout) for rollout in (seen, moved)
    )
    np.testing.assert_array_equal(same, table)
    assert int(jnp.sum(table)) == TIME * ENVS + int(jnp.sum(seen.starts))
    paid = [np.sort(np.asarray(counted), axis=None) for counted in (whole, other)]
    np.testing.assert_array_equal(*paid)


@pytest.mark.parametrize("row", GOLDEN["counts"], ids=lambda row: row["kind"])
def test_golden_counts_of_the_clean_semantics(row):
    """There the successor of a last step is unknown: it is given a key of its own."""
    _, keys = np.unique([str(key) for key in row["keys"]], return_inverse=True)
    done, nobody = np.array(row["done"]), int(keys.max()) + 1
    after = np.where(done[1:], nobody, keys[1:])
    seen = streams.keyed(keys[:-1, None], after[:, None], done[:-1, None])
    known = ~done[1:]
    for count, name in (
        (EpisodicCount(num_keys=nobody + 1), "clean_episodic_count_per_step"),
        (GlobalCount(num_keys=nobody + 1), "clean_global_count_per_step"),
    ):
        _, paid = jax.jit(count.visits)(count.init(KEY, seen), seen)
        expected = np.array(row[name])
        np.testing.assert_array_equal(paid[known, 0], expected[known])
        assert np.all(expected[~known] == -1)


def test_a_new_state_looks_old_as_rarely_as_stated():
    buckets, different = 256, 128
    count = GlobalCount(buckets=buckets)
    rng = np.random.default_rng(0)
    looks = jnp.asarray(rng.normal(size=(1, different + 4096, 2)), jnp.float32)
    seen = streams.stream(1, different + 4096)
    seen = dataclasses.replace(
        seen,
        observations=looks,
        next_observations=looks,
        starts=jnp.zeros_like(seen.starts),
    )
    old = streams.environments(seen, np.arange(different))
    table, _ = jax.jit(count.visits)(count.init(KEY, old), old)
    places = np.asarray(count.places(seen))[:, 0, 1, different:]
    lowest = np.min([row[place] for row, place in zip(np.asarray(table), places)], 0)
    stated = (1 - (1 - 1 / buckets) ** different) ** 2
    np.testing.assert_allclose(np.mean(lowest > 0), stated, rtol=0.15)


@pytest.mark.parametrize("limit", [6, 2**30])  # packed in a word, and not
def test_ranks_count_equal_ids_before(compiled, limit):
    ids = np.random.default_rng(0).integers(6, size=40)
    ranks = compiled(lambda ids: counts.ranks(ids, limit))(jnp.asarray(ids, jnp.int32))
    expected = [np.sum(ids[:row] == ids[row]) for row in range(40)]
    np.testing.assert_array_equal(ranks, expected)


def test_visits_eager_and_compiled(compiled):
    table = jnp.asarray([3, 0, 1], jnp.int32)
    places = jnp.asarray([0, 1, 0, 1, 2, 0], jnp.int32)
    where = jnp.asarray([True, True, True, False, True, True])
    opens = jnp.asarray([False, False, False, False, True, False])
    last, numbers = compiled(counts.visit)(table, places, where, opens)
    np.testing.assert_array_equal(last, [1, 0, 1])
    np.testing.assert_array_equal(numbers[where], [4, 1, 5, 1, 1])


def test_what_is_refused():
    with pytest.raises(ValueError, match="did you mean 'indicator'"):
        EpisodicCount(kind="indicater")
    with pytest.raises(ValueError, match="num_keys=-1"):
        GlobalCount(num_keys=-1)
    with pytest.raises(ValueError, match="at least one bucket"):
        EpisodicCount(buckets=0)
