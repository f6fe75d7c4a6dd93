"""Advantages of verl, TRL, OpenRLHF, tunix and two papers' code on the same numbers."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.credit import groups, returns, spans, turns
from rl_credit.ops import masked, segments
from tests.references import golden
from tests.references import groups as reference
from tests.references import returns as loops

GOLDEN = golden.load("rlvr")
RECORDS = {record["id"]: record for record in GOLDEN["advantages"]}
CLOSE = dict(rtol=2e-5, atol=1e-5)
COLUMNS = "scores", "groups", "played", "lengths"
FLOATS = "token_level_rewards", "values", "greedy_baseline"


def batch(name):
    """Arrays by name; `scores` are the summed rewards, `played` has any token."""
    record = GOLDEN["batches"][name]
    names = list(dict.fromkeys(record["group_ids"]))
    columns = {field: jnp.asarray(record[field], jnp.float32) for field in FLOATS}
    where = jnp.asarray(record["response_mask"], bool)
    ids = jnp.asarray([names.index(name) for name in record["group_ids"]])
    scores = spans.scores(columns["token_level_rewards"], where)
    lengths = jnp.sum(where, axis=1, dtype=jnp.float32)
    sums = dict(scores=scores, lengths=lengths, played=lengths > 0)
    return dict(columns, where=where, groups=ids, **sums)


def relative(b, **knobs):
    return groups.group_relative(b["scores"], b["groups"], b["played"], **knobs)


def leave_one_out(b):
    return groups.leave_one_out(b["scores"], b["groups"], b["played"])


def optimal_baseline(b):
    return groups.optimal_baseline(b["scores"], b["lengths"], b["groups"], b["played"])


def policy_gradient(b):
    return groups.policy_gradient(b["scores"], b["groups"], b["played"])


def best_of_group(b, **knobs):
    return groups.best_of_group(b["scores"], b["groups"], b["played"], **knobs)


def over_the_batch(b):
    """TRL's scale "batch": the deviation is that of all rewards."""
    everyone = jnp.zeros_like(b["groups"])
    spread = segments.deviation(b["scores"], everyone)[everyone]
    return segments.divide(relative(b, scale=False), spread, 1e-4)


def leave_one_out_normalised(b):
    everyone = jnp.zeros_like(b["groups"])
    return groups.group_relative(leave_one_out(b), everyone, epsilon=1e-4)


RELATIVE = {
    "grpo": relative,
    "drgrpo": functools.partial(relative, scale=False),
    "rloo": leave_one_out,
    "opo": optimal_baseline,
    "grpo_passk/main/std_True": best_of_group,
    "grpo_passk/main/std_False": functools.partial(best_of_group, scale=False),
    "trl_grpo_scale_group": functools.partial(relative, epsilon=1e-4),
    "trl_grpo_scale_batch": over_the_batch,
    "trl_grpo_scale_none": functools.partial(relative, scale=False),
    "trl_rloo_norm_False": leave_one_out,
    "trl_rloo_norm_True": leave_one_out_normalised,
    "tunix_grpo": relative,
    "tunix_rloo": leave_one_out,
    "tunix_drgrpo": functools.partial(relative, scale=False),
    "openrlhf_rloo": leave_one_out,
    "openrlhf_dr_grpo": functools.partial(relative, scale=False),
    "openrlhf_group_norm": functools.partial(relative, epsilon=1e-9),
}


def gae(b, *, discount, trace):
    """Every response ends by itself; verl's tool outputs are holes, as ours."""
    ended = jnp.ones(b["where"].shape[0], bool)
    ahead = returns.next_values(b["values"], b["where"])
    inputs = b["token_level_rewards"], b["values"], ahead, ended, b["where"]
    return returns.gae(*inputs, discount=discount, trace=trace)


def lambda_returns(b, *, discount, trace):
    ended = jnp.ones(b["where"].shape[0], bool)
    ahead = returns.next_values(b["values"], b["where"])
    inputs = b["token_level_rewards"], ahead, ended, b["where"]
    return returns.lambda_returns(*inputs, discount=discount, trace=trace)


def reinforce(b, *, discount=1.0):
    return returns.discounted(b["token_level_rewards"], b["where"], discount=discount)


def remax(b):
    return masked.keep(reinforce(b) - b["greedy_baseline"][:, None], b["where"])


def whitened(estimator):
    def advantages(b, **knobs):
        return masked.whiten(estimator(b, **knobs), b["where"])

    return advantages


