"""Every estimator by name: from `Trajectories` to advantages `[batch spans]`.

The only file that knows both the record and the kernels: each function hands a method's
kernel the fields it reads. Keyword arguments are the method's own options.
"""

from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Float

from rl_credit.credit import (
    anchors,
    chain,
    groups,
    implicit,
    returns,
    semi_online,
    spans,
    tree,
    turns,
)
from rl_credit.credit.estimator import Estimator
from rl_credit.ops import masked, names
from rl_credit.types import Trajectories

Advantages = Float[Array, "batch spans"]
BOOTSTRAPPED = ("values", "terminated")


def _relative(t: Trajectories, kernel, *columns, **knobs) -> Advantages:
    """A kernel on the returns of the trajectories of a task, given to their spans."""
    played = jnp.any(t.where, axis=1)
    scores = spans.scores(t.rewards, t.where)
    return spans.over(kernel(scores, *columns, t.groups, played, **knobs), t.where)


def grpo(t: Trajectories, *, epsilon: float = 1e-6) -> Advantages:
    """GRPO (2402.03300)."""
    return _relative(t, groups.group_relative, epsilon=epsilon)


def dr_grpo(t: Trajectories) -> Advantages:
    """Dr. GRPO (2503.20783)."""
    return _relative(t, groups.group_relative, scale=False)


def leave_one_out(t: Trajectories) -> Advantages:
    """RLOO (2402.14740)."""
    return _relative(t, groups.leave_one_out)


def optimal_baseline(t: Trajectories) -> Advantages:
    """OPO (2505.23585). Lengths are in tokens if `lengths` says so, else in spans."""
    sizes = t.where if t.lengths is None else jnp.where(t.where, t.lengths, 0)
    lengths = jnp.sum(sizes, axis=1, dtype=jnp.float32)
    return _relative(t, groups.optimal_baseline, lengths)


def policy_gradient(t: Trajectories) -> Advantages:
    """GPG (2504.02546)."""
    return _relative(t, groups.policy_gradient)


def best_of_group(t: Trajectories, *, scale: bool = True) -> Advantages:
    """The pass@k advantage (2503.19595)."""
    return _relative(t, groups.best_of_group, scale=scale)


def negative_only(t: Trajectories) -> Advantages:
    """GRPO-N (2510.04028)."""
    return _relative(t, groups.negative_only)


def sign_weighted(
    t: Trajectories, *, positive: float = 0.1, negative: float = 1.0
) -> Advantages:
    """W-REINFORCE, PSR and NSR (2506.01347); returns are 0 or 1."""
    scores = spans.scores(t.rewards, t.where)
    signed = groups.sign_weighted(scores, positive=positive, negative=negative)
    return spans.over(signed, t.where)


def reinforce(t: Trajectories, *, discount: float = 1.0) -> Advantages:
    """The discounted return itself (Williams, 1992)."""
    return returns.discounted(t.rewards, t.where, discount=discount)


def whitened_returns(t: Trajectories, *, discount: float = 1.0) -> Advantages:
    """REINFORCE++ (2501.03262): returns whitened over all spans of the batch."""
    return masked.whiten(reinforce(t, discount=discount), t.where)


def whitened_relative(t: Trajectories) -> Advantages:
    """REINFORCE++-baseline (2501.03262): less the group's mean, then whitened."""
    return masked.whiten(dr_grpo(t), t.where)


def greedy_baseline(t: Trajectories, *, discount: float = 1.0) -> Advantages:
    """ReMax (2310.10505): returns less that of the greedy response."""
    gained = reinforce(t, discount=discount) - t.baselines[:, None]
    return masked.keep(gained, t.where)


def gae(t: Trajectories, *, discount: float = 1.0, trace: float = 0.95) -> Advantages:
    """Generalised advantage estimation (1506.02438)."""
    ahead = returns.next_values(t.values, t.where, t.final_values)
    knobs = dict(discount=discount, trace=trace)
    return returns.gae(t.rewards, t.values, ahead, t.terminated, t.where, **knobs)


