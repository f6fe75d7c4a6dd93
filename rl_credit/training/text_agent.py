"""A language agent learns a text world: play, credit, update, and again."""

import contextlib
import dataclasses
import pathlib
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tqdm
from jaxtyping import Array, Int

from rl_credit.models.decoder import Params
from rl_credit.rollout.episodes import transcript
from rl_credit.runtime import metrics, records
from rl_credit.runtime.checkpoint import Checkpoints
from rl_credit.runtime.errors import blamed_on
from rl_credit.training import agent as agents
from rl_credit.training import batching, collect, evaluate, imitation, state, update
from rl_credit.training.agent import Agent, Tell
from rl_credit.training.batching import Row
from rl_credit.training.collect import Collected
from rl_credit.training.ledger import EPISODES, WARM_UP, imitated, line
from rl_credit.training.settings import Settings
from rl_credit.training.sources import Sources, States
from rl_credit.training.state import TrainState
from rl_credit.training.trajectories import column
from rl_credit.types import Trajectories, record

TRANSCRIPTS, RESULT, PANEL = "transcripts.jsonl", "result.json", "panel.json"
ORDER, PLAY, JUDGE, IMITATE = range(4)  # what random numbers are drawn for
Scalars = dict[str, float]


@record
class Learner:
    """What a run carries from step to step, and a checkpoint holds."""

    policy: TrainState
    reference: Any  # frozen parameters; {} where the loss compares with none
    handed: Int[Array, ""]  # tasks handed out so far
    extras: States  # of the sources that the estimator needs; see `sources`


def train(settings: Settings, workdir: pathlib.Path) -> None:
    """Does what the settings say, or goes on with it; writes everything to `workdir`.

    That is metrics.jsonl, TensorBoard events, transcripts.jsonl (of one task a step,
    with the credit of every turn), episodes.jsonl and warm_up.json (see `ledger`),
    panel.json, checkpoints, and at the end result.json. A run that was killed goes on
    after its last checkpoint, and ends as one that was not.

    Raises UserError, before anything is trained, for settings that no run can have.
    """
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        with blamed_on("config"):
            world = agents.opened(settings)
            stack.enter_context(world.pool)
            words = agents.tokenizer(world, workdir)
            agents.check_prompts(world, words)
            decoder, params = agents.decoder(settings.model, words, settings.seed)
            agent = Agent(world, words, decoder)
            extras = Sources.made(agent)
        # Only now, so that a config nobody can run leaves no trace of itself.
        records.prepare(workdir, dataclasses.asdict(settings))
        records.write_json(workdir / PANEL, dataclasses.asdict(world.panel))
        agents.keep(words, workdir)
        checkpoints = Checkpoints(workdir, keep=settings.save.keep)
        stack.enter_context(checkpoints)
        start, learner = begun(agent, extras, params, checkpoints, workdir)
        writer = stack.enter_context(metrics.Writer(workdir, start))
        files = {
            name: stack.enter_context(metrics.Lines(workdir / name, start))
            for name in (TRANSCRIPTS, EPISODES)
        }
        last = settings.train.steps
        bar = stack.enter_context(tqdm.tqdm(total=last, initial=start))
        seen = {"seconds/start": time.monotonic() - began}  # games, warm-up
        for step in range(start, last):
            seen |= judged(agent, learner, step, bar)
            learner, more, told = iterated(agent, extras, learner, step, bar)
            writer.write(step, seen | more)
            for name, lines in told.items():
                files[name].write(step, lines)
            if (step + 1) % settings.save.every == 0 or step + 1 == last:
                checkpoints.save(step + 1, learner, {})
            bar.update()
            seen = {}
        writer.write(last, seen | judged(agent, learner, last, bar))
    records.write_json(workdir / RESULT, evaluate.result(workdir))


def begun(
    agent: Agent,
    extras: Sources,
    params: Params,
    checkpoints: Checkpoints,
    workdir: pathlib.Path,
) -> tuple[int, Learner]:
    """The step to go on with and what to carry: of the last checkpoint, or new."""
    settings = agent.world.settings
    latest = checkpoints.latest()
    if latest is None and agent.world.routes:
        params = warmed_up(agent, params, workdir)
    policy = state.init(params, settings.train.optimiser)
    reference = jax.tree.map(jnp.copy, params) if settings.loss.kl else {}
    handed = jnp.zeros((), jnp.int32)
    learner = Learner(policy, reference, handed, extras.init(params))
    if latest is not None:
        return latest, checkpoints.restore(latest, learner)[0]
    checkpoints.save(0, learner, {})
    return 0, learner


def warmed_up(agent: Agent, params: Params, workdir: pathlib.Path) -> Params:
    """Parameters that imitate the walkthroughs; `workdir` is told what that took."""
    settings = agent.world.settings
    how = settings.imitation
    shown = agent.world.guided(agent.words)
    ones = column(shown, lambda step: 1.0, np.float32)
    rows = batching.rows(shown, ones, grown=settings.play.history is None)
    records.write_json(workdir / WARM_UP, imitated(shown, rows, how))
    start = state.init(params, how.optimiser(len(rows)))
    with tqdm.tqdm(total=how.updates(len(rows)), desc="imitating") as bar:

        def tell(seen: Scalars) -> None:
            bar.set_postfix(loss=f"{seen['loss']:.3f}", refresh=False)
            bar.update()

        done = imitation.imitate(
            agent.decoder,
            start,
            rows,
            how,
            _key(settings, IMITATE, 0),
            tokens=settings.train.tokens,
            tell=tell,
        )
    return done.params


