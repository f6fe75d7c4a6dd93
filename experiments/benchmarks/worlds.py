"""The pool of environments, and an iteration of the main job by its phases."""

import functools
import pathlib
import tempfile
from collections.abc import Iterator, Sequence

import jax
import numpy as np

from configs.text import textworld as config
from experiments.benchmarks.timing import Case
from rl_credit.envs import make
from rl_credit.envs.pool import Pool
from rl_credit.envs.text import textworld
from rl_credit.envs.text.turn import TextEnv
from rl_credit.rollout import turns
from rl_credit.rollout.episodes import Episode
from rl_credit.rollout.speakers import Guide
from rl_credit.runtime.sections import sections
from rl_credit.training import agent as agents
from rl_credit.training import batching, state, update
from rl_credit.training.agent import Agent
from rl_credit.training.settings import Settings
from rl_credit.training.trajectories import trajectories

WORKERS, SLOTS, STEPS = 2, 16, 40
GAME = dict(kind="coin_collector", levels=(105, 105), tasks=1, step_limit=STEPS + 1)
SIZE: dict[str, int] = dict(train=16, held_out=1)


def pool() -> Iterator[Case]:
    """All slots of a pool against one environment that does a worker's share."""
    textworld.prepare(GAME, [0], seed=0, workers=1)
    shared = Pool("textworld", GAME, workers=WORKERS, seed=0)
    single = make.make("textworld", **GAME, seed=0)
    share = SLOTS // WORKERS
    yield Case(
        "pool of TextWorld",
        f"{WORKERS} workers, {SLOTS} slots, {STEPS} steps",
        functools.partial(_pooled, shared),
        "one environment, a worker's share",
        functools.partial(_alone, single, share),
        ">= 0.9",
    )
    shared.close()
    single.close()


def _pooled(shared: Pool) -> float:
    """Letters seen in an episode, the mean over slots."""
    shared.reset([0] * SLOTS)
    letters = 0
    for _ in range(STEPS):
        for turn in shared.step(["look"] * SLOTS):
            letters += len(turn.observation)  # type: ignore[union-attr]
    return letters / SLOTS


def _alone(single: TextEnv, share: int) -> float:
    letters = 0
    for _ in range(share):
        single.reset(0)
        letters += sum(len(single.step("look").observation) for _ in range(STEPS))
    return letters / share


def iteration() -> Iterator[Case]:
    """What an iteration of `make train` spends its time on, before any learning."""
    given = config.full()
    settings = sections(Settings, given | dict(env=given["env"] | SIZE))
    world = agents.opened(settings)
    with world.pool, tempfile.TemporaryDirectory() as folder:
        words = agents.tokenizer(world, pathlib.Path(folder))
        decoder, placement, params = agents.decoder(settings, words)
        agent = Agent(world, words, decoder, placement)
        play = functools.partial(_played, agent, params)
        episodes = play()
        size = f"{len(episodes)} episodes, {sum(len(e.steps) for e in episodes)} turns"
        follow = functools.partial(_followed, agent, episodes)
        yield Case("play", size, functools.partial(_count, play), "none: the whole")
        yield Case("environments alone", size, follow, "none: part of play")
        yield Case("credit", size, _credit(settings, episodes), "none", goal="<= 0.5%")
        for name, work in _updates(agent, params, episodes):
            yield Case(name, size, work, "none")


def _played(agent: Agent, params) -> list[Episode]:
    settings = agent.world.settings
    return agent.play(
        params,
        jax.random.key(0),
        agent.world.panel.train,
        attempts=settings.train.attempts,
        how=settings.play.sampling,
    )


def _count(play) -> int:
    return sum(len(episode.steps) for episode in play())


def _followed(agent: Agent, episodes: Sequence[Episode]) -> int:
    """The same actions again, without a decoder to choose them."""
    rules = agent.world.settings.play.rules
    routes = {n: [step.text for step in e.steps] for n, e in enumerate(episodes)}
    again = turns.play(
        agent.world.pool,
        lambda rows: _ByNumber(agent.words, routes, rules.prompts.format),
        agent.words,
        rules,
        [episode.task for episode in episodes],
    )
    return sum(len(episode.steps) for episode in again)


class _ByNumber(Guide):
    """A guide whose routes are those of episodes, not of tasks."""

    def answer(self, asked):
        return [self._say(self._routes[a.episode][a.turn]) for a in asked]


def _credit(settings: Settings, episodes: Sequence[Episode]):
    credit = settings.credit

    def work() -> np.ndarray:
        batch = trajectories(episodes, credit.anchors.states(episodes))
        return np.asarray(credit.estimator(batch, **credit.knobs))

    return work


def _updates(agent: Agent, params, episodes: Sequence[Episode]):
    settings = agent.world.settings
    advantages = np.ones((len(episodes), settings.play.turns), np.float32)
    rows = batching.rows(episodes, advantages, grown=False)
    batches = batching.microbatches(rows, settings.train.tokens)
    optimiser, objective = settings.train.optimiser, settings.loss.objective(1.0)
    yield "log-probabilities", lambda: [
        update.score(agent.decoder, params, batch, 1.0) for batch in batches
    ]

    def work():
        start = state.init(jax.tree.map(np.copy, params), optimiser)
        return update.step(agent.decoder, objective, optimiser, start, batches)[0]

    yield "update", work
