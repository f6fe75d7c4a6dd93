"""A tiny decoder learns what demonstrations say."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.rollout.sampling import Sampling
from rl_credit.training import agent as agents
from rl_credit.training import batching, imitation, state, update
from rl_credit.training.agent import Agent
from rl_credit.training.imitation import Imitation
from tests.training import tiny

TASKS = 6
LEARNT = Imitation(epochs=40, batch=3, learning_rate=1e-2, warmup=5, weight_decay=0.0)
SHORT = Imitation(epochs=2, batch=2, learning_rate=1e-2, warmup=1, weight_decay=0.0)


@pytest.fixture(scope="module")
def agent():
    """Of a world in which the room's number says which word wins."""
    world = agents.opened(tiny.small(demonstrations=TASKS))
    with world.pool:
        words = agents.tokenizer(world, tiny.folder("imitation"))
        decoder, placement, _ = agents.decoder(world.settings, words)
        yield Agent(world, words, decoder, placement)


def beginning(agent):
    """First parameters, a new copy every time: an update uses up what it is given."""
    return agents.decoder(agent.world.settings, agent.words)[2]


def shown(agent):
    """The walkthroughs as rows."""
    episodes = agent.world.guided(agent.words)
    longest = max(len(episode.steps) for episode in episodes)
    ones = np.ones((len(episodes), longest), np.float32)
    return batching.rows(episodes, ones, grown=False)


def imitated(agent, rows, how, seed=0):
    """The parameters afterwards, and the losses on the way."""
    told = []
    begin = state.init(beginning(agent), how.optimiser(len(rows)))
    run = functools.partial(imitation.imitate, agent.decoder, begin, rows, how)
    options = dict(placement=agent.placement, tokens=8, tell=told.append)
    done = run(jax.random.key(seed), **options)
    assert int(done.updates) == how.updates(len(rows)) == len(told)
    return done.params, [seen["loss"] for seen in told]


def success(agent, params):
    """The share of the demonstrated tasks that the greedy policy wins."""
    tasks = list(agent.world.routes)
    key, how = jax.random.key(1), Sampling(0.0)
    episodes = agent.play(params, key, tasks, attempts=1, how=how)
    return np.mean([episode.won for episode in episodes])


def equal(one, other):
    """Whether two trees hold the same bits."""
    leaves = map(jax.tree.leaves, (one, other))
    return all(jnp.array_equal(a, b) for a, b in zip(*leaves, strict=True))


def test_walkthroughs_are_learnt_until_greedy_play_wins_every_task(agent):
    assert {tuple(route) for route in agent.world.routes.values()} == {
        ("red",),
        ("blue",),
        ("gold",),
    }
    rows = shown(agent)
    assert len(rows) == TASKS
    params, losses = imitated(agent, rows, LEARNT)
    assert losses[0] > 2.0 and np.mean(losses[-4:]) < 0.1
    assert success(agent, beginning(agent)) < 0.5
    assert success(agent, params) == 1.0


def test_the_loss_is_minus_the_mean_log_likelihood(agent):
    rows = shown(agent)
    _, losses = imitated(agent, rows, Imitation(1, TASKS, 1e-2, 0, 0.0))
    before = beginning(agent)
    logps = [
        np.asarray(update.score(agent.decoder, before, batch, 1.0)[0])[batch.trained]
        for batch in batching.microbatches(rows, 8)
    ]
    assert losses == pytest.approx([-np.concatenate(logps).mean()], rel=1e-5)


def test_the_same_key_gives_the_same_bits_and_another_order_others(agent):
    rows = shown(agent)
    params, losses = imitated(agent, rows, SHORT)
    again, same = imitated(agent, rows, SHORT)
    other, different = imitated(agent, rows, SHORT, seed=1)
    assert equal(params, again) and losses == same
    assert not equal(params, other) and losses != different


def test_every_pass_takes_every_row_and_a_last_short_batch_counts():
    how = Imitation(epochs=4, batch=4, learning_rate=1e-3, warmup=0, weight_decay=0.0)
    assert how.updates(9) == 4 * 3 == how.optimiser(9).updates
    assert how.updates(8) == 4 * 2
