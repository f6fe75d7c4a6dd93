"""One optimiser step, against loops over a full forward."""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.losses.policy import POLICY
from rl_credit.models import cache as caches
from rl_credit.models import decoder as decoders
from rl_credit.models.config import DecoderConfig
from rl_credit.models.decoder import Decoder
from rl_credit.training import batching, state, update
from rl_credit.training.batching import Row
from rl_credit.training.state import Optimiser
from rl_credit.training.update import REDUCTIONS, Objective

CONFIG = DecoderConfig(
    family="llama",
    vocab=12,
    width=8,
    layers=1,
    heads=1,
    kv_heads=1,
    head_dim=8,
    mlp_width=8,
    positions=64,
    tied=True,
)
MODEL = Decoder(CONFIG)
OPTIMISER = Optimiser(learning_rate=1e-4, clip=1e9)
KL, ENTROPY, LENGTH = 0.3, 0.05, 7
WHOLE, ONE = 64, 8  # tokens in a microbatch: all four rows, one row
COLUMNS = ("tokens", "where", "said", "trained", "advantages", "old_logps", "ref_logps")


@functools.cache
def _params():
    drawn = decoders.init(jax.random.key(0), CONFIG)
    return jax.tree.map(lambda leaf: 5 * leaf, drawn)


def fresh():
    """A first state of its own: a step uses up the one it is given."""
    return state.init(jax.tree.map(jnp.copy, _params()), OPTIMISER)


def rows(advantages=None, seed=1):
    """Four rows that all go up to length 8; one value for every advantage."""
    rng = np.random.default_rng(seed)
    made = []
    for length, said in [(8, 3), (6, 2), (7, 4), (5, 1)]:
        drawn = rng.normal(size=said) if advantages is None else [advantages] * said
        made.append(
            Row(
                tokens=rng.integers(0, CONFIG.vocab, length).astype(np.int32),
                said=np.arange(length - said, length, dtype=np.int32),
                advantages=np.asarray(drawn, np.float32),
                logps=-rng.uniform(1.0, 4.0, said).astype(np.float32),
            )
        )
    return made


def batches(made, tokens=WHOLE, *, reference=None):
    """Microbatches; `reference` is added to the log-probabilities drawn at."""
    cut = batching.microbatches(made, tokens)
    if reference is None:
        return cut
    return [
        dataclasses.replace(batch, ref_logps=batch.old_logps + np.float32(reference))
        for batch in cut
    ]


def padded(batch, count):
    """With rows of nothing below it."""
    more = {c: np.asarray(getattr(batch, c)) for c in COLUMNS}
    short = count - len(batch.tokens)
    wide = {c: np.pad(array, ((0, short), (0, 0))) for c, array in more.items()}
    return dataclasses.replace(batch, **wide)


def on_policy(batch):
    """The same, drawn by these parameters, which are the reference's as well."""
    logps, _ = update.score(MODEL, _params(), batch, 1.0)
    return dataclasses.replace(batch, old_logps=logps, ref_logps=logps)


def stepped(objective, given, before=None):
    """The state after a step, and what was seen."""
    return update.step(MODEL, objective, OPTIMISER, before or fresh(), given)


def penalised(reduction):
    """PPO with both penalties."""
    length = LENGTH if reduction == "constant_length" else None
    terms = dict(reduction=reduction, length=length, kl=KL, entropy=ENTROPY)
    return Objective(loss="ppo_clip", **terms)


def reduced(reduction, values):
    """The mean of ragged lists that a reduction stands for."""
    if reduction == "token_mean":
        return np.mean(np.concatenate(values))
    if reduction == "sequence_mean":
        return np.mean([np.mean(row) for row in values])
    total = np.mean([np.sum(row) for row in values])
    return total / LENGTH if reduction == "constant_length" else total


def ragged(values, batch):
    """The trained entries of every row."""
    return [np.asarray(row)[keep] for row, keep in zip(values, batch.trained)]


