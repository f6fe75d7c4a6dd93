"""Rows hold what was played, and microbatches hold the rows."""

import numpy as np
import pytest

from rl_credit.rollout.episodes import Episode, Step
from rl_credit.training import batching
from rl_credit.training.batching import Row

TURNS = [  # prompt, answer and its log-probabilities, of two episodes
    [([1, 2, 3], [4, 5], [-0.1, -0.2]), ([6], [7], [-0.3])],
    [([8, 9], [1, 2, 3], [-0.4, -0.5, -0.6])],
]
ADVANTAGES = np.array([[0.5, -1.0], [2.0, 9.0]], np.float32)  # 9: padding


def step(prompt, answer, logps):
    return Step("seen", "seen", prompt, answer, logps, "text", "action")


def episodes():
    """One of two turns, one of one."""
    return [
        Episode(task, task, [step(*turn) for turn in turns])
        for task, turns in enumerate(TURNS)
    ]


def drawn(count, seed=0, longest=200):
    """Rows of many lengths, told apart by their advantages."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(1, count + 1):
        length = int(rng.integers(2, longest))
        said = np.sort(rng.permutation(np.arange(1, length))[: rng.integers(1, 40)])
        made.append(
            Row(
                tokens=rng.integers(0, 90, length).astype(np.int32),
                said=said.astype(np.int32),
                advantages=np.full(len(said), number, np.float32),
                logps=-rng.random(len(said)).astype(np.float32),
            )
        )
    return made


def unpacked(batches):
    """The rows in the microbatches, by their advantage."""
    rows = {}
    for batch in batches:
        for n in range(len(batch.tokens)):
            kept, trained = batch.where[n], batch.trained[n]
            if not kept.any():
                assert not trained.any()
                continue
            number = int(batch.advantages[n, 0])
            assert number not in rows
            rows[number] = Row(
                batch.tokens[n][kept],
                batch.said[n][trained],
                batch.advantages[n][trained],
                batch.old_logps[n][trained],
            )
    return rows


def equal(one, other):
    """Whether two rows hold the same."""
    fields = ("tokens", "said", "advantages", "logps")
    return all(np.array_equal(getattr(one, f), getattr(other, f)) for f in fields)


def test_alone_every_turn_is_a_row_of_its_prompt_and_answer():
    rows = batching.rows(episodes(), ADVANTAGES, grown=False)
    assert [row.tokens.tolist() for row in rows] == [
        [1, 2, 3, 4, 5],
        [6, 7],
        [8, 9, 1, 2, 3],
    ]
    assert [row.said.tolist() for row in rows] == [[3, 4], [1], [2, 3, 4]]
    assert [row.advantages.tolist() for row in rows] == [[0.5] * 2, [-1.0], [2.0] * 3]
    for row, turn in zip(rows, [TURNS[0][0], TURNS[0][1], TURNS[1][0]]):
        np.testing.assert_array_equal(row.logps, np.float32(turn[2]))


def test_a_conversation_is_one_row_of_all_its_turns():
    rows = batching.rows(episodes(), ADVANTAGES, grown=True)
    assert [row.tokens.tolist() for row in rows] == [
        [1, 2, 3, 4, 5, 6, 7],
        [8, 9, 1, 2, 3],
    ]
    assert [row.said.tolist() for row in rows] == [[3, 4, 6], [2, 3, 4]]
    assert [r.advantages.tolist() for r in rows] == [[0.5, 0.5, -1.0], [2.0] * 3]
    np.testing.assert_allclose(rows[0].logps, [-0.1, -0.2, -0.3], rtol=1e-6)


@pytest.mark.parametrize("grown", [False, True])
def test_an_episode_without_a_turn_is_no_row(grown):
    empty = [Episode(0, 0), *episodes()]
    advantages = np.concatenate([np.zeros((1, 2), np.float32), ADVANTAGES])
    rows = batching.rows(empty, advantages, grown=grown)
    assert len(rows) == len(batching.rows(episodes(), ADVANTAGES, grown=grown))


def test_every_episode_needs_its_advantages():
    with pytest.raises(ValueError):
        batching.rows(episodes(), ADVANTAGES[:1], grown=False)


def test_rows_without_any_advantage_are_left_out():
    rows = batching.rows(episodes(), ADVANTAGES * [[0, 1], [1, 1]], grown=False)
    kept = batching.informative(rows)
    assert [row.tokens.tolist() for row in kept] == [[6, 7], [8, 9, 1, 2, 3]]
    assert batching.informative(batching.rows(episodes(), ADVANTAGES, grown=True))


@pytest.mark.parametrize("tokens", [1, 100, 1024, 10**6])
@pytest.mark.parametrize("count", [1, 2, 7, 50])
def test_microbatches_hold_every_row_once(count, tokens):
    rows = drawn(count, seed=count)
    found = unpacked(batching.microbatches(rows, tokens))
    assert sorted(found) == list(range(1, count + 1))
    assert all(equal(found[number], row) for number, row in enumerate(rows, 1))


@pytest.mark.parametrize("tokens", [256, 300, 1000, 4096])
def test_microbatches_keep_to_the_budget_and_use_it(tokens):
    batches = batching.microbatches(drawn(60), tokens)
    assert all(batch.tokens.size <= tokens for batch in batches)
    assert all(4 * batch.tokens.size > tokens for batch in batches[:-1])


def test_a_row_over_the_budget_stands_alone():
    batches = batching.microbatches(drawn(5, longest=60), 1)
    assert [len(batch.tokens) for batch in batches] == [1] * 5


def test_no_rows_are_no_microbatches():
    assert batching.microbatches([], 100) == []


def test_padding_is_never_trained():
    batches = batching.microbatches(drawn(37), 2048)
    assert any(not batch.where.all() for batch in batches)
    for batch in batches:
        rows = np.arange(len(batch.tokens))[:, None]
        inside = batch.where[rows, batch.said]
        assert inside[batch.trained].all()
        assert (batch.said[batch.trained] > 0).all()
        for name in ("said", "advantages", "old_logps"):
            assert not getattr(batch, name)[~batch.trained].any(), name
        assert not batch.tokens[~batch.where].any()


def test_many_lengths_need_few_shapes():
    sizes, lengths = set(), set()
    for seed in range(40):
        rows = drawn(int(np.random.default_rng(seed).integers(1, 65)), seed)
        lengths |= {len(row) for row in rows}
        for batch in batching.microbatches(rows, 2048):
            assert (len(batch.tokens) & (len(batch.tokens) - 1)) == 0
            sizes.add(batch.tokens.shape)
    assert len(lengths) > 150
    assert len({time for _, time in sizes}) <= 20
    assert len(sizes) <= 70


@pytest.mark.parametrize("weight", [0.0, 0.25, 3.0])
def test_a_row_that_is_read_weighs_answers_and_the_rest_each_by_their_mean(weight):
    rng = np.random.default_rng(5)
    for row in drawn(30, longest=60):
        read, values = batching.read(row, weight), rng.normal(size=len(row))
        rest = np.setdiff1d(np.arange(1, len(row)), row.said)
        assert read.said.tolist() == list(range(1, len(row)))
        assert read.tokens is row.tokens and read.task == row.task
        wanted = np.mean(values[row.said] * row.advantages)
        wanted += weight * values[rest].mean() if rest.size else 0.0
        got = np.mean(values[read.said] * read.advantages)
        assert got == pytest.approx(wanted, rel=1e-5, abs=1e-5)
        assert np.array_equal(read.logps[row.said - 1], row.logps)
