"""GiGPO beside its released code: groups, returns and advantages of the same steps."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.credit import anchors, groups, returns
from rl_credit.ops import hashing
from tests.references import golden

GOLDEN = golden.load("gigpo")
CASES = GOLDEN["cases"]
OUTPUTS = {True: (0, 2), False: (1, 3)}  # by scale: with discount 0.95 and 1
ROWS, TRAJECTORIES, STEPS = 64, 16, 10  # all cases in one padded shape
EPISODE = {
    "rows": "episode_advantage",
    "trajectories": "episode_advantage_per_trajectory_stats",
}
CLOSE = dict(rtol=5e-5, atol=5e-5)


def numbers(names):
    """0, 1, ... by first appearance."""
    known = list(dict.fromkeys(names))
    return np.array([known.index(name) for name in names])


def padded(column):
    column = np.asarray(column)
    rest = np.full((ROWS - len(column), *column.shape[1:]), 0)
    return np.concatenate([column, rest])


def ordered(case, field):
    """A column of the inputs at the rows the released functions saw, repeats too."""
    column = np.asarray(case["inputs"][field])
    return column[np.asarray(case["active_rows"])[case["inputs"]["row_order"]]]


def fingerprints(case):
    """Of the texts, or of their groups where the released code joined similar texts."""
    if case["inputs"]["enable_similarity"]:
        return hashing.fingerprint_texts([str(name) for name in case["step_group"]])
    return hashing.fingerprint_texts(ordered(case, "anchor_obs").tolist())


discounted = jax.jit(returns.discounted)


def step_returns(case, discount, kernel):
    """The return of every active row, from rows of trajectories."""
    active = np.asarray(case["active_rows"])
    row = numbers(case["inputs"]["traj_uid"])[active]
    place = row, np.asarray(case["inputs"]["step"])[active]
    rewards, where = np.zeros((2, TRAJECTORIES, STEPS))
    rewards[place] = np.asarray(case["inputs"]["reward"])[active]
    where[place] = True
    matrix = jnp.asarray(rewards, jnp.float32), jnp.asarray(where, bool)
    return np.asarray(kernel(*matrix, discount=discount))[place]


def scores(case, discount):
    """Episode and step score of each ordered row, less the penalty of that row."""
    penalty = case["inputs"]["invalid_action_penalty_coef"]
    penalty = penalty * (1.0 - ordered(case, "is_action_valid"))
    steps = step_returns(case, discount, discounted)[case["inputs"]["row_order"]]
    names = ordered(case, "traj_uid")
    episode = np.array([case["episode_reward"][name] for name in names])
    return episode - penalty, steps - penalty


def pairs(scale):
    return [(case, output) for output in OUTPUTS[scale] for case in CASES]


@functools.cache
def inputs(scale):
    """The rows of all cases and discounts, [pairs rows], for vmap."""
    columns = []
    for case, output in pairs(scale):
        episode, steps = scores(case, case["outputs"][output]["gamma"])
        uids, trajectories = ordered(case, "uid"), ordered(case, "traj_uid")
        columns.append(
            (
                padded(episode).astype(np.float32),
                padded(steps).astype(np.float32),
                padded(numbers(uids)).astype(np.int32),
                padded(numbers(trajectories)).astype(np.int32),
                padded(fingerprints(case)).astype(np.uint32),
                padded(np.ones(len(uids), bool)).astype(bool),
            )
        )
    return [jnp.asarray(np.stack(column)) for column in zip(*columns)]


def alone(column):
    """The rows that are the only one of their group."""
    keys = list(column)
    return np.array([keys.count(key) == 1 for key in keys])


def one_trajectory(case):
    uids, names = ordered(case, "uid"), ordered(case, "traj_uid")
    return np.array([len(set(names[uids == uid])) == 1 for uid in uids])


def released(case, output, field):
    """The released value, NaN for a row without tokens, and the rows without spread."""
    record = case["outputs"][output]
    values = np.array(record[field], float)
    spread = {
        "episode_advantage": "no_spread_episode",
        "episode_advantage_per_trajectory_stats": "no_spread_episode_per_trajectory",
        "step_advantage": "no_spread_step",
    }[field]
    return values, np.array(record.get(spread, np.zeros(len(values))), bool)


def expected(case, output, field):
    """As released but exactly 0 where there is no spread or one member."""
    values, flat = released(case, output, field)
    single = {
        "episode_advantage": alone(ordered(case, "uid")),
        "episode_advantage_per_trajectory_stats": one_trajectory(case),
        "step_advantage": alone(case["step_group"]),
    }[field]
    return np.where(flat | single, 0.0, values), flat | single


def assert_matches(actual, wanted, exact, case):
    known = np.isfinite(wanted)
    actual = np.asarray(actual)[: len(wanted)]
    np.testing.assert_array_equal(actual[exact], np.zeros(sum(exact)), case["name"])
    pair = actual[known], wanted[known]
    np.testing.assert_allclose(*pair, err_msg=case["name"], **CLOSE)


def test_step_returns_and_scores(compiled):
    kernel = compiled(returns.discounted)
    for case, output in pairs(True) + pairs(False):
        record = case["outputs"][output]
        actual = step_returns(case, record["gamma"], kernel)
        np.testing.assert_allclose(actual, record["step_return"], **CLOSE)
        episode, steps = scores(case, record["gamma"])
        np.testing.assert_allclose(episode, record["episode_score"], **CLOSE)
        np.testing.assert_allclose(steps, record["step_score"], **CLOSE)


def test_anchor_groups_are_the_released_partition(compiled):
    """Numbered by first appearance there, too; the rows of padding come after."""
    kernel = compiled(jax.vmap(anchors.anchor_groups))
    _, _, tasks, _, states, where = inputs(True)
    for (case, _), ids in zip(pairs(True), kernel(tasks, states, where)):
        groups_of_rows = case["step_group"]
        np.testing.assert_array_equal(ids[: len(groups_of_rows)], groups_of_rows)
        assert (np.asarray(ids)[len(groups_of_rows) :] > max(groups_of_rows)).all()


@pytest.mark.parametrize("scale", OUTPUTS)
@pytest.mark.parametrize("pool", ["rows", "trajectories"])
def test_episode_advantages(compiled, scale, pool):
    knobs = dict(step_weight=0.0, scale=scale, pool=pool)
    kernel = compiled(jax.vmap(functools.partial(anchors.gigpo, **knobs)))
    for (case, output), actual in zip(pairs(scale), kernel(*inputs(scale))):
        assert case["outputs"][output]["mode"] == ("mean_norm", "mean_std_norm")[scale]
        assert_matches(actual, *expected(case, output, EPISODE[pool]), case)


@pytest.mark.parametrize("scale", OUTPUTS)
def test_step_advantages(compiled, scale):
    def step(steps, tasks, states, where):
        ids = anchors.anchor_groups(tasks, states, where)
        return groups.group_relative(steps, ids, where, scale=scale)

    _, steps, tasks, _, states, where = inputs(scale)
    advantages = compiled(jax.vmap(step))(steps, tasks, states, where)
    for (case, output), actual in zip(pairs(scale), advantages):
        assert_matches(actual, *expected(case, output, "step_advantage"), case)


@pytest.mark.parametrize("scale", OUTPUTS)
@pytest.mark.parametrize("step_weight", [0.5, 1.0])
def test_joint_advantages(compiled, scale, step_weight):
    knobs = dict(step_weight=step_weight, scale=scale, pool="rows")
    kernel = compiled(jax.vmap(functools.partial(anchors.gigpo, **knobs)))
    for (case, output), actual in zip(pairs(scale), kernel(*inputs(scale))):
        episode, flat_episode = expected(case, output, "episode_advantage")
        step, flat_step = expected(case, output, "step_advantage")
        wanted = episode + step_weight * step
        assert_matches(actual, wanted, flat_episode & flat_step, case)
        joint = np.array(case["outputs"][output]["advantage"][str(step_weight)], float)
        usual = ~flat_episode & ~flat_step & np.isfinite(joint)
        actual = np.asarray(actual)[: len(joint)]
        np.testing.assert_allclose(actual[usual], joint[usual], **CLOSE)


def test_one_member_scores_zero_where_the_released_code_gives_the_raw_score(compiled):
    """Mean 0 and deviation 1 of a group of one would teach without a comparison."""
    number = [case["name"] for case in CASES].index("c06_singletons")
    case = CASES[number]
    members = alone(ordered(case, "uid")), one_trajectory(case)
    for pool, single in zip(("rows", "trajectories"), members):
        raw, _ = released(case, 0, EPISODE[pool])
        episode, _ = scores(case, 0.95)
        np.testing.assert_allclose(raw[single], episode[single], **CLOSE)
        assert np.any(raw[single])
        kernel = compiled(anchors.gigpo, step_weight=0.0, pool=pool)
        actual = np.asarray(kernel(*(column[number] for column in inputs(True))))
        assert not np.any(actual[: len(single)][single])


@pytest.mark.parametrize("record", GOLDEN["fork"], ids=lambda r: r["mode"])
def test_the_fork_gives_its_tokens_the_same(compiled, record):
    where = np.array(record["response_mask"], bool)
    tasks, trajectories = numbers(record["task_ids"]), numbers(record["traj_ids"])
    episode = np.sum(record["token_level_rewards"], axis=1)
    actual = compiled(
        anchors.gigpo,
        step_weight=record["step_advantage_w"],
        scale=record["mode"] == "mean_std_norm",
        pool="rows",
    )(
        jnp.asarray(episode, jnp.float32),
        jnp.asarray(record["discounted_step_returns"], jnp.float32),
        jnp.asarray(tasks, jnp.int32),
        jnp.asarray(trajectories, jnp.int32),
        jnp.asarray(hashing.fingerprint_texts(record["anchor_obs"])),
    )
    tokens = np.where(where, np.asarray(actual)[:, None], 0.0)
    np.testing.assert_allclose(tokens, record["advantages"], **CLOSE)
