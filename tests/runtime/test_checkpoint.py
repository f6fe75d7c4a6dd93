"""Checkpoints come back bit for bit, and say what does not fit."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from rl_credit.runtime.checkpoint import Checkpoints
from rl_credit.runtime.errors import UserError


def whole_state(seed):
    """Every kind of leaf that a state may have."""
    key = jax.random.key(seed)
    params = {
        "dense": {"kernel": jax.random.normal(key, (3, 4)), "bias": jnp.zeros(4)},
        "half": jax.random.normal(key, (5,), jnp.bfloat16),
    }
    optimiser = optax.adamw(1e-3)
    updates, moments = optimiser.update(params, optimiser.init(params), params)
    return {
        "params": optax.apply_updates(params, updates),
        "moments": moments,
        "key": key,
        "keys": jax.random.split(key, 3),
        "visits": np.arange(4, dtype=np.int64) * 2**40 + seed,
        "double": np.array([0.1, 1 / 3]),
        "scalar": np.array(seed),
        "where": jnp.array([True, False]),
        "empty": jnp.zeros((2, 0), jnp.int32),  # such as a room's lack of monsters
        "empty_numpy": np.zeros((0, 3), np.uint8),
        "step": 2**40 + seed,
        "rate": 0.1,
        "done": True,
        "pair": (1, jnp.uint32(2**32 - 1)),
        "none": None,
    }


def like(state):
    """What the arrays of a state are, and where they lie, without their values."""

    def struct(leaf):
        if not isinstance(leaf, jax.Array):
            return leaf
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding)

    return jax.tree.map(struct, state)


def bits(leaf):
    """The type of a leaf, its dtype and shape, and its bytes."""
    kind = type(leaf)
    if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        leaf = jax.random.key_data(leaf)
    array = np.asarray(leaf)
    return kind, array.dtype, array.shape, array.tobytes()


def assert_equal(first, second):
    assert jax.tree.structure(first) == jax.tree.structure(second)
    assert list(map(bits, jax.tree.leaves(first))) == list(
        map(bits, jax.tree.leaves(second))
    )


@pytest.mark.parametrize("target", [like, lambda state: whole_state(9)])
def test_every_leaf_comes_back_bit_for_bit(tmp_path, target):
    state, extra = whole_state(3), {"cursor": [1, 2.5, None], "name": "ü"}
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(7, state, extra)
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.latest() == 7
        restored, found = checkpoints.restore(7, target(state))
    assert_equal(restored, state)
    assert found == extra
    draw = jax.random.normal(restored["keys"][1], (2,))
    np.testing.assert_array_equal(draw, jax.random.normal(state["keys"][1], (2,)))
    assert (tmp_path / "checkpoints" / "7").is_dir()


def test_what_was_given_may_be_changed_while_the_save_goes_on(tmp_path):
    overwrite = jax.jit(lambda array: array - 1, donate_argnums=0)
    with Checkpoints(tmp_path) as checkpoints:
        for step in range(1, 6):
            host, device = np.full(300_000, step), jnp.full(300_000, step)
            target = {"host": np.zeros_like(host), "device": jnp.zeros_like(device)}
            checkpoints.save(step, {"host": host, "device": device}, {})
            host -= 1
            overwrite(overwrite(device))
            restored, _ = checkpoints.restore(step, target)
            assert (restored["host"] == step).all()
            assert (restored["device"] == step).all()


def small(step):
    return {"weight": jnp.full(2, step)}


@pytest.mark.parametrize("keep", [1, 3])
def test_the_last_ones_stay(tmp_path, keep):
    with Checkpoints(tmp_path, keep=keep) as checkpoints:
        for step in range(5):
            checkpoints.save(step, small(step), {})
        assert checkpoints.latest() == 4
    kept = {path.name for path in (tmp_path / "checkpoints").iterdir()}
    assert kept == {str(step) for step in range(5 - keep, 5)}


def test_the_best_stays_in_a_folder_of_its_own_also_after_a_restart(tmp_path):
    scores = [float("nan"), 0.3, 0.1, 0.5, 0.5, 0.2]
    for begin in (0, 2):  # killed after step 4, gone on with from step 2
        with Checkpoints(tmp_path, best=True) as checkpoints:
            for step in range(begin, begin + 4):
                checkpoints.offer(step, small(step), scores[step])
    with Checkpoints(tmp_path / "best") as best:
        assert best.latest() == 3 and best.extra(3) == {"score": 0.5}
        assert_equal(best.restore(3, small(9))[0], small(3))
    assert {path.name for path in (tmp_path / "best/checkpoints").iterdir()} == {"3"}


def test_the_best_is_not_kept_unasked(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.offer(0, small(0), 1.0)
    assert not (tmp_path / "best").exists()


def test_what_is_not_there_cannot_be_restored(tmp_path):
    folder = tmp_path / "checkpoints"
    with Checkpoints(tmp_path, keep=2) as checkpoints:
        assert checkpoints.latest() is None
        with pytest.raises(UserError, match=f"step 3 in {folder}: it has none at all"):
            checkpoints.restore(3, small(0))
        for step in range(3):
            checkpoints.save(step, small(step), {})
        with pytest.raises(UserError, match=rf"step 0 in {folder}: it has \[1, 2\]"):
            checkpoints.restore(0, small(0))


@pytest.mark.parametrize(
    "wanted, message",
    [
        (
            {"dense": {"kernel": jnp.zeros((2, 4))}, "step": 0},
            r"dense\.kernel is float32\[2, 3\] in the checkpoint and "
            r"float32\[2, 4\] here",
        ),
        (
            {"dense": {"kernel": jnp.zeros((2, 3), jnp.bfloat16)}, "step": 0},
            r"dense\.kernel is float32\[2, 3\] in the checkpoint and "
            r"bfloat16\[2, 3\] here",
        ),
        (
            {"dense": {"kernel": jnp.zeros((2, 3)), "bias": jnp.zeros(3)}, "step": 0},
            r"dense\.bias is not there in the checkpoint and float32\[3\] here",
        ),
        (
            {"dense": {"kernel": jnp.zeros((2, 3))}},
            "step is int in the checkpoint and not wanted here",
        ),
        (
            {"dense": {"kernel": jnp.zeros((2, 3))}, "step": jnp.int32(0)},
            r"step is int in the checkpoint and int32\[\] here",
        ),
    ],
)
def test_a_checkpoint_that_does_not_fit_names_the_first_leaf(tmp_path, wanted, message):
    state = {"dense": {"kernel": jnp.ones((2, 3))}, "step": 5}
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, state, {})
        with pytest.raises(UserError, match=f"checkpoint 1 in .* {message}"):
            checkpoints.restore(1, wanted)
        assert_equal(checkpoints.restore(1, state)[0], state)


@pytest.mark.parametrize("leaf", ["text", np.float32(1.0), np.float64(1.0), 1j])
def test_a_leaf_that_cannot_come_back_is_refused_before_it_is_saved(tmp_path, leaf):
    with Checkpoints(tmp_path) as checkpoints:
        with pytest.raises(ValueError, match="^opt.1 is .* a state holds arrays, ints"):
            checkpoints.save(1, {"opt": [1, leaf]}, {})
        assert checkpoints.latest() is None


def test_a_struct_needs_a_sharding(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, small(1), {})
        with pytest.raises(ValueError, match="weight of `like` has no sharding"):
            checkpoints.restore(1, jax.eval_shape(lambda: small(1)))


def test_a_step_that_is_not_after_the_last_is_refused_not_skipped(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(4, small(4), {})
        for step in (4, 3):
            with pytest.raises(ValueError, match=f"cannot save step {step}: .* has 4"):
                checkpoints.save(step, small(step), {})
    with pytest.raises(ValueError, match="keep is 0"):
        Checkpoints(tmp_path, keep=0)
