"""Values and gradients of verl, TRL, OpenRLHF, SPO and iStar on the same numbers."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.credit import chain
from rl_credit.losses import (
    penalties,
    policy,
    preference,
    process,
    reduce,
    tokens,
    value,
)
from rl_credit.ops import kl
from tests.references import golden
from tests.references import losses as reference

GOLDEN = golden.load("losses")
REDUCTIONS = {
    "token-mean": reduce.token_mean,
    "seq-mean-token-sum": reduce.sequence_sum,
    "seq-mean-token-mean": reduce.sequence_mean,
    "seq-mean-token-mean (forced)": reduce.sequence_mean,
    "trl_grpo": reduce.sequence_mean,
    "trl_bnpo": reduce.token_mean,
    "trl_dr_grpo": functools.partial(reduce.constant_length, length=16),
    "trl_dapo": reduce.token_mean,
    "trl_cispo": reduce.token_mean,
    "trl_sapo": reduce.sequence_mean,
}
LOSSES = {
    "verl_vanilla": policy.ppo_clip,
    "verl_gspo": policy.gspo,
    "verl_sapo": policy.sapo,
    "verl_cispo": policy.cispo,
    "verl_gpg": policy.gpg,
    "verl_reinforce": policy.reinforce,
    "verl_gmpo": policy.gmpo,
    "trl_cispo": policy.cispo,
    "trl_sapo": policy.sapo,
    "trl_gspo_seq": policy.gspo,
    "openrlhf_gspo": policy.gspo,
}
NAMES = {
    "clip_eps_low": "clip_low",
    "clip_eps_high": "clip_high",
    "eps_low": "clip_low",
    "eps_high": "clip_high",
    "dual_clip_c": "dual_clip",
    "delta": "dual_clip",
    "tau_pos": "temperature",
    "tau_neg": "temperature_negative",
    "clip_low": "clip_low",
    "clip_high": "clip_high",
    "dual_clip": "dual_clip",
}


def floats(rows):
    return jnp.asarray(rows, jnp.float32)


def mask(rows):
    return jnp.asarray(rows) > 0


def batch_of(case):
    batch = GOLDEN["batches"][case["batch"]]
    logps = {name: floats(batch[name]) for name in ("logp_new", "logp_old", "logp_ref")}
    return logps, mask(batch["where"])


def knobs_of(case):
    """Their parameters under our names."""
    kind, given = case["id"].split("/")[0], case["params"]
    knobs = {NAMES[name]: x for name, x in given.items() if name in NAMES}
    if kind == "trl_cispo":  # TRL caps the ratio itself and has no lower bound
        knobs = {"clip_high": given["eps_high"] - 1.0}
    if kind == "trl_sapo":
        knobs = {}
    reduction = REDUCTIONS.get(given.get("loss_agg_mode", kind))
    if given.get("token_level_loss") is False:
        reduction = reduce.sequence_mean
    return knobs if reduction is None else knobs | {"reduce": reduction}


def normalised_by_length_only(case):
    return case["params"].get("loss_agg_mode") == "seq-mean-token-sum-norm"


def loss_and_gradient(case, knobs):
    logps, where = batch_of(case)
    advantages = floats(GOLDEN["advantages"][case["advantages"]])
    loss = LOSSES.get(case["id"].split("/")[0], policy.ppo_clip)
    weight = case["params"].get("beta_k3", 0.0)

    def total(new):
        main = loss(new, logps["logp_old"], advantages, where, **knobs)
        if not weight:
            return main.mean()
        penalty = penalties.kl(new, logps["logp_ref"], where, reduce=knobs["reduce"])
        return main.mean() + weight * penalty.mean()

    return jax.jit(jax.value_and_grad(total))(logps["logp_new"])


@pytest.mark.parametrize(
    "case",
    [c for c in GOLDEN["losses"] if not normalised_by_length_only(c)],
    ids=lambda case: case["id"],
)
def test_policy_losses(case):
    loss, gradient = loss_and_gradient(case, knobs_of(case))
    np.testing.assert_allclose(loss, case["loss"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(gradient, case["grad"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "case",
    [c for c in GOLDEN["losses"] if normalised_by_length_only(c)],
    ids=lambda case: case["id"],
)
def test_constant_length_also_divides_by_the_sequences_unlike_verl(case):
    where = np.asarray(GOLDEN["batches"][case["batch"]]["where"]) > 0
    knobs = knobs_of(case)
    knobs["reduce"] = functools.partial(reduce.constant_length, length=where.shape[1])
    loss, gradient = loss_and_gradient(case, knobs)
    sequences = int(np.sum(where.any(axis=1)))
    np.testing.assert_allclose(loss * sequences, case["loss"], rtol=1e-5)
    theirs = np.asarray(case["grad"]) / sequences
    np.testing.assert_allclose(gradient, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", GOLDEN["value_losses"], ids=lambda case: case["id"])
def test_clipped_regression(case, compiled):
    _, where = batch_of(case)
    arrays = [floats(case[name]) for name in ("vpreds", "old_values", "returns")]
    loss = compiled(value.clipped_regression, clip=case["clip"])(*arrays, where)
    np.testing.assert_allclose(loss.mean(), case["loss"], rtol=1e-6)


@pytest.mark.parametrize("case", GOLDEN["kl"], ids=lambda case: case["id"])
def test_kl_estimators(case, compiled):
    estimator = {
        "kl/k1": kl.k1,
        "kl/k2": kl.k2,
        "kl/k3": functools.partial(kl.k3, ceiling=10.0),
        "kl/abs": lambda logps, ref_logps: jnp.abs(kl.k1(logps, ref_logps)),
        "kl/k3+": functools.partial(kl.k3_with_k2_gradient, ceiling=10.0),
    }[case["id"]]
    logps, _ = batch_of(case)
    new, other = logps[case["p"]], logps[case["q"]]
    actual = compiled(estimator)(new, other)
    gradient = jax.grad(lambda new: jnp.sum(estimator(new, other)))(new)
    np.testing.assert_allclose(actual, case["value"], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(gradient, case["grad_logp_new"], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("case", GOLDEN["dpo"], ids=lambda case: case["id"])
def test_dpo(case, compiled):
    sides = ("policy_chosen", "policy_rejected", "ref_chosen", "ref_rejected")
    arrays = [floats(case[f"{side}_logps"]) for side in sides]
    knobs = {name: case[name] for name in ("beta", "label_smoothing")}
    loss = compiled(preference.dpo, **knobs)
    gradients = jax.grad(lambda *given: loss(*given).mean(), argnums=(0, 1))(*arrays)
    np.testing.assert_allclose(loss(*arrays).mean(), case["loss_mean"], rtol=1e-5)
    np.testing.assert_allclose(gradients[0], case["grad_policy_chosen"], rtol=1e-4)
    np.testing.assert_allclose(gradients[1], case["grad_policy_rejected"], rtol=1e-4)


@pytest.mark.parametrize("case", GOLDEN["prime"], ids=lambda case: case["id"])
def test_prime_cross_entropy(case, compiled):
    _, where = batch_of(case)
    loss = compiled(process.prime_cross_entropy, beta=case["beta"])(
        floats(case["implicit_token_rewards"]), where, floats(case["acc"])
    )
    np.testing.assert_allclose(loss.mean(), case["loss"], rtol=1e-6)


@pytest.mark.parametrize("case", GOLDEN["dapo_overlong"])
def test_overlong_penalty(case, compiled):
    knobs = {"max_length": case["max_resp_len"], "buffer": case["overlong_buffer_len"]}
    actual = compiled(tokens.overlong_penalty, **knobs)(jnp.asarray(case["lengths"]))
    np.testing.assert_allclose(actual, case["paper_eq13"], rtol=1e-6)
    verl = np.asarray(case["verl_penalty"]) / case["penalty_factor"]
    np.testing.assert_allclose(actual, np.maximum(verl, -1.0), rtol=1e-6)


def spo_case(name):
    case = next(c for c in GOLDEN["spo"] if c["id"] == name)
    inputs = case["inputs"]
    names = ("logprobs", "old_logprobs", "ref_logprobs", "advantages")
    new, old, ref, advantages = (floats(inputs[name]) for name in names)
    where = mask(inputs["action_mask"])
    if inputs["use_prob_mask"]:
        where = chain.uncertain(jnp.exp(old), where, threshold=inputs["rho"])

    def parts(new):
        main = policy.ppo_clip(new, old, advantages, where)
        return main.mean(), penalties.kl(
            new, ref, where, reduce=reduce.sequence_sum
        ).mean() * inputs["kl_coef"]

    return case, new, parts, (old, advantages, where)


@pytest.mark.parametrize(
    "name",
    [
        "ppo_random_3x6_probmask_True",
        "ppo_random_3x6_probmask_False",
        "ppo_clipping_active",
    ],
)
def test_spo(name):
    case, new, parts, _ = spo_case(name)
    expected = case["expected"]
    main, penalty = jax.jit(parts)(new)
    gradient = jax.jit(jax.grad(lambda new: sum(parts(new))))(new)
    np.testing.assert_allclose(main, expected["pg_loss"], rtol=1e-5)
    np.testing.assert_allclose(penalty, expected["ref_kl_loss"], rtol=1e-4)
    np.testing.assert_allclose(
        gradient, expected["grad_logprobs"], rtol=1e-4, atol=1e-6
    )


def test_spo_without_an_uncertain_token_is_zero_where_released_code_is_nan():
    case, new, parts, _ = spo_case("ppo_empty_prob_mask_is_nan")
    assert case["expected"]["loss"] == "nan"
    gradient = jax.grad(lambda new: sum(parts(new)))(new)
    np.testing.assert_array_equal(parts(new), (0.0, 0.0))
    np.testing.assert_array_equal(gradient, jnp.zeros(new.shape))


def test_spo_keeps_a_batch_of_large_ratios_that_released_code_drops():
    case, new, parts, (old, advantages, where) = spo_case("ppo_ratio_skip")
    assert case["expected"]["loss"] == 0.0
    main, penalty = parts(new)
    arrays = [np.asarray(x, np.float64) for x in (new, old, advantages)]
    right = reference.ppo_clip(*arrays, np.asarray(where))
    np.testing.assert_allclose(main, right, rtol=1e-4)
    np.testing.assert_allclose(penalty, case["expected"]["ref_kl_loss"], rtol=1e-4)


def by_trajectory(case):
    """Rows of steps, in any order, as [batch spans]."""
    names = sorted(set(case["traj_uid"]))
    steps = {name: [] for name in names}
    first = {}
    for row, name in enumerate(case["traj_uid"]):
        steps[name].append(case["step_reward"][row])
        first.setdefault(name, row)
    spans = max(len(rewards) for rewards in steps.values())
    padded = [steps[n] + [np.nan] * (spans - len(steps[n])) for n in names]
    tasks = sorted(set(case["uid"]))
    groups = [tasks.index(case["uid"][first[name]]) for name in names]
    success = [case["episode_reward"][first[name]] > 0 for name in names]
    where = jnp.asarray([[x == x for x in row] for row in padded])
    return floats(padded), where, jnp.asarray(success), jnp.asarray(groups)


@pytest.mark.parametrize("case", GOLDEN["trajectory_dpo"])
def test_trajectory_dpo_sums_over_steps_unlike_released_code(case, compiled):
    loss = compiled(preference.trajectory_dpo)(*by_trajectory(case))
    assert loss.weight == case["pairs"]
    np.testing.assert_allclose(loss.mean(), case["pair_loss"], rtol=1e-5)
