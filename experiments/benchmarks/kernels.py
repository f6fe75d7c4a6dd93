"""Credit kernels beside rlax and beside plain loops, at 1k, 10k and 100k rows."""

import functools
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np

from experiments.benchmarks import loops
from experiments.benchmarks.timing import Case
from rl_credit.credit import chain, groups, returns, semi_online, tree
from rl_credit.credit.estimators import ESTIMATORS
from rl_credit.credit.pack import pack

ROWS = {"1k": 1_000, "10k": 10_000, "100k": 100_000}
STEPS, GROUP, BRANCHES = 50, 8, 6
LOOPS = "plain loops"
GOALS = {
    ("GRPO", "100k"): "<= 2 ms",
    ("GiGPO from strings", "10k"): "<= 10 ms",
    ("GiGPO from strings", "100k"): "<= 150 ms",
    ("SPO-tree", "100k"): "<= 20 ms",
}
SHAPES = {  # spans x batch
    "128 x 8": (128, 8),
    "160 x 64": (160, 64),
    "800 x 128": (800, 128),
    "2048 x 512": (2048, 512),
}


def cases() -> Iterator[Case]:
    """Every case, smallest first."""
    for size, rows in ROWS.items():
        for name, unit, make in BY_ROWS:
            ours, peer = make(rows, np.random.default_rng(rows))
            goal = GOALS.get((name, size), "")
            yield Case(name, f"{size} {unit}", ours, LOOPS, peer, goal)
    for shape, (spans, batch) in SHAPES.items():
        for name, make in BY_SHAPE:
            ours, peer = make(batch, spans, np.random.default_rng(spans))
            goal = ">= 1" if (name, shape) == ("GAE", "2048 x 512") else ""
            yield Case(name, shape, ours, "rlax", peer, goal)