def assert_same(one, other, **close):
    """Every leaf equal, or close."""
    for left, right in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(left, right, **{"rtol": 0, "atol": 0, **close})


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_score_is_the_softmax_of_all_logits(temperature):
    (batch,) = batches(rows())
    logps, entropies = update.score(MODEL, _params(), batch, temperature)
    where = jnp.asarray(batch.where)
    places = caches.positions(where)
    hidden, _ = MODEL.apply(_params(), jnp.asarray(batch.tokens), places, where)
    logits = MODEL.apply(_params(), hidden, method="logits")
    scores = np.asarray(logits, np.float64) / temperature
    scores -= np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    for row, column in zip(*np.nonzero(batch.trained)):
        place = batch.said[row, column]
        before = scores[row, place - 1]
        expected = before[batch.tokens[row, place]]
        assert float(logps[row, column]) == pytest.approx(expected, rel=1e-5)
        spread = -(np.exp(before) * before).sum()
        assert float(entropies[row, column]) == pytest.approx(spread, rel=1e-5)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_microbatches_of_one_row_make_the_step_of_one_batch(reduction):
    objective = penalised(reduction)
    whole, cut = (batches(rows(), t, reference=0.5) for t in (WHOLE, ONE))
    assert (len(whole), len(cut)) == (1, 4)
    if reduction != "token_mean":  # the others get by with the programs of the whole
        cut = [padded(batch, 4) for batch in cut]
    one, seen = stepped(objective, whole)
    other, parts = stepped(objective, cut)
    assert_same(one.params, other.params, rtol=1e-5, atol=1e-7)
    assert_same(one.memory, other.memory, rtol=1e-5, atol=1e-7)
    assert seen.keys() == parts.keys() and "kl_reference" in seen
    for name in seen:
        assert parts[name] == pytest.approx(seen[name], rel=1e-4), name
    moved = jax.tree.map(lambda a, b: np.abs(a - b).max(), one.params, _params())
    assert max(jax.tree.leaves(moved)) > 5e-5


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_the_loss_is_the_reduction_of_its_terms(reduction):
    batch = on_policy(*batches(rows()))
    _, entropies = update.score(MODEL, _params(), batch, 1.0)
    _, seen = stepped(penalised(reduction), [batch])
    gain = reduced(reduction, ragged(batch.advantages, batch))
    spread = reduced(reduction, ragged(entropies, batch))
    assert seen["loss"] == pytest.approx(-gain - ENTROPY * spread, rel=1e-4)
    tokens = np.concatenate(ragged(entropies, batch))
    assert seen["entropy"] == pytest.approx(tokens.mean(), rel=1e-4)
    assert seen["kl_old"] == pytest.approx(0.0, abs=1e-9) == seen["kl_reference"]


@pytest.mark.parametrize("loss", POLICY)
def test_every_loss_learns_and_nothing_where_all_advantages_are_zero(loss):
    objective = Objective(loss=loss, reduction="token_mean")
    (batch,) = batches(rows())
    near = dataclasses.replace(on_policy(batch), ref_logps=None)
    after, seen = stepped(objective, [near])
    assert math.isfinite(seen["loss"]) and 0 < seen["gradient_norm"] < math.inf
    assert seen["skipped"] == 0 and int(after.updates) == 1
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(after.params))
    flat = dataclasses.replace(near, advantages=np.zeros_like(near.advantages))
    still, seen = stepped(objective, [flat])
    assert seen["gradient_norm"] == 0.0
    assert_same(still.params, _params())