def judged(agent: Agent, learner: Learner, step: int, bar: tqdm.tqdm) -> Scalars:
    """Success on the held-out tasks before a step, where it is due."""
    settings = agent.world.settings
    how, last = settings.evaluate, step == settings.train.steps
    if step and not last and not (how.every and step % how.every == 0):
        return {}
    began = time.monotonic()
    episodes = agent.play(
        learner.policy.params,
        _key(settings, JUDGE, step),
        agent.world.panel.held_out,
        attempts=how.attempts,
        how=how.sampling,
        tell=_told(bar, "evaluating"),
    )
    report = evaluate.report(episodes)
    bar.write(f"step {step}, held-out tasks: {report}")
    took = {"seconds/evaluate": time.monotonic() - began}
    return report.scalars("held_out") | took


def iterated(
    agent: Agent, extras: Sources, learner: Learner, step: int, bar: tqdm.tqdm
) -> tuple[Learner, Scalars, dict[str, list[dict]]]:
    """One iteration: the learner after it, what was seen, and lines by file."""
    times = [time.monotonic()]
    collected = collected_at(agent, learner, step, _told(bar, "playing"))
    times.append(time.monotonic())
    states, batch, learned = extras.update(
        learner.extras, learner.policy.params, collected.episodes
    )
    advantages = assessed(agent.world.settings, collected, batch)
    times.append(time.monotonic())
    bar.set_description("updating")
    policy, scalars = improved(agent, learner, collected, advantages, step)
    times.append(time.monotonic())
    names = ("seconds/play", "seconds/credit", "seconds/update")
    scalars |= dict(zip(names, np.diff(times).tolist()))
    report = evaluate.report(collected.episodes)
    scalars |= report.scalars("train") | collected.scalars() | learned
    bar.set_postfix_str(f"success {report.success:.0%}, invalid {report.invalid:.0%}")
    first = collected.episodes[0].group
    shown = [
        transcript(episode, credit.tolist())
        for episode, credit in zip(collected.episodes, advantages)
        if episode.group == first
    ]
    told = {TRANSCRIPTS: shown, EPISODES: [line(collected, advantages)]}
    handed = learner.handed + collected.handed
    return Learner(policy, learner.reference, handed, states), scalars, told


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
        _key(settings, PLAY, step),
        agent.world.panel.train,
        seed=settings.seed,
        start=int(learner.handed),
        count=settings.train.tasks,
        resample=settings.train.resample,
    )


def assessed(
    settings: Settings, collected: Collected, batch: Trajectories
) -> np.ndarray:
    """The advantage of every turn, [episodes, most turns].

    A turn without a valid action loses `credit.invalid_penalty`, on its own: it is not
    part of the return, so no other turn pays for it.
    """
    credit = settings.credit
    advantages = np.asarray(credit.estimator(batch, **credit.knobs))
    invalid = column(collected.episodes, lambda step: not step.valid, np.float32)
    return advantages - credit.invalid_penalty * invalid


def improved(
    agent: Agent,
    learner: Learner,
    collected: Collected,
    advantages: np.ndarray,
    step: int,
) -> tuple[TrainState, Scalars]:
    """The policy after the updates of a step, and the means of what was seen.

    Rows that teach nothing, their advantages being 0, are left out of sum and weight.
    """
    settings = agent.world.settings
    how, temperature = settings.train, settings.play.temperature
    objective = settings.loss.objective(temperature)
    grown = settings.play.history is None
    rows = batching.rows(collected.episodes, advantages, grown=grown)
    if not (objective.kl or objective.entropy):
        rows = batching.informative(rows)
    policy, seen = learner.policy, []
    for epoch in range(how.epochs):
        key = jax.random.fold_in(_key(settings, ORDER, step), epoch)
        order = np.asarray(jax.random.permutation(key, len(rows)))
        for chosen in np.array_split(order, min(how.minibatches, len(rows) or 1)):
            batches = _batches(agent, learner.reference, [rows[i] for i in chosen])
            if not batches:
                continue
            policy, scalars = update.step(
                agent.decoder, objective, how.optimiser, policy, batches
            )
            seen.append(scalars)
    names = seen[0] if seen else ()
    means = {name: np.mean([one[name] for one in seen]).item() for name in names}
    said = sum(len(row.said) for row in rows)
    return policy, means | {"rows": float(len(rows)), "tokens": float(said)}


def _batches(agent: Agent, reference: Any, rows: list[Row]) -> list:
    """Microbatches, with the log-probabilities of the reference if there is one."""
    settings = agent.world.settings
    batches = batching.microbatches(rows, settings.train.tokens)
    if not reference:
        return batches
    temperature = settings.play.temperature or 1.0
    return [
        dataclasses.replace(
            batch,
            ref_logps=update.score(agent.decoder, reference, batch, temperature)[0],
        )
        for batch in batches
    ]


def _key(settings: Settings, purpose: int, step: int):
    """The key of a purpose at a step; nothing random is carried."""
    key = jax.random.fold_in(jax.random.key(settings.seed), purpose)
    return jax.random.fold_in(key, step)


def _told(bar: tqdm.tqdm, doing: str) -> Tell:
    """Shows how many episodes have ended, and how many of them were won."""

    def tell(ended: int, won: int) -> None:
        bar.set_description(f"{doing}: {ended} ended, {won} won")

    return tell
