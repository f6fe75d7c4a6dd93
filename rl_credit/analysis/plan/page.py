"""The plan of a run, as Markdown."""

import dataclasses
import functools
from collections.abc import Callable

import jax
from tqdm import tqdm

from rl_credit.analysis import documents
from rl_credit.analysis.plan import held, programs, roofline
from rl_credit.analysis.plan.devices import KINDS, Kind
from rl_credit.analysis.plan.held import ALWAYS, LEARNING, PLAYING, Part
from rl_credit.analysis.plan.hlo import Counted
from rl_credit.analysis.plan.job import Job
from rl_credit.analysis.plan.programs import Program, Spoken

CHUNK = 256  # places whose scores exist at a time: see `ops.logprobs`


@dataclasses.dataclass(frozen=True)
class Plan:
    """A job and what its programs were compiled to."""

    job: Job
    gradient: Program  # of a microbatch, with the job's own choice of `remat`
    other: Program  # with the other
    optimiser: Program
    generation: Spoken
    reference: Program | None  # where the loss compares with one

    @property
    def counted(self) -> dict[str, Counted]:
        """What each program does when it runs once."""
        spoken = roofline.spoken(self.job, self.generation.program.counted)
        found = {"generation": spoken, "gradient": self.gradient.counted}
        if self.reference is not None:
            found["reference"] = self.reference.counted
        return found | {"optimiser": self.optimiser.counted}


def planned(job: Job) -> Plan:
    """Compiles every program of the job: half a minute on two cores.

    Raises ValueError for a job that the run itself would refuse.
    """
    _check_tasks(job)
    steps: dict[str, Callable[[Job], Program | Spoken]] = {
        "gradient": programs.gradient,
        "other": functools.partial(programs.gradient, remat=not job.config.remat),
        "optimiser": programs.step,
        "generation": programs.generate,
    }
    if job.settings.loss.kl:
        steps["reference"] = programs.score
    found: dict = dict(reference=None)
    with tqdm(steps.items(), unit="program", leave=False) as progress:
        for name, compiled in progress:
            progress.set_postfix_str(name)
            found[name] = compiled(job)
    return Plan(job, **found)


def _check_tasks(job: Job) -> None:
    tasks, held_out = job.settings.train.tasks, job.settings.env.held_out
    if tasks % job.hosts or held_out < job.hosts:
        raise ValueError(
            f"train.tasks={tasks}, env.held_out={held_out} and {job.hosts} hosts: the "
            "run wants a multiple of the hosts, and at least as many; change "
            f"--config.train.tasks, say to {-(-tasks // job.hosts) * job.hosts}"
        )


def page(plan: Plan) -> str:
    """All of it."""
    parts = [_headline(plan.job), memory(plan), work(plan), devices(plan)]
    return "\n\n".join(parts) + "\n"


def _headline(job: Job) -> str:
    config = job.config
    count = sum(leaf.size for leaf in jax.tree.leaves(job.params))
    hosts = f"{job.hosts} host{'s' * (job.hosts > 1)} of {job.local} {job.kind.name}"
    return (
        f"{count / 1e9:.2f} billion parameters ({config.layers} layers of "
        f"{config.width}), mesh {job.data}x{job.model}, layout "
        f"{job.settings.devices.layout!r}: {hosts}. A microbatch is {job.rows} rows of "
        f"{job.length} tokens; {job.speaking} rows of a host speak at once, in "
        f"{job.settings.play.window} slots. GB are 1e9 bytes."
    )


def rows(plan: Plan) -> list[Part]:
    """What lies in a device's memory, and when."""
    spoken, learned = plan.generation, f"{_remat(plan, True)}, besides"
    talking = spoken.program.temporary + spoken.program.returned
    return [
        *held.parts(plan.job),
        Part("keys and values, as they are handed over", spoken.cache, PLAYING),
        Part("generation, besides", talking, PLAYING),
        Part(f"activations, logits, {learned}", _besides(plan.gradient), LEARNING),
    ]


