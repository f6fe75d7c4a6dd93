"""SPO-chain, SPO-tree and VinePPO on the same numbers as the official code."""

import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.credit import chain, groups, tree
from rl_credit.ops import masked
from tests.references import chain as reference
from tests.references import golden

SPO, PROCESS = golden.load("spo"), golden.load("process")
ROWS, TIME = 10, 200  # all batches are padded to these
CLOSE = dict(rtol=1e-5, atol=1e-5)


def padded(rows, fill, dtype, width=TIME):
    """Lists of any lengths as one array, and which entries are theirs."""
    array, lengths = np.full((ROWS, width), fill, dtype), np.zeros(ROWS)
    lengths[: len(rows)] = [len(row) for row in rows]
    for row, entries in zip(array, rows):
        row[: len(entries)] = entries
    return jnp.asarray(array), jnp.asarray(np.arange(width)[None] < lengths[:, None])


def by_interval(cases):
    """`interval` shapes nothing but is a constant of the compiled kernel."""
    for interval in sorted({case["interval"] for case in cases}):
        yield interval, [case for case in cases if case["interval"] == interval]


def marked(boundaries):
    """Released boundary b, the state after token b, is position b + 1."""
    positions = np.zeros((ROWS, TIME + 1), bool)
    for i, row in enumerate(boundaries):
        positions[i, np.array(row, int) + 1] = True
    return positions


def test_cutpoints_are_the_boundaries_of_the_released_code(compiled):
    cases = list(SPO["cutpoint_partition"])
    for case in SPO["shared_prefixes"]:
        for probs, ends in zip(case["response_probs"], case["boundaries"]):
            one = dict(response_probs=probs, boundaries=ends)
            cases.append(one | dict(interval=case["interval"]))
    uncertain = compiled(chain.uncertain)
    for interval, chosen in by_interval(cases):
        probs, where = padded([c["response_probs"] for c in chosen], np.nan, np.float32)
        actual = compiled(chain.cutpoints, interval=interval)(probs, where)
        expected = marked([case["boundaries"] for case in chosen])
        np.testing.assert_array_equal(actual, expected)
        marks = uncertain(probs, where)
        for row, case in zip(np.asarray(marks), chosen):
            if "cutpoints" in case:
                np.testing.assert_array_equal(np.flatnonzero(row), case["cutpoints"])


def test_equal_cutpoints_are_the_optimum_of_the_paper(compiled):
    """The released code opens one at every second cutpoint: so does `cutpoints`."""
    (case,) = SPO["equal_split"]
    probs, where = padded([case["response_probs"]], np.nan, np.float32)
    actual = compiled(chain.equal_cutpoints, count=case["K"])(probs, where)
    starts = np.flatnonzero(actual[0])
    np.testing.assert_array_equal(starts, case["segment_start_indices"])
    marks = np.array(case["response_probs"]) < 0.9
    ends = [*starts[1:], len(marks)]
    squares = [marks[start:end].sum() ** 2 for start, end in zip(starts, ends)]
    assert sum(squares) == case["sum_of_squared_counts"]
    actual = compiled(chain.cutpoints, interval=2)(probs, where)
    expected = marked([case["code_boundaries_with_interval2"]])
    np.testing.assert_array_equal(actual, expected)


def test_equal_lengths_add_the_prompt_that_the_released_code_never_estimates(compiled):
    """Hence the first segment is credited, too (theirs always gets 0)."""
    cases = [case for case in SPO["fixed_count_partition"] if case["T"] >= 4]
    assert len(cases) == 4
    _, where = padded([[0] * case["T"] for case in cases], 0, np.int32)
    actual = compiled(chain.equal_lengths, count=4)(where)
    expected = marked([[-1, *case["boundaries"]] for case in cases])
    np.testing.assert_array_equal(actual, expected)


