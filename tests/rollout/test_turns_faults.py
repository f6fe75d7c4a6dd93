"""What faults of environments cost a rollout: their own episodes, and nothing else."""

import collections
import dataclasses

import pytest

from rl_credit.rollout import turns
from rl_credit.rollout.prompts import Prompts
from rl_credit.rollout.turns import Rules
from tests.envs import misbehaving, playing
from tests.envs.playing import SEED
from tests.rollout import tiny

CAUSES = {"hang": "hang", "exit": "death", "raise": "error"}


def struck(kinds, routes):
    """Task -> (its kind of failure, the steps until then), where it gets that far."""
    faults = {task: misbehaving.fault(SEED, task, kinds) for task in routes}
    return {
        task: (CAUSES[kind], at)
        for task, (kind, at) in faults.items()
        if kind and at <= len(routes[task])
    }


def first(count, kinds):
    """The walkthroughs of the first tasks, of which so many will fail."""
    routes = {}
    while len(lost := struck(kinds, routes)) < count:
        routes |= tiny.walks([len(routes)])
    return routes, lost


def bare(steps):
    """Steps without log-probabilities, which depend on shapes in the last digits."""
    return [dataclasses.replace(step, logps=[]) for step in steps]


def compare(heard, plain, lost):
    """Asserts that the episodes in `lost` failed, and that others are as they were."""
    for episode, whole in zip(heard, plain, strict=True):
        kind, steps = lost.get(episode.task, (None, 0))
        assert episode.failure == kind
        if kind is None:
            assert bare(episode.steps) == bare(whole.steps)
            assert dataclasses.replace(episode, steps=whole.steps) == whole
            continue
        assert not (episode.won or episode.terminated or episode.overlong)
        done, known = bare(episode.steps), bare(whole.steps[:steps])
        assert done[:-1] == known[:-1]
        if steps:  # the last action was never paid
            assert done[-1] == dataclasses.replace(known[-1], reward=0.0)
        assert len(done) == steps


@pytest.mark.slow
def test_sixty_hangs_and_crashes_leave_the_other_episodes_alone():
    kinds = (*["exit", "", "exit", "exit"] * 4, "hang")
    routes, lost = first(60, kinds)
    speaker = tiny.guide(tiny.BYTES, routes)
    with playing.pool() as pool:
        plain = turns.play(pool, speaker, tiny.BYTES, Rules(), list(routes))
    assert all(episode.won for episode in plain)
    told = []
    with playing.faulty(kinds, step_timeout=1.0) as pool:
        heard = turns.play(
            pool,
            speaker,
            tiny.BYTES,
            Rules(),
            list(routes),
            tell=lambda *counts: told.append(counts),
        )
        counted = collections.Counter(kind for kind, _ in lost.values())
        assert pool.failures == counted and counted["hang"] >= 3
        assert pool.restarted == counted.total() == 60
    compare(heard, plain, lost)
    assert told[-1] == (len(routes), len(routes) - 60)
    assert {at for _, at in lost.values()} == set(range(6))  # from the reset on


@pytest.mark.parametrize(
    "make, prompts",
    [
        (tiny.alone, Prompts(history=1, admissible=False)),
        (tiny.conversation, Prompts(admissible=False)),
    ],
)
def test_what_a_decoder_says_elsewhere_stays_the_same(make, prompts):
    kinds = ("", "", "", "", "exit", "raise")
    tasks, rules = [2, 4, 3, 5, 2, 10], Rules(prompts, turns=3)  # of like length
    lost = struck(kinds, dict.fromkeys(tasks, range(rules.turns)))
    assert {kind for kind, _ in lost.values()} == {"death", "error"}
    with playing.pool() as pool:
        plain = turns.play(pool, make(), tiny.BYTES, rules, tasks, attempts=2)
    with playing.faulty(kinds) as pool:
        heard = turns.play(pool, make(), tiny.BYTES, rules, tasks, attempts=2)
        assert pool.failures.total() == 2 * len(lost)
    compare(heard, plain, lost)
    assert set(lost) == {4, 5, 10}