def peaks(plan: Plan) -> dict[str, int]:
    """Bytes of one device by what it does."""
    found = {
        when: sum(part.size for part in rows(plan) if part.when in (ALWAYS, when))
        for when in (PLAYING, LEARNING)
    }
    stepping = found[LEARNING] - _besides(plan.gradient) + _besides(plan.optimiser)
    return found | {"while the optimiser steps": stepping}


def memory(plan: Plan) -> str:
    """A row a thing, a device's share and that of all devices."""
    count = plan.job.devices

    def row(name: str, size: int, when: str) -> list[str]:
        return [name, when, _giga(size), _giga(size * count)]

    lines = [row(part.name, part.size, part.when) for part in rows(plan)]
    lines += [row("**in all**", size, when) for when, size in peaks(plan).items()]
    chunk = 4 * _scores(plan.job)
    other = _remat(plan, False)
    lines += [
        row(f"*part: scores of {CHUNK} places, float32*", chunk, LEARNING),
        row(f"*not added: the same {other}*", _besides(plan.other), LEARNING),
    ]
    return documents.table(["memory", "when", "GB a device", "GB of all"], lines)


def work(plan: Plan) -> str:
    """A row a program: what one device does, and how long that takes at least."""
    kind, lines = plan.job.kind, []
    for name, one in plan.counted.items():
        bound = roofline.bound(one, kind)
        sent = {n: size for n, size in one.sent.items() if size > 5e6}
        said = ", ".join(f"{n} {_giga(size)}" for n, size in sent.items())
        seconds = f"{bound.seconds:.3f} ({bound.by})"
        done = f"{one.flops / 1e12:.2f}", f"{one.touched / 1e9:.1f}", said or "0"
        lines.append([name, *done, seconds])
    head = ["program, once", "TFLOP", "GB read and written", "GB sent"]
    return documents.table([*head, f"seconds on {kind.name} (roof)"], lines)


def devices(plan: Plan) -> str:
    """A row a kind whose hosts are as large: whether it fits, and the estimate."""
    job, lines = plan.job, []
    needed = max(peaks(plan).values())
    for kind in KINDS.values():
        if kind.host(job.devices) != job.local:
            continue
        share = needed / kind.memory
        fits = f"{share:.0%}{'' if share <= 1 else ', does not fit'}"
        took = roofline.iteration(job, plan.counted, kind)
        seconds = [f"{took.playing:.0f}", f"{took.learning:.0f}"]
        lines.append([kind.name, _giga(kind.memory), fits, *seconds, _peaks(kind)])
    head = ["device", "GB", "needed", "s playing", "s learning", "peaks, source"]
    how = job.settings.train
    return (
        f"{documents.table(head, lines)}\n\nAn estimate: an iteration of {how.tasks} "
        f"tasks x {how.attempts} attempts x {job.settings.play.turns} turns, all as "
        f"long as the config allows, {job.updates} updates of {job.microbatches} "
        "microbatches, everything at its roof, environments in no time."
    )


def _peaks(kind: Kind) -> str:
    return (
        f"{kind.flops / 1e12:.0f} TFLOP/s bfloat16, memory {kind.bandwidth / 1e9:.0f} "
        f"GB/s, links {kind.link / 1e9:.0f} GB/s ({kind.source})"
    )


def _remat(plan: Plan, own: bool) -> str:
    return "with remat" if plan.job.config.remat == own else "without remat"


def _besides(program: Program) -> int:
    return program.temporary + program.returned


def _scores(job: Job) -> int:
    """How many numbers are the scores of a chunk, on one device."""
    split = job.model if job.settings.devices.layout != "fully_sharded" else 1
    places = min(CHUNK, job.picks)
    return job.own_rows // job.blocks[0] * places * job.config.vocab // split


def _giga(size: float | int) -> str:
    return f"{size / 1e9:.2f}"