def population(estimator):
    """OpenRLHF whitens by the population's deviation: sqrt(n / (n - 1)) times ours."""

    def advantages(b, **knobs):
        count = jnp.sum(b["where"], dtype=jnp.float32)
        return whitened(estimator)(b, **knobs) * jnp.sqrt(count / (count - 1.0))

    return advantages


def baseline(b):
    return spans.over(relative(b, scale=False), b["where"])


TOKENS = {
    "remax": remax,
    "gae_raw": gae,
    "gae_whitened": whitened(gae),
    "tunix_gae": whitened(gae),
    "reinforce_pp": whitened(reinforce),
    "reinforce_pp_baseline": whitened(baseline),
    "openrlhf_gae": population(gae),
    "openrlhf_reinforce": population(reinforce),
    "openrlhf_reinforce_baseline": population(baseline),
}
DIFFERENT = {  # each has a test of its own below
    "gpg_verl/main",
    "gpg_verl/edge",
    "grpo/edge",
    "drgrpo/edge",
    "rloo/edge",
    "opo/edge",
    "reinforce_pp_baseline/edge",
    "reinforce_pp/dense/g1.0",
    "reinforce_pp/dense/g0.9",
}
SAME = sorted(RECORDS.keys() - DIFFERENT)


def method(name):
    """From a record's id, whole or up to the batch, to a function of a batch."""
    short = name.split("/")[0]
    if short in TOKENS:
        return TOKENS[short]
    kernel = RELATIVE.get(name) or RELATIVE[short]
    return lambda b: spans.over(kernel(b), b["where"])


def knobs_of(record):
    name, asked = record["id"].split("/")[0], record["params"]
    if name not in TOKENS or "gamma" not in asked or "baseline" in name:
        return {}
    trace = {} if asked.get("lambda") is None else {"trace": asked["lambda"]}
    return {"discount": asked["gamma"], **trace}


def assert_matches(actual, wanted, where):
    actual, wanted = np.asarray(actual), np.asarray(wanted)
    np.testing.assert_allclose(actual[where], wanted[where], **CLOSE)
    assert not np.any(actual[~where])


@pytest.mark.parametrize("name", SAME)
def test_advantages_match(compiled, name):
    record = RECORDS[name]
    b = batch(record["batch"])
    actual = compiled(method(name), **knobs_of(record))(b)
    assert_matches(actual, record["advantages"], b["where"])


@pytest.mark.parametrize("name", [name for name in SAME if "returns" in RECORDS[name]])
def test_value_targets_are_lambda_returns(compiled, name):
    record = RECORDS[name]
    b = batch(record["batch"])
    actual = compiled(lambda_returns, **knobs_of(record))(b)
    assert_matches(actual, record["returns"], b["where"])


@pytest.mark.parametrize("name", ["grpo", "drgrpo", "rloo", "opo"])
def test_a_masked_row_and_a_row_alone_do_not_score_as_in_verl(compiled, name):
    """verl counts the reward of a response without a token as one of its group and
    gives a group of one its raw reward; we have nothing to compare with in either."""
    b, record = batch("edge"), RECORDS[f"{name}/edge"]
    actual = np.asarray(compiled(RELATIVE[name])(b))
    *columns, lengths = (np.asarray(b[key]) for key in COLUMNS)
    loop = getattr(reference, {"drgrpo": "dr_grpo"}.get(name, name))
    lengths = [lengths] if name == "opo" else []
    expected = reference.by_group(loop, *columns, *lengths)
    np.testing.assert_allclose(actual, expected, **CLOSE)
    assert actual[1] == 0 and record["advantages"][1][0] == pytest.approx(0.7)
    counted = compiled(RELATIVE[name])(dict(b, played=jnp.ones(7, bool)))
    verl = record["advantages"]
    others = np.arange(7)[:, None] != 1
    shown = np.asarray(b["where"]) & others
    counted = np.asarray(counted)[:, None] * shown
    assert_matches(counted, verl, shown)


@pytest.mark.parametrize("name, ours, verl", [("main", 1, 8 / 6), ("edge", 3, 7 / 5)])
def test_gpg_counts_spread_not_verls_non_zero_rewards(compiled, name, ours, verl):
    """Rows over rows in groups with spread, 8 of 8 and 6 of 2: GPG's own trainer."""
    b, record = batch(name), RECORDS[f"gpg_verl/{name}"]
    actual = np.asarray(compiled(policy_gradient)(b))
    centred = np.asarray(relative(b, scale=False))
    np.testing.assert_allclose(actual, ours * centred, **CLOSE)
    centred = relative(dict(b, played=jnp.ones_like(b["played"])), scale=False)
    theirs = verl * np.asarray(centred)[:, None]
    several = np.bincount(b["groups"])[b["groups"]] > 1  # one: raw reward, see above
    shown = np.asarray(b["where"]) & several[:, None]
    assert_matches(theirs * shown, record["advantages"], shown)


