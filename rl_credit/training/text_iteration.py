"""One iteration of the text agent: play, credit, update; and its judgement."""

import dataclasses
import time
from typing import Any

import jax
import numpy as np
import optax
import tqdm
from jaxtyping import Array, Int

from rl_credit.rollout.episodes import transcript
from rl_credit.runtime import hosts
from rl_credit.runtime.checkpoint import Checkpoints
from rl_credit.training import anchoring, batching, collect, evaluate, shards, update
from rl_credit.training.agent import Agent, Tell
from rl_credit.training.anchoring import States
from rl_credit.training.batching import Row
from rl_credit.training.collect import Collected
from rl_credit.training.guards import blamed
from rl_credit.training.ledger import EPISODES, line
from rl_credit.training.settings import Settings
from rl_credit.training.source import Played
from rl_credit.training.sources import Sources
from rl_credit.training.sources import States as Carried
from rl_credit.training.state import TrainState
from rl_credit.training.trajectories import column, trajectories
from rl_credit.types import TokenBatch, Trajectories, record

TRANSCRIPTS = "transcripts.jsonl"
ORDER, PLAY, JUDGE, IMITATE = range(4)  # what random numbers are drawn for
Scalars = dict[str, float]


@record
class Learner:
    """What a run carries from step to step, and a checkpoint holds."""

    policy: TrainState
    reference: Any  # frozen parameters; {} where the loss compares with none
    handed: Int[Array, ""]  # tasks handed out so far
    skipped: Int[Array, ""]  # updates skipped in a row, up to now
    extras: Carried  # of the sources that the estimator needs; see `sources`


def judged(
    agent: Agent,
    learner: Learner,
    step: int,
    bar: tqdm.tqdm,
    checkpoints: Checkpoints,
) -> Scalars:
    """Success on the held-out tasks before a step, where it is due.

    The learner is offered to the checkpoints, as one that may be the best.
    """
    settings = agent.world.settings
    how, last = settings.evaluate, step == settings.train.steps
    if step and not last and not (how.every and step % how.every == 0):
        return {}
    began = time.monotonic()
    episodes = agent.play(
        learner.policy.params,
        key_of(settings, JUDGE, step),
        hosts.own(agent.world.panel.held_out),
        attempts=how.attempts,
        how=how.sampling,
        tell=told(bar, "evaluating"),
    )
    report = evaluate.report(episodes)
    bar.write(f"step {step}, held-out tasks: {report}")
    took = {"seconds/evaluate": time.monotonic() - began}
    checkpoints.offer(step, learner, report.success)
    return report.scalars("held_out") | took


def iterated(
    agent: Agent, extras: Sources, learner: Learner, step: int, bar: tqdm.tqdm
) -> tuple[Learner, Scalars, dict[str, list[dict]]]:
    """One iteration: the learner after it, what was seen, and lines by file."""
    times = [time.monotonic()]
    collected = collected_at(agent, learner, step, told(bar, "playing"))
    episodes, settings = collected.episodes, agent.world.settings
    settings.guard.check_episodes([*episodes, *collected.dropped])
    times.append(time.monotonic())
    states = settings.credit.anchors.states(episodes)
    played = Played(learner.policy.params, episodes, trajectories(episodes, states))
    with agent.placement.learns():
        carried, batch, learned = extras.update(learner.extras, played)
    advantages = assessed(agent, collected, batch)
    times.append(time.monotonic())
    bar.set_description("updating")
    with agent.placement.learns():
        policy, skipped, scalars = improved(agent, learner, collected, advantages, step)
    times.append(time.monotonic())
    names = ("seconds/play", "seconds/credit", "seconds/update")
    scalars |= dict(zip(names, np.diff(times).tolist()))
    report = evaluate.report(episodes)
    scalars |= report.scalars("train") | collected.scalars() | learned
    scalars |= anchoring.scalars(episodes, states)
    bar.set_postfix_str(f"success {report.success:.0%}, invalid {report.invalid:.0%}")
    handed = learner.handed + collected.handed
    after = Learner(policy, learner.reference, handed, skipped, carried)
    return after, scalars, written(collected, advantages, states)


def written(
    collected: Collected, advantages: np.ndarray, states: States
) -> dict[str, list[dict]]:
    """Lines by file: the attempts at the first task, and a line of all episodes, one
    for each host."""
    episodes = collected.episodes
    shown = [
        transcript(episode, credit.tolist(), own)
        for episode, credit, own in zip(episodes, advantages, states)
        if episode.group == episodes[0].group
    ]
    lines = hosts.told([line(collected, advantages, states)])
    return {TRANSCRIPTS: shown, EPISODES: lines}