def lambda_returns(
    t: Trajectories, *, discount: float = 1.0, trace: float = 0.95
) -> Advantages:
    """The lambda-return itself, without a baseline (Sutton & Barto, 12.3)."""
    ahead = returns.next_values(t.values, t.where, t.final_values)
    knobs = dict(discount=discount, trace=trace)
    return returns.lambda_returns(t.rewards, ahead, t.terminated, t.where, **knobs)


def mt_grpo(t: Trajectories, *, turn_weight: float = 1.0) -> Advantages:
    """MT-GRPO (2505.11821): the last turn's reward is the outcome, the rest turns'."""
    last = spans.last(t.where)
    earlier = t.where & ~last
    return turns.mt_grpo(
        spans.scores(t.rewards, earlier),
        spans.scores(t.rewards, last),
        t.groups,
        earlier,
        t.where,
        turn_weight=turn_weight,
    )


def turn_relative(t: Trajectories) -> Advantages:
    """A turn's own reward less its mean over the task's rollouts (verl issue 7244)."""
    return semi_online.step_level(t.rewards, t.groups, t.where, scale=False)


def gigpo(
    t: Trajectories,
    *,
    pool: Literal["trajectories", "rows"],
    discount: float = 0.95,
    step_weight: float = 1.0,
    scale: bool = True,
) -> Advantages:
    """GiGPO (2505.10978), of scores less `penalties`; the release pools "rows"."""
    steps = returns.discounted(t.rewards, t.where, discount=discount)
    number = jnp.arange(t.where.shape[0], dtype=jnp.int32)
    lost = 0.0 if t.penalties is None else t.penalties.reshape(-1)
    return anchors.gigpo(
        spans.repeat(spans.scores(t.rewards, t.where), t.where) - lost,
        steps.reshape(-1) - lost,
        spans.repeat(t.groups, t.where),
        spans.repeat(number, t.where),
        t.states.reshape(-1, 2),
        t.where.reshape(-1),
        step_weight=step_weight,
        scale=scale,
        pool=pool,
    ).reshape(t.where.shape)


def hgpo(
    t: Trajectories, *, discount: float = 0.95, history: int = 2, alpha: float = 1.0
) -> Advantages:
    """HGPO (2602.22817)."""
    steps = returns.discounted(t.rewards, t.where, discount=discount)
    knobs = dict(history=history, alpha=alpha)
    return anchors.hgpo(steps, t.groups, t.states, t.where, **knobs)


def _segments(t: Trajectories, boundaries) -> Advantages:
    values = jnp.pad(t.values, ((0, 0), (0, 1)))  # the last state's is the score
    scores = spans.scores(t.rewards, t.where)
    return chain.segment_advantages(values, boundaries, scores, t.where)


def spo_chain(
    t: Trajectories, *, threshold: float = 0.9, interval: int = 5
) -> Advantages:
    """SPO-chain (2505.23564) on tokens; certain ones (its mask) get 0."""
    probs = jnp.exp(masked.keep(t.logps, t.where))
    cuts = chain.cutpoints(probs, t.where, threshold=threshold, interval=interval)
    mask = chain.uncertain(probs, t.where, threshold=threshold)
    return masked.keep(_segments(t, cuts), mask)


def spo_chain_fixed_count(t: Trajectories, *, count: int = 4) -> Advantages:
    """SPO-chain with segments of equal length."""
    return _segments(t, chain.equal_lengths(t.where, count=count))


def spo_chain_fixed_interval(t: Trajectories, *, interval: int = 100) -> Advantages:
    """SPO-chain with a segment every `interval` tokens."""
    return _segments(t, chain.every(t.where, interval=interval))


def spo_tree(
    t: Trajectories, *, scale: bool, tolerance: float = 1e-6, threshold: float = 0.9
) -> Advantages:
    """SPO-tree (2505.23564). Each row is a node; mask roots and lost nodes."""
    scores = spans.scores(t.rewards, t.where)
    leaves = jnp.any(t.where, axis=1) & ~tree.branching(t.parents)
    values = tree.values(t.parents, scores, leaves)
    reached = tree.reached(t.parents, leaves)
    gained = tree.advantages(values, t.parents, reached, scale=scale)
    gained = masked.keep(gained, tree.informative(gained, tolerance=tolerance))
    probs = jnp.exp(masked.keep(t.logps, t.where))
    return spans.over(gained, chain.uncertain(probs, t.where, threshold=threshold))


