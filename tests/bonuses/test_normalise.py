import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.bonuses import normalise, noveld
from tests.references import bonuses as reference
from tests.references import golden

GOLDEN = golden.load("bonuses")


def deviations(batches, formula):
    """What each batch was divided by."""
    state, divisors = normalise.init(), []
    update = jax.jit(normalise.update, static_argnames="formula")
    for batch in batches:
        batch = jnp.asarray(batch, jnp.float32)
        state, scaled = update(state, batch, formula=formula)
        paid = np.asarray(batch) > 0
        divisors.append(np.median(np.asarray(batch)[paid] / np.asarray(scaled)[paid]))
    return divisors


def exponential():
    rng = np.random.default_rng(GOLDEN["normaliser"]["seed"])
    return [np.round(rng.exponential(0.5, (80, 8)), 4) for _ in range(6)]


def test_golden_deviations_of_both_formulas():
    expected, batches = GOLDEN["normaliser"], exponential()
    running = expected["running_std_true_population"]
    np.testing.assert_allclose(deviations(batches, "running"), running, rtol=1e-5)
    everything = [np.std(np.concatenate(batches[: n + 1])) for n in range(6)]
    np.testing.assert_allclose(deviations(batches, "running"), everything, rtol=1e-5)
    released = expected["running_std_emulated_f64"]
    np.testing.assert_allclose(deviations(batches, "released"), released, rtol=1e-5)
    by_hand = reference.released_deviations(batches)
    np.testing.assert_allclose(deviations(batches, "released"), by_hand, rtol=1e-5)


def raw(batch, flags, learner):
    """The bonus of a golden learner from the two parts that it combines."""
    elliptical = np.asarray(batch["e3b_bonus"])[1:]
    novelty = jnp.asarray(batch["novelty"], jnp.float32)
    gained = noveld.gain(novelty[:-1], novelty[1:], scale=flags["scale_fac"])
    np.testing.assert_allclose(gained, batch["noveld_difference"], rtol=1e-5, atol=1e-6)
    first = np.isclose(np.asarray(batch["episode_isqrt"])[1:], 1.0)
    if learner == "count":
        if flags["episodic_bonus_type"] != "none":
            return first.astype(np.float32)
        return np.asarray(batch["global_isqrt"])[1:]
    if learner == "noveld":
        visits = np.asarray(batch["episode_isqrt"])[1:]
        weights = first if flags["count_reward_type"] == "ind" else visits
        return np.asarray(gained) * weights
    return dict(e3b=elliptical, e3b_noveld=elliptical * np.asarray(gained))[learner]


LEARNERS = [row for row in GOLDEN["learners"] if row["learner"] != "rnd"]


@pytest.mark.parametrize("row", LEARNERS, ids=lambda row: row["learner"])
def test_golden_rewards_of_the_released_learners(row):
    """Theirs is the extrinsic reward plus ours, clipped; the true deviation differs."""
    flags, learner = row["flags"], row["learner"]
    bonuses = [raw(batch, flags, learner) for batch in row["batches"]]
    formula = "released" if flags["reward_norm"] == "int" else "none"
    state, true = normalise.init(), normalise.init()
    for bonus, batch in zip(bonuses, row["batches"]):
        np.testing.assert_allclose(bonus, batch["intrinsic_raw_oracle"], atol=1e-5)
        bonus = jnp.asarray(bonus, jnp.float32)
        state, scaled = normalise.update(state, bonus, formula=formula)
        total = np.asarray(batch["ext_reward"])[1:]
        total = total + flags["intrinsic_reward_coef"] * np.asarray(scaled)
        if flags["clip_rewards"]:
            total = np.clip(total, -1.0, 1.0)
        expected = batch["total_oracle_as_reference"]
        np.testing.assert_allclose(total, expected, rtol=1e-4, atol=1e-5)
        true, scaled = normalise.update(true, bonus)
        expected = np.asarray(bonus) / batch["running_std_true_population"]
        np.testing.assert_allclose(scaled, expected, rtol=1e-4, atol=1e-5)


def test_bonuses_that_are_all_the_same_stay_as_they_are():
    for constant in (0.0, 0.3):
        bonus = jnp.full((4, 2), constant, jnp.float32)
        state, scaled = normalise.update(normalise.init(), bonus)
        np.testing.assert_array_equal(scaled, bonus)
        state, scaled = normalise.update(state, bonus)
        np.testing.assert_array_equal(scaled, bonus)


def test_an_unknown_formula_is_met_with_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'released'"):
        normalise.update(normalise.init(), jnp.ones((1, 1)), formula="release")
