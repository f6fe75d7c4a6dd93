"""What each estimator makes of a batch of trajectories: the loops of its method.

The only work here is what an estimator adds to a method: which fields it reads, and
that a number of a trajectory is given to its played spans.
"""

import dataclasses

import numpy as np

from tests.references import anchors, chain, groups, implicit
from tests.references import returns as walks
from tests.references import semi_online, tree


def precise(t):
    """The same in float64, with 0 where nothing was played."""
    changed = {}
    for field in dataclasses.fields(t):
        array = getattr(t, field.name)
        if array.dtype.kind == "f":
            array = array.astype(np.float64)
            array = np.where(t.where, array, 0.0) if array.ndim == 2 else array
        changed[field.name] = array
    return dataclasses.replace(t, **changed)


def scores(t):
    return np.array([sum(rewards) for rewards in t.rewards])


def over(t, values):
    return np.array([where * value for where, value in zip(t.where, values)])


def relative(t, method, lengths=None):
    played = t.where.any(axis=1)
    return over(t, groups.by_group(method, scores(t), t.groups, played, lengths))


def opo(t):
    return relative(t, groups.opo, np.sum(t.lengths * t.where, axis=1))


def gpg(t):
    return over(t, groups.gpg(scores(t), t.groups, t.where.any(axis=1)))


def sign_weighted(t, positive=0.1, negative=1.0):
    rewarded = groups.sign_weighted(
        scores(t), t.where.any(axis=1), positive, negative
    )
    return over(t, rewarded)


def reinforce(t, discount=1.0):
    def walk(rewards):
        return walks.discounted(rewards, discount)

    return walks.by_trajectory(walk, t.where, t.rewards)


def remax(t, discount=1.0):
    return reinforce(t, discount) - over(t, t.baselines)


def bootstrapping(t, method, *fields, **knobs):
    """`method` on each trajectory, which ends with `final_values` unless by itself."""
    results = np.zeros(t.where.shape)
    for row, played in enumerate(t.where):
        ended = np.zeros(sum(played), bool)
        ended[-1:] = t.terminated[row]
        ahead = [*t.values[row, played], t.final_values[row]][1:]
        columns = dict(rewards=t.rewards[row, played], values=t.values[row, played])
        columns |= dict(next_values=np.array(ahead), terminated=ended)
        columns["truncated"] = np.zeros(sum(played), bool)
        results[row, played] = method(*(columns[name] for name in fields), **knobs)
    return results


def gae(t, discount=1.0, trace=0.95):
    fields = "rewards", "values", "next_values", "terminated", "truncated"
    return bootstrapping(t, walks.gae, *fields, discount=discount, trace=trace)


def lambda_returns(t, discount=1.0, trace=0.95):
    fields, knobs = ("rewards", "next_values", "terminated"), dict(discount=discount)
    return bootstrapping(t, walks.lambda_returns, *fields, trace=trace, **knobs)


def mt_grpo(t, turn_weight=1.0):
    last = np.zeros(t.where.shape, bool)
    for row in np.flatnonzero(t.where.any(axis=1)):
        last[row, np.flatnonzero(t.where[row])[-1]] = True
    earlier = t.where & ~last
    turn, outcome = ((t.rewards * spans).sum(axis=1) for spans in (earlier, last))
    return groups.mt_grpo(
        turn, outcome, t.groups, earlier, t.where, turn_weight, epsilon=1e-4
    )


def turn_relative(t):
    return semi_online.step_level(t.rewards, t.groups, t.where, scale=False)


def gigpo(t, pool, discount=0.95, step_weight=1.0, scale=True):
    spans = t.where.shape[1]
    lost = t.penalties.reshape(-1)
    rows = (
        np.repeat(scores(t), spans) - lost,
        reinforce(t, discount).reshape(-1) - lost,
        np.repeat(t.groups, spans),
        np.repeat(np.arange(len(t.where)), spans),
        t.states.reshape(-1, 2),
        t.where.reshape(-1),
    )
    return anchors.gigpo(*rows, step_weight, scale, pool).reshape(t.where.shape)


