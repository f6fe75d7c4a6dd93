"""What holds for every name in the table."""

import dataclasses
import functools

import jax
import numpy as np
import pytest

from rl_credit.bonuses import combine
from rl_credit.bonuses.combine import BONUSES, Product, WeightedSum
from rl_credit.bonuses.counts import EpisodicCount, GlobalCount
from rl_credit.bonuses.e3b import E3B
from rl_credit.bonuses.noveld import NovelD
from rl_credit.bonuses.rnd import RND
from tests.bonuses import streams

KEY = jax.random.key(0)
WORLD = dict(num_keys=streams.KEYS, num_actions=streams.ACTIONS)
SMALL = dict(width=16, dim=8, minibatches=2, learning_rate=1e-2)
TIME, ENVS = 6, 3
SEEN = streams.stream(TIME, ENVS)
NAMES = [name for name in BONUSES if "_plus_" not in name]  # whose parts are others'


def small(name, **options):
    """The bonus of that name with as small networks as it takes."""
    fields = set().union(*map(combine._fields, combine.recipe(name).parts))
    sizes = {option: size for option, size in SMALL.items() if option in fields}
    return combine.make(name, **WORLD, **sizes, **options)


@functools.cache
def started(name):
    """The bonus, its compiled `pay`, and its state before anything was seen."""
    bonus = small(name)
    return bonus, jax.jit(bonus.pay), bonus.init(KEY, SEEN)


@pytest.mark.parametrize("name", NAMES)
def test_rollouts_may_be_cut_anywhere(name):
    _, pay, state = started(name)
    last, whole = pay(state, SEEN)
    assert whole.shape == (TIME, ENVS) and whole.dtype == np.float32
    assert np.all(np.isfinite(whole)) and np.all(np.asarray(whole) >= 0)
    assert np.any(whole) == (name != "none")
    end, pieces = streams.pay_in_pieces(pay, state, SEEN, (1, 2, 3, 4, 5))
    np.testing.assert_allclose(pieces, whole, rtol=1e-3, atol=1e-5)
    for ours, expected in zip(jax.tree.leaves(end), jax.tree.leaves(last)):
        if jax.dtypes.issubdtype(ours.dtype, np.floating):
            np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"count_global"}))
def test_environments_only_meet_in_global_counts(name):
    _, pay, state = started(name)
    order = np.array([2, 0, 1])
    _, paid = pay(state, SEEN)
    _, moved = pay(state, streams.environments(SEEN, order))
    if name == "count_product":
        np.testing.assert_allclose(np.sum(moved > 0), np.sum(paid > 0))
    else:
        np.testing.assert_allclose(moved, paid[:, order], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["count_product", "rnd", "ride", "e3b_x_noveld"])
def test_learning_keeps_the_shape_of_the_state(name):
    bonus, _, state = started(name)
    learned, scalars = jax.jit(bonus.learn)(state, SEEN, KEY)
    assert jax.tree.structure(learned) == jax.tree.structure(state)
    for new, old in zip(jax.tree.leaves(learned), jax.tree.leaves(state)):
        assert new.shape == old.shape and new.dtype == old.dtype
    assert all(np.isfinite(value) for value in scalars.values())
    learns = not name.startswith(("none", "count"))
    assert bool(scalars) == learns
    assert hash(bonus) == hash(small(name))  # may be a static argument


def test_pairs_join_what_their_parts_pay():
    first, second = EpisodicCount(num_keys=5), GlobalCount(num_keys=5)
    paid = [jax.jit(p.pay)(p.init(KEY, SEEN), SEEN)[1] for p in (first, second)]
    for pair, expected in (
        (Product(first, second), paid[0] * paid[1]),
        (WeightedSum(first, second, 0.25), paid[0] + 0.25 * paid[1]),
        (small("count_product"), paid[0] * paid[1]),
    ):
        _, joined = jax.jit(pair.pay)(pair.init(KEY, SEEN), SEEN)
        np.testing.assert_allclose(joined, expected, rtol=1e-6)


def test_names_decide_what_the_paper_decides():
    pair = combine.make("e3b_x_noveld", **WORLD, scale=0.5, dim=32)
    assert isinstance(pair, Product)
    assert pair.first == E3B(num_actions=streams.ACTIONS, dim=32)
    expected = NovelD(num_keys=streams.KEYS, scale=0.5, dim=32, erir=False)
    assert pair.second == expected
    pair = combine.make("e3b_plus_rnd", **WORLD, weight=0.5, encoder="random")
    assert isinstance(pair, WeightedSum) and pair.weight == 0.5
    assert pair.first.encoder == "random" and pair.second == RND()
    assert combine.make("noveld", **WORLD).erir


def test_any_two_bonuses_join_by_their_names():
    paid = {}
    both = "ride_x_count_global", "ride_plus_count_global"
    for name in ("count_global", *both):
        bonus = small(name)
        paid[name] = jax.jit(bonus.pay)(bonus.init(KEY, SEEN), SEEN)[1]
    made = small("ride_x_count_global")
    ride, state = made.first, made.init(KEY, SEEN)
    one, other = ride.pay(state.first, SEEN)[1], paid["count_global"]
    np.testing.assert_allclose(paid["ride_x_count_global"], one * other, rtol=1e-5)
    np.testing.assert_allclose(paid["ride_plus_count_global"], one + other, rtol=1e-5)
    assert not combine.make("noveld_x_e3b", **WORLD).first.erir
    for wrong in ("ride_x_none", "count_product_x_rnd", "rnd_x_rnd_x_rnd"):
        with pytest.raises(ValueError, match="any two single ones join"):
            combine.make(wrong, **WORLD)


def test_what_is_refused():
    with pytest.raises(ValueError, match="did you mean 'e3b_x_noveld'"):
        combine.make("e3b_noveld", **WORLD)
    with pytest.raises(ValueError, match="unknown option of 'e3b' 'rigde'; did you"):
        combine.make("e3b", **WORLD, rigde=0.1)
    with pytest.raises(ValueError, match="unknown option of 'e3b_x_noveld' 'erir'"):
        combine.make("e3b_x_noveld", **WORLD, erir=True)
    with pytest.raises(ValueError, match="unknown option"):
        combine.make("count_product", **WORLD, first=None)


def test_a_bonus_is_a_frozen_set_of_hyperparameters():
    for name in BONUSES:
        with pytest.raises(dataclasses.FrozenInstanceError):
            small(name).num_keys = 1
