"""Every estimator finds the fields it needs, or says at once that it cannot."""

import dataclasses
import shutil

import jax
import numpy as np
import pytest

from rl_credit.credit.estimators import ESTIMATORS
from rl_credit.rollout.episodes import Episode, Step
from rl_credit.rollout.sampling import Sampling
from rl_credit.runtime.errors import UserError
from rl_credit.runtime.sections import sections
from rl_credit.training import agent as agents
from rl_credit.training import greedy, source, text_agent, walkthroughs
from rl_credit.training.settings import Settings
from rl_credit.training.source import Played
from rl_credit.training.sources import SOURCES, Sources
from tests.training import spoken, tiny

TREES = {name for name, e in ESTIMATORS.items() if "parents" in e.needs}
# One estimator for each set of fields that a source fills, and both reward models.
CLASSES = {
    e.needs: name
    for name, e in ESTIMATORS.items()
    if name not in TREES and source.needed(name, e.needs)
}
NAMES = sorted({*CLASSES.values(), "oprl", "prime"})
SEEN = {  # what a source tells of itself
    "critic": "critic/loss",
    "greedy": "greedy/score",
    "reward_model": "reward_model/pairs",
    "walkthroughs": "walkthroughs/matches",
}


def needed(name):
    return source.needed(name, ESTIMATORS[name].needs)


def test_all_fields_have_a_source_but_those_of_trees():
    assert TREES == {"spo_tree", "spo_tree_scaled"}
    assert set(source.FIELDS.values()) == {source.EPISODES, *SOURCES}
    for name in ESTIMATORS.keys() - TREES:
        assert set(needed(name)) <= SOURCES.keys()
    assert needed("gae") == ("critic",) and needed("gigpo") == needed("grpo") == ()


@pytest.mark.parametrize("name", sorted(TREES))
def test_trees_are_refused_by_the_settings(name):
    with pytest.raises(UserError, match=f"'{name}' needs .*parents.*'spo_chain'"):
        tiny.small(credit__name=name)


@pytest.mark.parametrize("name", NAMES)
def test_an_estimator_of_every_kind_trains(tmp_path, name):
    tiny.trained(tmp_path, credit__name=name, train__steps=2)
    first, second, last = tiny.metrics(tmp_path)
    for line in (first, second):
        assert np.isfinite(line["loss"])
        assert {s for s, told in SEEN.items() if told in line} == set(needed(name))
    assert last["step"] == 2 and "held_out/success" in last


def test_a_resumed_run_is_the_unbroken_one(tmp_path):
    how = dict(credit__name="prime", train__steps=2)  # it carries the most
    whole = tiny.trained(tmp_path / "whole", **how)
    broken = shutil.copytree(whole, tmp_path / "broken")
    shutil.rmtree(broken / "checkpoints" / "2")  # as if it was killed before
    tiny.trained(broken, **how)
    tiny.assert_same_end(broken, whole)
    carried = tiny.carried(whole)
    assert any("reward_model" in name and "reference" in name for name in carried)


def step(action, reward=0.0):
    return Step("seen", "seen", [1], [2], [0.0], "text", action, reward)


def episode(group, *rewards, failure=None):
    steps = [step("go", reward) for reward in rewards]
    return Episode(group, group, steps, terminated=True, failure=failure)


def test_a_baseline_is_the_greedy_return_or_the_mean_of_the_group():
    played = [episode(0, 0.0, 1.0), episode(0, 0.0), episode(4, 2.0), episode(4, 0.5)]
    best = {0: episode(0, 0.5, 1.0), 4: episode(4, 9.0, failure="crash")}
    for discount in (1.0, 0.5):
        expected = [0.5 + discount] * 2 + [1.25] * 2
        actual = greedy.baselines(played, best, discount=discount)
        np.testing.assert_array_equal(actual, np.float32(expected))
    best[0] = episode(0, failure="hang")
    actual = greedy.baselines(played, best, discount=0.5)
    np.testing.assert_array_equal(actual, np.float32([0.25, 0.25, 1.25, 1.25]))


@pytest.fixture(scope="module")
def playing():
    """An agent in its world, and its parameters."""
    world = agents.opened(tiny.small(model__tokenizer="bytes", credit__name="remax"))
    with world.pool:
        words = agents.ByteTokenizer()
        decoder, placement, params = agents.decoder(world.settings, words)
        yield agents.Agent(world, words, decoder, placement), params


def test_greedy_episodes_are_of_the_policy_that_played(playing):
    agent, params = playing
    tasks = agent.world.panel.train[:2]
    episodes = agent.play(
        params, jax.random.key(0), tasks, attempts=2, how=Sampling(1.0)
    )
    made = Sources.made(agent)
    states, batch, seen = made.update(
        made.init(params), Played(params, episodes, spoken.packed(episodes))
    )
    assert states == {"greedy": {}}
    best = agent.play(params, jax.random.key(5), tasks, attempts=1, how=Sampling(0.0))
    scores = np.repeat([one.score for one in best], 2)
    np.testing.assert_allclose(batch.baselines, scores, rtol=1e-6)
    assert seen["greedy/score"] == pytest.approx(scores.mean())
    assert seen["greedy/turns"] == sum(len(one.steps) for one in best)
    assert seen["greedy/said"] == sum(one.tokens for one in best) > 0


def test_a_turn_matches_while_the_walkthrough_is_followed():
    def matches(*actions, route=("go north", "take key", "go east")):
        own = Episode(0, 0, [step(action) for action in actions])
        return walkthroughs.matches(own, route)

    assert matches("go north", "take key", "go east") == [True] * 3
    assert matches("GO  north ", "take key") == [True] * 2
    assert matches("go north", "go east", "go east") == [True, False, False]
    assert matches(None, "take key") == [False, False]
    assert matches("go north", "take key", "go east", "look") == [True] * 3 + [False]
    assert matches("go north", route=()) == [False]


def test_guides_match_their_walkthroughs(playing):
    agent, params = playing
    settings = tiny.small(model__tokenizer="bytes", credit__name="ui_s1")
    world = dataclasses.replace(agent.world, settings=settings)
    made = Sources.made(dataclasses.replace(agent, world=world))
    shown = world.guided(agent.words)
    _, batch, seen = made.update(
        made.init(params), Played(params, shown, spoken.packed(shown))
    )
    np.testing.assert_array_equal(batch.matches, batch.where)
    assert seen == {"walkthroughs/matches": 1.0}


def test_an_environment_without_walkthroughs_is_refused_before_anything_is_played(
    tmp_path,
):
    given = tiny.small(
        credit__name="ui_s1",
        env__options={"silent": True},
        model__tokenizer="bytes",
        demonstrations=0,
        play__window=64,
    )
    with pytest.raises(ValueError, match="'ui_s1' compares with walkthroughs.*Rooms"):
        text_agent.train(given, tmp_path)
    assert not (tmp_path / "metrics.jsonl").exists()


def test_numbers_that_a_critic_cannot_have_are_refused():
    for field, value in (("epochs", 0), ("trace", 1.5), ("value_clip", 0.0)):
        config = tiny.config(**{f"critic__{field}": value})
        with pytest.raises(UserError, match=f"{field}={value}"):
            sections(Settings, config)