def test_far_from_the_reference_the_penalty_draws_back_to_it():
    objective = Objective(loss="ppo_clip", kl=KL)
    (batch,) = batches(rows(0.0))
    near = on_policy(batch)
    _, seen = stepped(objective, [near])
    assert seen["kl_reference"] == pytest.approx(0.0, abs=1e-9)
    assert seen["gradient_norm"] == pytest.approx(0.0, abs=1e-6)
    above = dataclasses.replace(near, ref_logps=near.ref_logps + jnp.float32(0.5))
    after, seen = stepped(objective, [above])
    distance = math.exp(0.5) - 0.5 - 1  # k3 of every token
    assert seen["kl_reference"] == pytest.approx(distance, rel=1e-4)
    assert seen["loss"] == pytest.approx(KL * distance, rel=1e-4)
    logps, _ = update.score(MODEL, after.params, batch, 1.0)
    gained = np.concatenate(ragged(logps - near.old_logps, batch))
    assert gained.mean() > 1e-4


@pytest.mark.parametrize("advantage", [1.0, -1.0, 2.0])
def test_reinforce_raises_a_token_that_was_good_and_lowers_one_that_was_bad(advantage):
    objective = Objective(loss="reinforce")
    row = Row(
        tokens=np.array([3, 1, 4, 1, 5], np.int32),
        said=np.array([4], np.int32),
        advantages=np.array([advantage], np.float32),
        logps=np.array([-2.0], np.float32),
    )
    given = batches([row], ONE)
    before, _ = update.score(MODEL, _params(), given[0], 1.0)
    after, seen = stepped(objective, given)
    logps, _ = update.score(MODEL, after.params, given[0], 1.0)
    assert seen["loss"] == pytest.approx(-advantage * float(before[0, 0]), rel=1e-5)
    assert float(logps[0, 0] - before[0, 0]) * advantage > 1e-3
    one = dataclasses.replace(given[0], advantages=np.sign(given[0].advantages))
    _, unit = stepped(objective, [one])
    size = abs(advantage) * unit["gradient_norm"]
    assert seen["gradient_norm"] == pytest.approx(size, rel=1e-5)


def test_a_gradient_that_is_not_finite_changes_nothing_and_is_counted():
    objective = Objective(loss="ppo_clip", reduction="token_mean")
    (batch,) = batches(rows())
    broken = np.array(batch.old_logps)
    broken[0, 0] = np.nan
    bad = dataclasses.replace(batch, old_logps=broken)
    after, seen = stepped(objective, [bad])
    assert seen["skipped"] == 1.0 and not math.isfinite(seen["gradient_norm"])
    assert_same(after, fresh())
    then, seen = stepped(objective, [batch], after)
    straight, _ = stepped(objective, [batch])
    assert seen["skipped"] == 0.0 and int(then.updates) == 1
    assert_same(then, straight)


def test_padding_rows_change_nothing():
    objective = Objective(loss="ppo_clip", reduction="token_mean")
    three, four = batches(rows()[:3]), batches(rows())
    assert three[0].tokens.shape == four[0].tokens.shape
    junk = four[0].advantages * ~three[0].where.any(axis=1, keepdims=True)
    assert junk.any()  # the row of padding has numbers, and is not trained
    dirty = dataclasses.replace(three[0], advantages=three[0].advantages + junk)
    one, _ = stepped(objective, three)
    other, _ = stepped(objective, [dirty])
    assert_same(one.params, other.params)


@pytest.mark.parametrize(
    "given, error, message",
    [
        (dict(loss="ppo_clp"), ValueError, "policy loss 'ppo_clp'.*mean 'ppo_clip'"),
        (dict(reduction="token_men"), ValueError, "'token_men'.*mean 'token_mean'"),
        (
            dict(loss="gspo", options=(("dual_clip", 3.0),)),
            TypeError,
            "loss 'gspo' has no option 'dual_clip'.*clip_high, clip_low",
        ),
        (dict(reduction="constant_length"), ValueError, "length=None.*constant_length"),
        (dict(length=5), ValueError, "length=5.*token_mean"),
    ],
)
def test_what_nobody_knows_is_refused_by_name(given, error, message):
    with pytest.raises(error, match=message):
        Objective(**given)