def test_equal_lengths_never_estimate_the_end_as_the_released_code_does(compiled):
    """It bounds 2 tokens by [0, 1, 1], overwriting the score with an estimate."""
    (case,) = [case for case in SPO["fixed_count_partition"] if case["T"] == 2]
    assert case["boundaries"] == [0, 1, 1]
    _, where = padded([[0, 0]], 0, np.int32)
    actual = compiled(chain.equal_lengths, count=4)(where)
    np.testing.assert_array_equal(np.flatnonzero(actual[0]), [0, 1])


def chain_advantages(compiled):
    """Cases and, for each, probabilities, mask, our boundaries and our advantages."""
    segment_advantages = compiled(chain.segment_advantages)
    for interval, chosen in by_interval(SPO["chain_advantage"]):
        probs, where = padded([c["response_probs"] for c in chosen], np.nan, np.float32)
        boundaries = compiled(chain.cutpoints, interval=interval)(probs, where)
        values = np.full((ROWS, TIME + 1), np.nan, np.float32)
        scores = np.full(ROWS, np.nan, np.float32)
        scores[: len(chosen)] = [case["terminal_score"] for case in chosen]
        for row, case in zip(values, chosen):
            row[np.array(case["boundaries"]) + 1] = case["boundary_values"]
        inputs = jnp.asarray(values), boundaries, jnp.asarray(scores), where
        gained = np.asarray(segment_advantages(*inputs))
        yield from zip(chosen, probs, where, np.asarray(boundaries), gained)


def test_segment_advantages_are_those_of_the_released_code(compiled):
    for case, _, where, boundaries, gained in chain_advantages(compiled):
        length = len(case["response_probs"])
        expected = case["token_advantages_broadcast"]
        np.testing.assert_allclose(gained[:length], expected, **CLOSE)
        assert not np.any(gained[length:])
        parts = reference.segments(boundaries, np.asarray(where))
        credited = [part for part in case["segments"] if part[1] >= parts[0][0]]
        assert parts == [(start, end + 1) for start, end, _ in credited]


def test_certain_tokens_are_silenced_at_0_9_where_the_released_code_is_above(compiled):
    """It zeroes p > 0.9 but its loss keeps p < 0.9; ours is the latter throughout.

    A token of exactly 0.9, which no case has, is worth its segment there and 0 here.
    """
    uncertain = compiled(chain.uncertain)
    for case, probs, where, _, gained in chain_advantages(compiled):
        kept = uncertain(probs[None], where[None])[0]
        actual = np.where(kept, gained, 0.0)[: len(case["response_probs"])]
        np.testing.assert_allclose(actual, case["token_advantages"], **CLOSE)
    probs = jnp.asarray([[0.9]], jnp.float32)
    assert not np.any(uncertain(probs, jnp.ones((1, 1), bool)))


def test_vineppo_is_that_of_both_repositories(compiled):
    cases = [
        (case["step_rewards"], case["values"], case["step_advantages"])
        for case in SPO["vineppo_step_advantage"]
    ] + [
        # There the last value is that of the end, and none is given.
        (case["step_rewards"], case["mc_values"][:-1], case["advantages"])
        for case in PROCESS["vineppo"]
    ]
    rewards, where = padded([case[0] for case in cases], np.nan, np.float32, 8)
    entries = [[np.nan if v is None else v for v in case[1]] for case in cases]
    values, _ = padded(entries, np.nan, np.float32, 8)
    known = jnp.isfinite(values)
    actual = compiled(chain.vineppo)(rewards, values, where, known)
    expected, _ = padded([case[2] for case in cases], 0.0, np.float32, 8)
    np.testing.assert_allclose(actual, expected, **CLOSE)


def test_group_baselines_match_but_for_the_sample_deviation(compiled):
    """grpo divides by the population's there and by the sample's (n - 1) here."""
    kernels = {
        "grpo": compiled(groups.group_relative),
        "rloo": compiled(groups.leave_one_out),
    }
    for case in SPO["group_baseline"]:
        rows, size = 8, len(case["scores"])
        scores = np.full(rows, np.nan, np.float32)
        scores[:size] = case["scores"]
        inputs = jnp.asarray(scores), jnp.zeros(rows, int), jnp.arange(rows) < size
        actual = np.asarray(kernels[case["method"]](*inputs))[:size]
        expected = np.array(case["advantages"])
        if case["method"] == "grpo":
            expected = expected * np.sqrt((size - 1) / size)
        elif size == 1:  # nothing to compare with: its raw score there, 0 here
            assert expected == case["scores"]
            expected = np.zeros(1)
        np.testing.assert_allclose(actual, expected, **CLOSE)