def vineppo(t: Trajectories) -> Advantages:
    """VinePPO (2410.01679)."""
    return chain.vineppo(t.rewards, t.values, t.where)


def oprl(
    t: Trajectories, *, step_weight: float = 1.0, beta: float = 0.05
) -> Advantages:
    """OPRL / iStar (2509.19199, eq. 5): episode + `step_weight` * step advantage."""
    step = implicit.advantages(beta * t.log_ratios, t.where, t.groups)
    return grpo(t) + step_weight * step


def prime(
    t: Trajectories,
    *,
    beta: float = 0.05,
    process_weight: float = 5.0,
    outcome_weight: float = 5.0,
) -> Advantages:
    """PRIME (2502.01456)."""
    return implicit.prime(
        t.log_ratios,
        spans.scores(t.rewards, t.where),
        t.groups,
        t.where,
        beta=beta,
        process_weight=process_weight,
        outcome_weight=outcome_weight,
    )


def ui_s1(
    t: Trajectories,
    *,
    discount: float = 0.5,
    horizon: Literal["paper", "released", "full"] = "paper",
    episode_weight: float = 1.0,
    step_weight: float = 1.0,
) -> Advantages:
    """UI-S1 (2509.11543, eq. 12): of the summed rewards and of the patched returns."""
    knobs = dict(discount=discount, horizon=horizon)
    patched = semi_online.patched_returns(t.rewards, t.matches, t.where, **knobs)
    step = semi_online.step_level(patched, t.groups, t.where)
    return episode_weight * grpo(t) + step_weight * step


_TABLE = (
    Estimator("grpo", grpo),
    Estimator("dr_grpo", dr_grpo),
    Estimator("rloo", leave_one_out),
    Estimator("opo", optimal_baseline, reads=("lengths",)),
    Estimator("gpg", policy_gradient),
    Estimator("pass_at_k", best_of_group),
    Estimator("grpo_n", negative_only),
    Estimator("psr", sign_weighted, preset=dict(positive=1.0, negative=0.0)),
    Estimator("nsr", sign_weighted, preset=dict(positive=0.0, negative=1.0)),
    Estimator("w_reinforce", sign_weighted),
    Estimator("reinforce", reinforce),
    Estimator("reinforce_plus_plus", whitened_returns),
    Estimator("reinforce_plus_plus_baseline", whitened_relative),
    Estimator("remax", greedy_baseline, ("baselines",)),
    Estimator("gae", gae, BOOTSTRAPPED, reads=("final_values",)),
    Estimator("lambda_returns", lambda_returns, BOOTSTRAPPED, reads=("final_values",)),
    Estimator("mt_grpo", mt_grpo),
    Estimator("turn_relative", turn_relative),
    Estimator("gigpo", gigpo, ("states",), dict(pool="trajectories"), ("penalties",)),
    Estimator("gigpo_released", gigpo, ("states",), dict(pool="rows"), ("penalties",)),
    Estimator("hgpo", hgpo, ("states",)),
    Estimator("spo_chain", spo_chain, ("values", "logps")),
    Estimator("spo_chain_fixed_count", spo_chain_fixed_count, ("values",)),
    Estimator("spo_chain_fixed_interval", spo_chain_fixed_interval, ("values",)),
    Estimator("spo_tree", spo_tree, ("parents", "logps"), dict(scale=False)),
    Estimator("spo_tree_scaled", spo_tree, ("parents", "logps"), dict(scale=True)),
    Estimator("vineppo", vineppo, ("values",)),
    Estimator("oprl", oprl, ("log_ratios",)),
    Estimator("prime", prime, ("log_ratios",)),
    Estimator("ui_s1", ui_s1, ("matches",)),
)
ESTIMATORS = {estimator.name: estimator for estimator in _TABLE}


def named(name: str) -> Estimator:
    """The estimator of that name; ValueError with the nearest one if there is none."""
    if name not in ESTIMATORS:
        raise ValueError(names.unknown("estimator", name, ESTIMATORS))
    return ESTIMATORS[name]
