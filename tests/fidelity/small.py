"""Small processes, cases of one size, and the few programs that their tests share."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from rl_credit.credit.estimators import ESTIMATORS
from rl_credit.fidelity import case as cases
from rl_credit.fidelity import exact, mdps, play, score
from rl_credit.fidelity.case import Sizes
from rl_credit.fidelity.feed import How
from rl_credit.fidelity.mdps.rules import Outcome, surely, tabulated
from rl_credit.fidelity.plan import plan

SIZES = Sizes(horizon=6, states=20, actions=4, outcomes=3, tasks=3, observations=10)
HOW = How(
    group=8,
    continuations=2,
    tree=(2, 2),
    critic_rate=0.1,
    reward_rate=0.2,
    reset=1.0,
    forward=0.25,
)
SPANS, SEEDS = SIZES.horizon, 64
SHORT = {"spo_chain": {"interval": 2}, "spo_chain_fixed_interval": {"interval": 2}}


@functools.cache
def ledge():
    """Stay for 0.1, step on or fall, or leave with what the place and the task pay.

    Ends at any time or is cut off after 5 steps; the tasks and the last two places look
    alike; task 0 begins in one of two places.
    """

    def step(state, action):
        task, place = state
        if action == 0:
            return surely(0.1, state)
        if action == 1:
            after = (task, min(place + 1, 3))
            return [Outcome(0.8, 0.25, after), Outcome(0.2, -1.0, None)]
        return surely(0.5 * place + 3.0 * task, None)

    return tabulated(
        "ledge",
        "nothing",
        starts=[{(0, 0): 0.75, (0, 1): 0.25}, {(1, 0): 1.0}],
        step=step,
        sees=lambda state: min(state[1], 2),
        num_actions=3,
        horizon=5,
    )


@functools.cache
def field():
    """Always 4 steps; paths meet; the second task pays 3 more at the end."""
    return mdps.named("rejoining", depth=4, width=3, bonuses=(0.0, 3.0))


PROCESSES = {"ledge": ledge, "field": field}


@functools.cache
def logits(name):
    """A policy that is not uniform, of every process its own."""
    process = PROCESSES[name]()
    shape = process.num_observations, process.num_actions
    drawn = np.random.default_rng(1).normal(size=shape)
    return jnp.asarray(0.7 * drawn, jnp.float32)


@functools.cache
def case(name):
    """Of the process, padded to the common sizes."""
    return cases.case(PROCESSES[name](), logits(name), SIZES)


@functools.cache
def truth(name):
    """The exact solution, on the host."""
    process = PROCESSES[name]()
    found = exact.solve(process.tables, logits(name), process.horizon)
    return jax.device_get(found)


def planned(name, how=HOW):
    """The plan of an estimator by name."""
    return plan(ESTIMATORS[name], SHORT.get(name, {}), how)


@functools.cache
def _batch(feed, units):
    def batch(case, logits, afforded, states, key):
        return feed.batch(case, logits, units, afforded, states, key)

    return jax.jit(batch)


def batch(feed, case, units=16, afforded=None, *, logits=None, states=None, seed=0):
    """A batch, its cost, and what the sources carry after it, all on the host."""
    found = _batch(feed, units)(
        case,
        case.logits if logits is None else logits,
        jnp.int32(units if afforded is None else afforded),
        feed.init(case) if states is None else states,
        jax.random.key(seed),
    )
    return jax.device_get(found)


def who(case, logits=None):
    """Who plays the case."""
    chosen = case.logits if logits is None else logits
    return play.player(case.tables, chosen, case.horizon)


@functools.cache
def gathered(name):
    """Batches of 32 plain episodes with anchors, a seed each, and their cost."""
    keys = jax.random.split(jax.random.key(7), SEEDS)
    play = score.gathered(planned("gigpo").feed, 32, 0)
    return play(case(name), jnp.int32(32), keys)


def scored(name, credit):
    """The scores of credit [seeds rows spans] for the batches of `gathered`."""
    batches, cost = gathered(name)
    given = jnp.where(batches.trajectories.where, credit, 0.0)
    return score.host(score.measured(case(name), batches, cost, given))


def advantages(name):
    """The exact advantage of every step of the batches of `gathered`."""
    played = gathered(name)[0].played
    return case(name).advantages[played.times, played.states, played.actions]
