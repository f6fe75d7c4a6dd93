"""The policies at which estimators are scored."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.fidelity import exact, mdps, policies
from tests.fidelity import loops


def returned(process, logits):
    """The mean return over tasks."""
    return float(exact.solve(process.tables, logits, process.horizon).returns.mean())


def ends(name):
    """The return of the uniform policy, and the best that the ascent comes to."""
    process = loops.process(name)
    start = policies.uniform(process)
    whole = policies.climb(process.tables, start, jnp.float32(jnp.inf), process.horizon)
    assert whole.step == policies.STEPS
    return returned(process, start), float(whole.best)


@pytest.mark.parametrize("name", mdps.PROCESSES)
def test_halfway_has_gained_half_of_what_there_is(name):
    process = loops.process(name)
    low, high = ends(name)
    share = (returned(process, loops.halfway(name)) - low) / (high - low)
    assert 0.5 - 1e-4 <= share < 0.56
    assert high > low + 0.1


@pytest.mark.parametrize("name", mdps.PROCESSES)
def test_the_ascent_comes_near_the_best_of_policies_that_know_no_more(name):
    """Which of the best policy holds but where states look alike."""
    process = loops.process(name)
    best = float(loops.best(process.tables, process.horizon).mean())
    _, high = ends(name)
    expected = 4 * 0.8 if name == "aliased" else best
    assert high == pytest.approx(expected, rel=0.02)


def test_halfway_is_deterministic_and_shares_are_in_order():
    process = loops.process("rejoining")
    again = policies.halfway(process)
    np.testing.assert_array_equal(again, loops.halfway("rejoining"))
    returns = [
        returned(process, policies.halfway(process, share=share))
        for share in (0.1, 0.5, 0.9, 1.0)
    ]
    assert sorted(set(returns)) == returns


def test_halfway_does_not_hang_on_the_precision():
    with jax.enable_x64(True):
        precise = policies.halfway(exact.double(loops.process("rejoining")))
    assert precise.dtype == jnp.float64
    single = loops.halfway("rejoining")
    assert single.dtype == jnp.float32
    np.testing.assert_allclose(single, precise, atol=1e-4)


def test_where_nothing_matters_the_policy_stays_uniform():
    process = loops.process("bifurcation_tree")
    sees = np.asarray(process.tables.sees)
    size = np.abs(np.asarray(loops.halfway("bifurcation_tree"))).max(1)
    truth = jax.device_get(loops.solved("bifurcation_tree"))
    matters = (truth.occupancy.sum(0)[:, :, None] * np.abs(truth.advantages)).max(
        (0, 2)
    )
    decides = np.isin(np.arange(len(size)), sees[matters > 1e-3])
    assert decides.sum() == 2  # one step of each task
    assert size[decides].min() > 0.1 and size[~decides].max() < 1e-3


@pytest.mark.parametrize("share", [0.0, 1.5, -0.5])
def test_a_share_is_above_0_and_at_most_1(share):
    with pytest.raises(ValueError, match="must be above 0 and at most 1"):
        policies.halfway(loops.process("aliased"), share=share)


def test_uniform_is_zero():
    logits = policies.uniform(loops.process("sokoban"))
    assert logits.shape == (161, 4) and logits.dtype == jnp.float32
    assert not logits.any()
