"""A tiny decoder learns what demonstrations say."""

import dataclasses
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
RATE = dict(learning_rate=1e-2, weight_decay=0.0, reading=0.0)
LEARNT = Imitation(epochs=40, batch=3, warmup=5, **RATE)
SHORT = Imitation(epochs=2, batch=2, warmup=1, **RATE)


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
    _, losses = imitated(agent, rows, Imitation(1, TASKS, warmup=0, **RATE))
    before = beginning(agent)
    logps = [
        np.asarray(update.score(agent.decoder, before, batch, 1.0)[0])[batch.trained]
        for batch in batching.microbatches(rows, 8)
    ]
    assert losses == pytest.approx([-np.concatenate(logps).mean()], rel=1e-5)


def test_reading_adds_the_mean_likelihood_of_the_prompts(agent):
    one, how = shown(agent)[:1], Imitation(1, 1, warmup=0, **RATE | dict(reading=0.5))
    rows = imitation.learned(one, how)
    _, losses = imitated(agent, rows, how)
    [batch] = batching.microbatches([batching.read(one[0], 1.0)], 8)
    before = beginning(agent)
    logps = np.asarray(update.score(agent.decoder, before, batch, 1.0)[0])
    answered = np.isin(batch.said, one[0].said) & batch.trained
    asked = batch.trained & ~answered
    assert answered.sum() >= 1 and asked.sum() >= 1
    wanted = -logps[answered].mean() - 0.5 * logps[asked].mean()
    assert losses == pytest.approx([wanted], rel=1e-5)


def test_who_reads_learns_the_pages_too(agent):
    rows = shown(agent)
    [batch] = batching.microbatches([batching.read(row, 1.0) for row in rows], 512)
    asked = batch.trained.copy()
    for number, row in enumerate(sorted(rows, key=len)):
        asked[number, row.said - 1] = False

    def likelihood(how):
        params, _ = imitated(agent, imitation.learned(rows, how), how)
        logps = update.score(agent.decoder, params, batch, 1.0)[0]
        return np.asarray(logps)[asked].mean()

    reader = dataclasses.replace(SHORT, reading=1.0)
    assert likelihood(reader) > likelihood(SHORT) + 0.1


def test_the_same_key_gives_the_same_bits_and_another_order_others(agent):
    rows = shown(agent)
    params, losses = imitated(agent, rows, SHORT)
    again, same = imitated(agent, rows, SHORT)
    other, different = imitated(agent, rows, SHORT, seed=1)
    assert equal(params, again) and losses == same
    assert not equal(params, other) and losses != different


def test_every_pass_takes_every_row_and_a_last_short_batch_counts():
    how = Imitation(epochs=4, batch=4, warmup=0, **RATE)
    assert how.updates(9) == 4 * 3 == how.optimiser(9).updates
    assert how.updates(8) == 4 * 2


def test_what_is_read_cannot_weigh_less_than_nothing():
    with pytest.raises(ValueError, match="reading=-0.1"):
        dataclasses.replace(SHORT, reading=-0.1)