def collected_at(agent: Agent, learner: Learner, step: int, tell: Tell) -> Collected:
    """The episodes of a step."""
    settings = agent.world.settings

    def play(key, tasks):
        return agent.play(
            learner.policy.params,
            key,
            tasks,
            attempts=settings.train.attempts,
            how=settings.play.sampling,
            tell=tell,
        )

    return collect.collect(
        play,
        key_of(settings, PLAY, step),
        agent.world.panel.train,
        seed=settings.seed,
        start=int(learner.handed),
        count=settings.train.tasks,
        resample=settings.train.resample,
    )


def assessed(agent: Agent, collected: Collected, batch: Trajectories) -> np.ndarray:
    """The advantage of every turn, [episodes, most turns].

    A turn without a valid action loses `credit.invalid_penalty`, on its own: it is not
    part of the return, so no turn before it pays for it. Where `credit.penalise` is
    "score", the estimator takes it off the turn's scores before it compares them.
    """
    credit, mesh = agent.world.settings.credit, agent.placement.mesh
    invalid = column(collected.episodes, lambda step: not step.valid, np.float32)
    penalties: Any = credit.invalid_penalty * invalid
    by_score = credit.penalise == "score"
    if by_score:
        batch = dataclasses.replace(batch, penalties=penalties)
    advantages = shards.advantages(credit.estimator, batch, mesh, **credit.knobs)
    return advantages if by_score else advantages - penalties


def improved(
    agent: Agent,
    learner: Learner,
    collected: Collected,
    advantages: np.ndarray,
    step: int,
) -> tuple[TrainState, Int[Array, ""], Scalars]:
    """The policy after the updates of a step, how many were skipped in a row up to
    then, and the means of what was seen.

    Rows that teach nothing, their advantages being 0, are left out of sum and weight.

    Raises UserError where the guard says so.
    """
    settings = agent.world.settings
    how, objective = settings.train, settings.objective
    grown = settings.play.history is None
    rows = batching.rows(collected.episodes, advantages, grown=grown)
    if not (objective.kl or objective.entropy):
        rows = batching.informative(rows)
    most = int(hosts.largest(np.asarray(len(rows))))
    policy, skipped, seen = learner.policy, learner.skipped, []
    for epoch in range(how.epochs):
        key = jax.random.fold_in(key_of(settings, ORDER, step), epoch)
        order = np.asarray(jax.random.permutation(key, len(rows)))
        for chosen in np.array_split(order, min(how.minibatches, most or 1)):
            taken = [rows[i] for i in chosen]
            batches = microbatches(agent, learner.reference, taken)
            if not batches:
                continue
            policy, scalars = update.step(
                agent.decoder, objective, how.optimiser, policy, batches
            )
            skipped = (skipped + 1) * int(scalars["skipped"])
            seen.append(scalars)
            if scalars["skipped"]:
                found = poisonous(agent, learner.reference, policy, taken)
                tqdm.tqdm.write(f"step {step}: an update is skipped: {blamed(found)}")
                settings.guard.check_updates(int(skipped), found)
    names = seen[0] if seen else ()
    means = {name: np.mean([one[name] for one in seen]).item() for name in names}
    said = sum(len(row.said) for row in rows)
    return policy, skipped, means | {"rows": float(len(rows)), "tokens": float(said)}


def microbatches(agent: Agent, reference: Any, rows: list[Row]) -> list[TokenBatch]:
    """Of all hosts, with the log-probabilities of the reference if there is one."""
    settings = agent.world.settings
    batches = agent.placement.microbatches(rows, settings.train.tokens)
    if not reference:
        return batches
    temperature = settings.objective.temperature
    return [
        dataclasses.replace(
            batch,
            ref_logps=update.score(agent.decoder, reference, batch, temperature)[0],
        )
        for batch in batches
    ]


def poisonous(
    agent: Agent, reference: Any, policy: TrainState, rows: list[Row]
) -> list[int]:
    """The tasks, of all hosts, whose own rows have no finite gradient."""
    everyones = hosts.joined(np.asarray([row.task for row in rows], np.int64))
    objective, found = agent.world.settings.objective, []
    for task in np.unique(everyones).tolist():
        own = [row for row in rows if row.task == task]
        batches = microbatches(agent, reference, own)
        sums = update.summed(agent.decoder, objective, policy.params, batches)
        if not np.isfinite(optax.tree.norm(sums.gradient)):
            found.append(task)
    return found


def key_of(settings: Settings, purpose: int, step: int):
    """The key of a purpose at a step; nothing random is carried."""
    key = jax.random.fold_in(jax.random.key(settings.seed), purpose)
    return jax.random.fold_in(key, step)


def told(bar: tqdm.tqdm, doing: str) -> Tell:
    """Shows how many episodes have ended, and how many of them were won."""

    def tell(ended: int, won: int) -> None:
        bar.set_description(f"{doing}: {ended} ended, {won} won")

    return tell