def forest():
    """All trees of the file in one array, and where each of them lies."""
    columns, places = [[], [], []], []
    for case in SPO["tree"]:
        start = len(columns[0])
        parents = [above + start if above >= 0 else -1 for above in case["parents"]]
        for column, part in zip(columns, (parents, case["rewards"], case["leaves"])):
            column.extend(part)
        places.append(slice(start, start + len(parents)))
    types = jnp.int32, jnp.float32, bool
    return [jnp.asarray(c, t) for c, t in zip(columns, types)], places


@pytest.mark.parametrize("name, scale", [("rloo", False), ("grpo", True)])
def test_trees_are_those_of_the_released_code(compiled, name, scale):
    inputs, places = forest()
    values = compiled(tree.values)(*inputs)
    gained = compiled(tree.advantages, scale=scale)(values, inputs[0])
    kept = compiled(tree.informative)(gained)
    for case, place in zip(SPO["tree"], places):
        np.testing.assert_allclose(values[place], case["values"], **CLOSE)
        np.testing.assert_allclose(gained[place], case[name], **CLOSE)
        edges = np.flatnonzero(kept[place])
        np.testing.assert_array_equal(edges, case[f"{name}_kept"])


@pytest.mark.parametrize("name, scale", [("rloo", False), ("grpo", True)])
def test_the_released_filter_keeps_edges_that_are_only_rounding(compiled, name, scale):
    """It asks for advantage != 0 in float64, which two edges pass that earn nothing."""
    inputs, places = forest()
    values = compiled(tree.values)(*inputs)
    gained = compiled(tree.advantages, scale=scale)(values, inputs[0])
    found = {}
    for case, place in zip(SPO["tree"], places):
        extra = sorted(set(case[f"{name}_exact"]) - set(case[f"{name}_kept"]))
        found |= {case["id"]: extra} if extra else {}
        np.testing.assert_array_equal(gained[place][jnp.asarray(extra, int)], 0.0)
    assert found == {"tree_666_random": [2, 23]}


def whitening(case):
    """Advantages, the mask of the action and that of its uncertain tokens."""
    advantages = jnp.asarray(case["advantages"], jnp.float32)
    actions = jnp.asarray(case["action_mask"], bool)
    # The exponential of log 0.9 is 0.9 in float64 only, and there it counts as certain.
    probs = jnp.asarray(np.exp(case["old_logprobs"]), jnp.float32)
    return advantages, actions, chain.uncertain(probs, actions)


def test_whitening_is_that_of_the_released_code(compiled):
    whiten = compiled(masked.whiten)
    for case in SPO["whiten"]:
        advantages, actions, uncertain = whitening(case)
        np.testing.assert_array_equal(uncertain, case["prob_mask"])
        masks = [("without_prob_mask", actions)]
        if np.any(uncertain):
            masks.append(("with_prob_mask", uncertain))
        for name, where in masks:
            actual = whiten(advantages, where)
            expected = np.where(where, case[name], 0.0)
            np.testing.assert_allclose(actual, expected, **CLOSE)
            if case["id"] == "whiten_constant_advantage":
                np.testing.assert_array_equal(actual, np.zeros_like(actual))


def test_no_uncertain_token_is_whitened_to_zero_and_not_over_all_tokens(compiled):
    """None of them is in the loss; theirs falls back to the mask of the action."""
    (case,) = [c for c in SPO["whiten"] if c["id"] == "whiten_all_high_prob_falls_back"]
    advantages, _, uncertain = whitening(case)
    assert not np.any(uncertain) and case["with_prob_mask"] == case["without_prob_mask"]
    assert not np.any(compiled(masked.whiten)(advantages, uncertain))
