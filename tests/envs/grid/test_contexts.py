"""Contexts: which numbers occur, and how often."""

import jax
import numpy as np
import pytest

from rl_credit.envs.grid.contexts import SEEDS, Contexts


def drawn(contexts, count, seed=0):
    """That many draws, each with a key of its own."""
    keys = jax.random.split(jax.random.key(seed), count)
    return np.asarray(jax.vmap(contexts.draw)(keys))


def test_fixed_contexts_are_distinct_and_the_only_ones_drawn():
    contexts = Contexts(5, 3, 8)
    assert len(set(contexts.numbers.tolist())) == 5
    assert set(contexts.numbers.tolist()) <= set(range(8))
    assert set(drawn(contexts, 200).tolist()) == set(contexts.numbers.tolist())


def test_all_levels_may_be_the_contexts():
    assert sorted(Contexts(8, 0, 8).numbers.tolist()) == list(range(8))


def test_no_contexts_draw_every_level_alike():
    counts = np.bincount(drawn(Contexts(0, 0, 10), 5000), minlength=10)
    assert counts.shape == (10,)
    assert abs(counts - 500).max() < 110  # five standard deviations


def test_fixed_contexts_are_drawn_alike():
    counts = np.unique(drawn(Contexts(3, 0, 1000), 3000), return_counts=True)[1]
    assert abs(counts - 1000).max() < 130


def test_where_levels_are_seeds_every_episode_has_its_own():
    seeds = drawn(Contexts(0, 0, SEEDS), 500)
    assert len(set(seeds.tolist())) == 500
    assert seeds.min() >= 0 and seeds.dtype == np.int32


def test_the_seed_fixes_the_contexts_also_between_versions():
    assert Contexts(3, 0, 1000).numbers.tolist() == [636, 511, 848]
    numbers = Contexts(3, 0, SEEDS).numbers.tolist()
    assert numbers == [1367864806, 1097657231, 1826701612]
    assert Contexts(3, 1, 1000).numbers.tolist() != [636, 511, 848]


def test_the_level_depends_on_the_key_alone():
    contexts = Contexts(0, 0, 1000)
    np.testing.assert_array_equal(drawn(contexts, 9), drawn(contexts, 9))
    assert drawn(contexts, 9).tolist() != drawn(contexts, 9, seed=1).tolist()


@pytest.mark.parametrize("count", [-1, 11])
def test_a_wrong_number_of_contexts_is_named(count):
    with pytest.raises(ValueError, match=f"num_contexts is {count}; .* from 1 to 10"):
        Contexts(count, 0, 10)


def test_a_negative_seed_is_named():
    with pytest.raises(ValueError, match="context_seed is -2"):
        Contexts(1, -2, 10)
