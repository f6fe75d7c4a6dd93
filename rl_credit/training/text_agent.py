"""A language agent learns a text world: a run, from its settings to its files."""

import contextlib
import dataclasses
import functools
import pathlib
import time

import jax
import jax.numpy as jnp
import numpy as np
import tqdm

from rl_credit.models.decoder import Params
from rl_credit.runtime import hosts, metrics, preemption, records
from rl_credit.runtime.checkpoint import Checkpoints
from rl_credit.runtime.errors import blamed_on
from rl_credit.runtime.records import RESULT
from rl_credit.training import agent as agents
from rl_credit.training import batching, evaluate, imitation
from rl_credit.training.agent import Agent
from rl_credit.training.ledger import EPISODES, WARM_UP, imitated
from rl_credit.training.settings import Settings
from rl_credit.training.sources import Sources
from rl_credit.training.text_iteration import (
    IMITATE,
    TRANSCRIPTS,
    Learner,
    Scalars,
    iterated,
    judged,
    key_of,
)
from rl_credit.training.trajectories import column

PANEL = "panel.json"


def train(settings: Settings, workdir: pathlib.Path) -> None:
    """Does what the settings say, or goes on with it; writes everything to `workdir`.

    That is metrics.jsonl, TensorBoard events, transcripts.jsonl (of one task a step,
    with the credit of every turn), episodes.jsonl and warm_up.json (see `ledger`),
    panel.json, checkpoints, and at the end result.json. A run that was killed goes on
    after its last checkpoint, and ends as one that was not.

    Raises UserError, before anything is trained, for settings that no run can have, and
    Preempted after SIGTERM, when the step under way is done and saved.
    """
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        with blamed_on("config"):
            agent, params = opened(settings, workdir, stack)
            extras = Sources.made(agent)
        # Only now, so that a config nobody can run leaves no trace of itself.
        records.prepare(workdir, dataclasses.asdict(settings))
        hosts.wait("prepared")
        records.write_json(workdir / PANEL, dataclasses.asdict(agent.world.panel))
        agents.keep(agent.words, workdir)
        save = settings.save
        checkpoints = Checkpoints(workdir, keep=save.keep, best=save.best)
        stack.enter_context(checkpoints)
        start, learner = begun(agent, extras, params, checkpoints, workdir)
        del params  # the learner has copies; these need not be held for all the run
        writer = stack.enter_context(metrics.Writer(workdir, start))
        files = {
            name: stack.enter_context(metrics.Lines(workdir / name, start))
            for name in (TRANSCRIPTS, EPISODES)
        }
        notice = stack.enter_context(preemption.noticed())
        last = settings.train.steps
        bar = stack.enter_context(tqdm.tqdm(total=last, initial=start))
        seen = {"seconds/start": time.monotonic() - began}  # games, warm-up
        for step in range(start, last):
            seen |= judged(agent, learner, step, bar, checkpoints)
            learner, more, told = iterated(agent, extras, learner, step, bar)
            writer.write(step, seen | more)
            for name, lines in told.items():
                files[name].write(step, lines)
            bar.update()
            due = (step + 1) % settings.save.every == 0
            notice.after(step, last, due, checkpoints, learner)
            seen = {}
        seen |= judged(agent, learner, last, bar, checkpoints)
        writer.write(last, seen)
    if jax.process_index() == 0:  # the others have no metrics.jsonl
        records.write_json(workdir / RESULT, evaluate.result(workdir))


def opened(
    settings: Settings, workdir: pathlib.Path, stack: contextlib.ExitStack
) -> tuple[Agent, Params]:
    """The agent and its first parameters; `stack` closes what it plays in.

    Raises what no run can have.
    """
    check_hosts(settings)
    world = agents.opened(settings)
    stack.enter_context(world.pool)
    words = agents.tokenizer(world, workdir)
    agents.check_prompts(world, words)
    decoder, placement, params = agents.decoder(settings, words)
    return Agent(world, words, decoder, placement), params


def check_hosts(settings: Settings) -> None:
    """Raises ValueError where there is not a task for every host."""
    count, given = jax.process_count(), settings.train.tasks
    if given % count or settings.env.held_out < count:
        raise ValueError(
            f"train.tasks={given}, env.held_out={settings.env.held_out} and {count} "
            "processes: give a multiple of the processes, and at least as many"
        )


def begun(
    agent: Agent,
    extras: Sources,
    params: Params,
    checkpoints: Checkpoints,
    workdir: pathlib.Path,
) -> tuple[int, Learner]:
    """The step to go on with and what to carry: of the last checkpoint, or new."""
    settings, placement = agent.world.settings, agent.placement
    latest = checkpoints.latest()
    if latest is None and agent.world.routes:
        with placement.learns():
            params = warmed_up(agent, params, workdir)
    policy = placement.begun(params, settings.train.optimiser)
    reference = jax.tree.map(jnp.copy, params) if settings.loss.kl else {}
    none = placement.initialised(functools.partial(jnp.zeros, (), jnp.int32))
    learner = Learner(policy, reference, none, none, extras.init(params))
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
    made = batching.rows(shown, ones, grown=settings.play.history is None)
    rows = imitation.learned(made, how)
    records.write_json(workdir / WARM_UP, imitated(shown, rows, how))
    start = agent.placement.begun(params, how.optimiser(len(rows)))
    with tqdm.tqdm(total=how.updates(len(rows)), desc="imitating") as bar:

        def tell(seen: Scalars) -> None:
            bar.set_postfix(loss=f"{seen['loss']:.3f}", refresh=False)
            bar.update()

        done = imitation.imitate(
            agent.decoder,
            start,
            rows,
            how,
            key_of(settings, IMITATE, 0),
            placement=agent.placement,
            tokens=settings.train.tokens,
            tell=tell,
        )
    return done.params
