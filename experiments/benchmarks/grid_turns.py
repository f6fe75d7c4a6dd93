"""Language agents in Sokoban: one compiled program beside prompts made on the host."""

import functools
import pathlib
import tempfile
from collections.abc import Iterator

import jax

from configs.text import sokoban as config
from experiments.benchmarks.timing import Case
from rl_credit.models.decoder import Params
from rl_credit.rollout import grid_episodes, grid_turns, prompts, turns
from rl_credit.rollout.episodes import Episode
from rl_credit.rollout.speakers import Alone, Asked
from rl_credit.runtime.sections import sections
from rl_credit.training import agent as agents
from rl_credit.training.agent import Agent
from rl_credit.training.settings import Settings

TASKS, ATTEMPTS, TURNS = 64, 4, 5
DEMONSTRATIONS = 30


def cases() -> Iterator[Case]:
    """The same episodes on the device and on the host, and what each spends time on.

    The decoder is that of the main job and has learned nothing, so that it says as many
    tokens as it may and all rows play to the end.
    """
    given = config.full()
    env = given["env"] | dict(train=max(TASKS, DEMONSTRATIONS), held_out=1)
    changes = dict(env=env, demonstrations=DEMONSTRATIONS)
    changes["play"] = given["play"] | dict(turns=TURNS)
    settings = sections(Settings, given | changes)
    world = agents.opened(settings)
    with world.pool, tempfile.TemporaryDirectory() as folder:
        words = agents.tokenizer(world, pathlib.Path(folder))
        decoder, placement, params = agents.decoder(settings, words)
        agent = Agent(world, words, decoder, placement)
        stage = agent.stage
        assert stage is not None
        host = functools.partial(_host, agent, params)
        device = functools.partial(_device, agent, stage, params)
        size = f"{TASKS * ATTEMPTS} episodes, {TURNS} turns"
        share = lambda play: functools.partial(_count, play)  # noqa: E731
        yield Case("play", size, share(device), "host", share(host), ">= 5")
        outcome = _program(agent, stage, params)
        alone = functools.partial(_program, agent, stage, params)
        yield Case("the program alone", size, alone, "none: part of play")
        made = functools.partial(_made, agent, stage, outcome)
        yield Case("its episodes for the trainer", size, made, "none: part of play")
        for name, work in _parts(agent, params, host()):
            yield Case(name, size, work, "none: part of host")


def _tasks(agent: Agent) -> list[int]:
    return list(agent.world.panel.train[:TASKS])


def _program(agent: Agent, stage: grid_turns.Stage, params: Params):
    how = agent.world.settings.play.sampling
    key, tasks = jax.random.key(0), _tasks(agent)
    played = grid_turns.play(stage, params, key, tasks, attempts=ATTEMPTS, how=how)
    return jax.block_until_ready(played)


def _made(agent: Agent, stage: grid_turns.Stage, outcome) -> list[Episode]:
    return grid_episodes.episodes(stage, _tasks(agent), ATTEMPTS, outcome)


def _device(agent: Agent, stage: grid_turns.Stage, params: Params) -> list[Episode]:
    return _made(agent, stage, _program(agent, stage, params))


def _host(agent: Agent, params: Params) -> list[Episode]:
    settings = agent.world.settings.play
    voice = agent.voice(settings.sampling)
    return turns.play(
        agent.world.pool,
        lambda rows: Alone(voice, params, jax.random.key(0)),
        agent.words,
        settings.rules,
        _tasks(agent),
        attempts=ATTEMPTS,
    )


def _count(play) -> list[int]:
    """Turns, and tokens said, which must be the same on both sides."""
    episodes = play()
    return [sum(len(e.steps) for e in episodes), sum(e.tokens for e in episodes)]


def _parts(agent: Agent, params: Params, episodes: list[Episode]):
    """What the host does, without waiting for one another: decoder, words, worlds."""
    voice = agent.voice(agent.world.settings.play.sampling)
    halves = [range(0, len(episodes), 2), range(1, len(episodes), 2)]

    def decode() -> None:
        for turn in range(TURNS):
            for half in halves:
                rows = [(n, episodes[n]) for n in half if len(episodes[n].steps) > turn]
                asked = [
                    Asked(place, n, e.task, turn, e.steps[turn].prompt)
                    for place, (n, e) in enumerate(rows)
                ]
                Alone(voice, params, jax.random.key(0)).answer(asked)

    def tokenize() -> int:
        objective = episodes[0].steps[0].observation.split("\n")[0]
        texts = [f"{objective}\n{s.anchor}" for e in episodes for s in e.steps]
        return sum(len(prompts.opening(agent.words, text)) for text in texts)

    def step() -> int:
        pool, said = agent.world.pool, [list(e.steps) for e in episodes]
        pool.reset([e.task for e in episodes])
        for turn in range(TURNS):
            pool.step([s[turn].text if len(s) > turn else None for s in said])
        return len(said)

    return [("decoder", decode), ("words to tokens", tokenize), ("worlds", step)]