def test_reinforce_pp_baseline_of_a_row_alone_is_not_verls_raw_reward(compiled):
    """Whitening carries the two differences of `edge` to all rows; without them verl's
    whitening is ours."""
    b, record = batch("edge"), RECORDS["reinforce_pp_baseline/edge"]
    actual = np.asarray(compiled(TOKENS["reinforce_pp_baseline"])(b))
    where = np.asarray(b["where"])
    kept = (np.array([0.0, 0.0, 0.0, 0.0, 0.0, -0.5, 0.5])[:, None] * where)[where]
    expected = (kept - np.mean(kept)) / np.sqrt(np.var(kept, ddof=1) + 1e-8)
    np.testing.assert_allclose(actual[where], expected, **CLOSE)
    centred = relative(dict(b, played=jnp.ones(7, bool)), scale=False)
    centred = spans.over(centred.at[1].set(b["scores"][1]), b["where"])
    theirs = compiled(masked.whiten)(centred, b["where"])
    assert_matches(theirs, record["advantages"], where)


@pytest.mark.parametrize("name", ["reinforce_pp/dense/g1.0", "reinforce_pp/dense/g0.9"])
def test_returns_pass_over_tool_outputs_where_verls_stop(compiled, name):
    """The agent's earlier tokens caused what came after the tool's answer, too."""
    b, record = batch("dense"), RECORDS[name]
    discount = record["params"]["gamma"]
    rewards, where = np.asarray(b["token_level_rewards"]), np.asarray(b["where"])
    by_definition = functools.partial(loops.discounted, discount=discount)
    expected = loops.by_trajectory(by_definition, where, rewards)
    actual = compiled(reinforce, discount=discount)(b)
    np.testing.assert_allclose(actual, expected, **CLOSE)
    stopped = np.zeros(where.shape)
    for row, time in np.argwhere(where)[::-1]:
        later = stopped[row, time + 1] if time + 1 < where.shape[1] else 0.0
        stopped[row, time] = rewards[row, time] + discount * later
    assert np.any(stopped != expected)
    theirs = compiled(masked.whiten)(jnp.asarray(stopped, jnp.float32), b["where"])
    assert_matches(theirs, record["advantages"], where)


@pytest.mark.parametrize("record", GOLDEN["psr_nsr"], ids=lambda record: record["id"])
def test_sign_weighted_matches_rlvr_decomposed(compiled, record):
    scores = jnp.asarray(record["returns"], jnp.float32)[:, 0]
    negative = 0.0 if record["advantage"] == "positive" else 1.0
    knobs = dict(positive=record["positive_weight"], negative=negative)
    actual = compiled(groups.sign_weighted, **knobs)(scores)
    expected = [row[0] for row in record["advantages"]]
    np.testing.assert_allclose(actual, expected, **CLOSE)


@pytest.mark.parametrize("record", GOLDEN["grpo_n"], ids=lambda record: record["id"])
def test_negative_only_matches(compiled, record):
    if record["batch"] == "main":
        b = batch("main")
        scores, ids = b["scores"], b["groups"]
    else:  # one group, whose rewards stand in psr_nsr
        scores = jnp.asarray(GOLDEN["psr_nsr"][0]["returns"], jnp.float32)[:, 0]
        ids = jnp.zeros(8, jnp.int32)
    actual = compiled(groups.negative_only)(scores, ids)
    expected = [row[0] for row in record["advantages"]]
    np.testing.assert_allclose(actual, expected, **CLOSE)


@pytest.mark.parametrize("record", GOLDEN["mt_grpo"], ids=lambda record: record["id"])
def test_mt_grpo_matches(compiled, record):
    """The turn reward comes with the first tool result, after the first run of tokens;
    -1: the tool was never called."""
    where = np.array(record["completion_mask"], bool)
    called = np.array(record["result_segment_index"]) > 0
    earlier = np.logical_and.accumulate(where, axis=1) & called[:, None]
    rewards = record["turn_rewards"], record["outcome_rewards"]
    turn, outcome = (jnp.asarray(column, jnp.float32) for column in rewards)
    knobs = dict(turn_weight=record["turn_advantage_coef"], epsilon=record["eps"])
    one_group = jnp.zeros(len(where), jnp.int32)
    inputs = turn, outcome, one_group, jnp.asarray(earlier), jnp.asarray(where)
    actual = compiled(turns.mt_grpo, **knobs)(*inputs)
    assert_matches(actual, record["advantages"], where)