def grouped(ours: Callable, peer: Callable, rows: int, random: np.random.Generator):
    """Scores of 0 or 1 in groups of eight, in any order."""
    scores = random.integers(0, 2, rows).astype(np.float32)
    ids = random.permutation(np.arange(rows) // GROUP).astype(np.int32)
    kernel = functools.partial(jax.jit(ours), jnp.asarray(scores), jnp.asarray(ids))
    return kernel, functools.partial(peer, scores.tolist(), ids.tolist())


def gigpo(rows: int, random: np.random.Generator):
    """From lists of rewards and of strings of some 200 characters, 60 a task."""
    episodes = rows // STEPS
    tasks = [episode // GROUP for episode in range(episodes)]
    places = random.integers(60, size=(episodes, STEPS))
    room = "You are in the middle of a room. Looking quickly around you, you see "
    observations = [
        [f"{room * 3}a door to place {place} of house {task}." for place in row]
        for task, row in zip(tasks, places)
    ]
    won = random.integers(0, 2, episodes)
    rewards = [[0.0] * (STEPS - 1) + [float(win)] for win in won]

    def ours():
        return ESTIMATORS["gigpo"](pack(rewards, tasks, observations), discount=0.95)

    return ours, lambda: loops.gigpo(rewards, tasks, observations, 0.95)


def spo_tree(rows: int, random: np.random.Generator):
    """Trees of 6-6-6 branches, one after another; the last one may be cut short."""
    nodes = np.arange(1 + BRANCHES + BRANCHES**2 + BRANCHES**3)
    one = np.where(nodes > 0, (nodes - 1) // BRANCHES, -1)
    count = -(-rows // len(one))
    offsets = np.repeat(np.arange(count) * len(one), len(one))
    parents = np.where(np.tile(one, count) >= 0, np.tile(one, count) + offsets, -1)
    parents = parents[:rows].astype(np.int32)
    leaves = ~np.isin(np.arange(rows), parents)
    rewards = np.where(leaves, random.integers(0, 2, rows), 0).astype(np.float32)

    @jax.jit
    def kernel(parents, rewards, leaves):
        return tree.advantages(tree.values(parents, rewards, leaves), parents)

    ours = functools.partial(kernel, *map(jnp.asarray, (parents, rewards, leaves)))
    lists = parents.tolist(), rewards.tolist(), leaves.tolist()
    return ours, functools.partial(loops.tree, *lists)


def spo_chain(rows: int, random: np.random.Generator):
    """Responses of 50 tokens, values at every position."""
    probs = random.uniform(0.5, 1.0, (rows // STEPS, STEPS)).astype(np.float32)
    values = random.uniform(size=(rows // STEPS, STEPS + 1)).astype(np.float32)
    scores = random.integers(0, 2, rows // STEPS).astype(np.float32)

    @jax.jit
    def kernel(probs, values, scores):
        where = jnp.ones(probs.shape, bool)
        boundaries = chain.cutpoints(probs, where, threshold=0.9, interval=5)
        return chain.segment_advantages(values, boundaries, scores, where)

    ours = functools.partial(kernel, *map(jnp.asarray, (probs, values, scores)))
    lists = probs.tolist(), values.tolist(), scores.tolist()
    return ours, lambda: loops.cutpoint_segments(*lists, 0.9, 5)


def ui_s1(rows: int, random: np.random.Generator):
    """Patched returns; four of five steps match the expert's."""
    rewards = random.uniform(size=(rows // STEPS, STEPS)).astype(np.float32)
    matches = random.uniform(size=rewards.shape) < 0.8
    where = jnp.ones(rewards.shape, bool)
    kernel = jax.jit(semi_online.patched_returns)
    ours = functools.partial(kernel, jnp.asarray(rewards), jnp.asarray(matches), where)
    return ours, lambda: loops.patched_returns(rewards.tolist(), matches.tolist(), 0.5)


def discounted(rows: int, random: np.random.Generator):
    """Returns of trajectories of 50 steps."""
    rewards = random.uniform(size=(rows // STEPS, STEPS)).astype(np.float32)
    where = jnp.ones(rewards.shape, bool)
    kernel = jax.jit(functools.partial(returns.discounted, discount=0.95))
    lists = rewards.tolist()
    ours = functools.partial(kernel, jnp.asarray(rewards), where)
    return ours, lambda: loops.discounted(lists, 0.95)


def gae(batch: int, spans: int, random: np.random.Generator):
    """Both get [batch spans]; rlax takes one trajectory and is vmapped."""
    rewards, values, final = _trajectories(batch, spans, random)
    where, ended = jnp.ones(rewards.shape, bool), jnp.zeros(rewards.shape, bool)
    following = jnp.concatenate([values[:, 1:], final], axis=1)
    both = jnp.concatenate([values, final], axis=1)
    discounts = jnp.full_like(rewards, 0.99)
    kernel = jax.jit(functools.partial(returns.gae, discount=0.99, trace=0.95))
    estimate = _rlax().truncated_generalized_advantage_estimation
    theirs = jax.jit(jax.vmap(lambda r, d, v: estimate(r, d, 0.95, v)))
    return (
        functools.partial(kernel, rewards, values, following, ended, where),
        functools.partial(theirs, rewards, discounts, both),
    )


def lambda_returns(batch: int, spans: int, random: np.random.Generator):
    """As `gae`."""
    rewards, values, final = _trajectories(batch, spans, random)
    where, ended = jnp.ones(rewards.shape, bool), jnp.zeros(rewards.shape, bool)
    following = jnp.concatenate([values[:, 1:], final], axis=1)
    kernel = jax.jit(
        functools.partial(returns.lambda_returns, discount=0.99, trace=0.95)
    )
    estimate = _rlax().lambda_returns
    theirs = jax.jit(jax.vmap(lambda r, d, v: estimate(r, d, v, 0.95)))
    return (
        functools.partial(kernel, rewards, following, ended, where),
        functools.partial(theirs, rewards, jnp.full_like(rewards, 0.99), following),
    )


BY_ROWS: tuple[tuple[str, str, Callable], ...] = (
    (
        "GRPO",
        "responses",
        functools.partial(grouped, groups.group_relative, loops.group_relative),
    ),
    (
        "RLOO",
        "responses",
        functools.partial(grouped, groups.leave_one_out, loops.leave_one_out),
    ),
    ("GiGPO from strings", "steps", gigpo),
    ("SPO-tree", "edges", spo_tree),
    ("SPO-chain", "tokens", spo_chain),
    ("UI-S1 returns", "steps", ui_s1),
    ("discounted returns", "steps", discounted),
)
BY_SHAPE: tuple[tuple[str, Callable], ...] = (
    ("GAE", gae),
    ("lambda-returns", lambda_returns),
)


def _trajectories(batch: int, spans: int, random: np.random.Generator):
    rewards, values = random.normal(size=(2, batch, spans)).astype(np.float32)
    final = random.normal(size=(batch, 1)).astype(np.float32)
    return jnp.asarray(rewards), jnp.asarray(values), jnp.asarray(final)


def _rlax():
    try:
        import rlax
    except ModuleNotFoundError as missing:
        raise SystemExit(
            "the peer rlax is missing: pip install -e '.[benchmark]'"
        ) from missing
    return rlax