def hgpo(t, discount=0.95, history=2, alpha=1.0):
    steps = reinforce(t, discount)
    return anchors.hgpo(steps, t.groups, t.states, t.where, history, alpha, True)


def segments(t, boundaries):
    return chain.segment_advantages(t.values, boundaries, scores(t), t.where)


def spo_chain(t, threshold=0.9, interval=5):
    probs, knobs = np.exp(t.logps), dict(threshold=threshold)
    cuts = chain.cutpoints(probs, t.where, interval=interval, **knobs)
    return segments(t, cuts) * chain.uncertain(probs, t.where, **knobs)


def spo_chain_fixed_count(t, count=4):
    return segments(t, chain.equal_lengths(t.where, count=count))


def spo_chain_fixed_interval(t, interval=100):
    return segments(t, chain.every(t.where, interval=interval))


def spo_tree(t, scale, threshold=0.9):
    childless = np.array([not below for below in tree.children(t.parents)])
    values = tree.values(t.parents, scores(t), childless & t.where.any(axis=1))
    gained = over(t, tree.advantages(values, t.parents, scale=scale))
    return gained * chain.uncertain(np.exp(t.logps), t.where, threshold=threshold)


def vineppo(t):
    return chain.vineppo(t.rewards, t.values, t.where)


def oprl(t, step_weight=1.0, beta=0.05):
    step = implicit.advantages(beta * t.log_ratios, t.where, t.groups)
    return relative(t, groups.grpo) + step_weight * step


def prime(t, **knobs):
    return implicit.prime(t.log_ratios, scores(t), t.groups, t.where, **knobs)


def ui_s1(t, discount=0.5, horizon="paper", episode_weight=1.0, step_weight=1.0):
    patched = semi_online.patched_returns(
        t.rewards, t.matches, t.where, discount=discount, horizon=horizon
    )
    step = semi_online.step_level(patched, t.groups, t.where)
    return episode_weight * relative(t, groups.grpo) + step_weight * step


def whitened(values, t):
    return implicit.whiten(values, t.where)


ESTIMATORS = dict(
    grpo=lambda t: relative(t, groups.grpo),
    dr_grpo=lambda t: relative(t, groups.dr_grpo),
    rloo=lambda t: relative(t, groups.rloo),
    opo=opo,
    gpg=gpg,
    pass_at_k=lambda t: relative(t, groups.pass_at_k_scaled),
    grpo_n=lambda t: relative(t, groups.grpo_n),
    psr=lambda t: sign_weighted(t, 1.0, 0.0),
    nsr=lambda t: sign_weighted(t, 0.0, 1.0),
    w_reinforce=sign_weighted,
    reinforce=reinforce,
    reinforce_plus_plus=lambda t, **knobs: whitened(reinforce(t, **knobs), t),
    reinforce_plus_plus_baseline=lambda t: whitened(relative(t, groups.dr_grpo), t),
    remax=remax,
    gae=gae,
    lambda_returns=lambda_returns,
    mt_grpo=mt_grpo,
    turn_relative=turn_relative,
    gigpo=lambda t, **knobs: gigpo(t, "trajectories", **knobs),
    gigpo_released=lambda t, **knobs: gigpo(t, "rows", **knobs),
    hgpo=hgpo,
    spo_chain=spo_chain,
    spo_chain_fixed_count=spo_chain_fixed_count,
    spo_chain_fixed_interval=spo_chain_fixed_interval,
    spo_tree=lambda t, **knobs: spo_tree(t, False, **knobs),
    spo_tree_scaled=lambda t, **knobs: spo_tree(t, True, **knobs),
    vineppo=vineppo,
    oprl=oprl,
    prime=prime,
    ui_s1=ui_s1,
)
