"""Every estimator in every process, cell by cell; none that is finished again."""

import dataclasses
import functools
import io
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import tqdm

from rl_credit.credit import estimators
from rl_credit.fidelity import case as cases
from rl_credit.fidelity import learn, mdps, policies, score
from rl_credit.fidelity.case import Case
from rl_credit.fidelity.feed import Feed, How
from rl_credit.fidelity.plan import Plan, plan
from rl_credit.fidelity.process import Process
from rl_credit.fidelity.score import Room
from rl_credit.ops import buckets
from rl_credit.runtime import programs

PLAIN = "grpo"  # needs nothing but episodes: budgets are counted in its own
PROCESSES = "processes.json"


@dataclasses.dataclass(frozen=True)
class Chosen:
    """A process of `mdps.PROCESSES` with options of its own."""

    name: str
    options: dict[str, Any] = dataclasses.field(hash=False)


@dataclasses.dataclass(frozen=True)
class Variant:
    """An estimator with other options, beside the one by its own name."""

    estimator: str
    options: dict[str, Any] = dataclasses.field(hash=False)


@dataclasses.dataclass(frozen=True)
class Scoring:
    """Scores at one policy. Budgets are what so many plain episodes cost."""

    seeds: int
    warmup: int  # batches that sources learn from before
    budgets: tuple[int, ...]  # in episodes; the last is the one of the tables
    share: float  # of what there is to learn that the policy has learned

    def __post_init__(self):
        if self.seeds < 2 * score.BLOCKS:
            least = 2 * score.BLOCKS
            raise ValueError(f"seeds is {self.seeds}; intervals need {least} or more")
        if not self.budgets or min(self.budgets) < 1:
            raise ValueError(f"budgets is {self.budgets}; give numbers of 1 or more")
        policies.check_share(self.share)


@dataclasses.dataclass(frozen=True)
class Learning:
    """Policies that learn, by updates of one batch and one step of Adam each."""

    seeds: int
    updates: int  # 0: none learns
    budget: int  # of an update, in plain episodes
    rate: float
    share: float  # as in `Scoring`, of the policy that they start from

    def __post_init__(self):
        policies.check_share(self.share)


@dataclasses.dataclass(frozen=True)
class Sweep:
    """What is scored, and how."""

    name: str  # of the report
    out: str  # folder of the documents that the report also goes to; "": none
    processes: dict[str, Chosen] = dataclasses.field(hash=False)  # by a name of yours
    estimators: tuple[str, ...]  # and variants, by name; none: every one
    variants: dict[str, Variant] = dataclasses.field(hash=False)  # by a name of yours
    pictured: tuple[str, ...]  # estimators and variants that are drawn
    options: dict[str, dict] = dataclasses.field(hash=False)  # by estimator
    sources: How
    scores: Scoring
    learning: Learning
    seed: int

    def __post_init__(self):
        if not self.known:
            raise ValueError("processes is empty; give one or more")
        for name in (*self.pictured, *self.options):
            self.variant(name)
        self.plans()

    @functools.cached_property
    def known(self) -> dict[str, Process]:
        """The processes, by the names of the sweep."""
        chosen = self.processes.items()
        return {label: mdps.named(one.name, **one.options) for label, one in chosen}

    def plans(self) -> dict[str, Plan]:
        """By name; those with the same batches come one after another."""
        chosen = self.estimators or (*estimators.ESTIMATORS, *self.variants)
        every = {name: self.plan(name) for name in chosen}
        feeds = list(dict.fromkeys(one.feed for one in every.values()))
        return dict(sorted(every.items(), key=lambda item: feeds.index(item[1].feed)))

    def plan(self, name: str) -> Plan:
        """Of one estimator or variant."""
        one = self.variant(name)
        return plan(estimators.named(one.estimator), one.options, self.sources)

    def variant(self, name: str) -> Variant:
        """What is meant by a name; an estimator's has the options of its entry."""
        if name in self.variants:
            return self.variants[name]
        return Variant(estimators.named(name).name, self.options.get(name, {}))

    def settings(self, process: str, estimator: str) -> str:
        """What the numbers of a cell depend on, as JSON."""
        of_it = dict(
            process=dataclasses.asdict(self.processes[process]),
            estimator=[*vars(self.variant(estimator)).values()],
            sources=dataclasses.asdict(self.sources),
            scores=dataclasses.asdict(self.scores),
            learning=dataclasses.asdict(self.learning),
            seed=self.seed,
        )
        return json.dumps(of_it, sort_keys=True)


@dataclasses.dataclass(frozen=True)
class Priced:
    """A case, and what a plain episode costs in it."""

    case: Case
    episode: float

    def room(self, feed: Feed, episodes: int) -> Room:
        """What as many plain episodes cost affords, in a size of few."""
        count = score.afforded(feed, self.case, episodes * self.episode)
        return Room(buckets.bucket(max(count, 1)), count)


@dataclasses.dataclass(frozen=True)
class Ready:
    """A process with the policies that are scored, and that learning starts from."""

    scored: Priced
    first: Priced
    before: float  # return of the first policy
    best: float  # of exact ascent from the uniform policy


def run(sweep: Sweep, workdir: pathlib.Path) -> Iterator[tuple[str, str]]:
    """Scores what is not yet scored; yields process and estimator of every cell."""
    known = sweep.known
    _described(known, workdir)
    to = cases.sizes(known)
    ready = functools.cache(lambda label: _ready(sweep, known[label], to[label]))
    cells = [(label, name) for name in sweep.plans() for label in known]
    bar = tqdm.tqdm(cells, desc=sweep.name, unit="cell")
    for label, name in bar:
        bar.set_postfix_str(f"{name} in {label}")
        if not finished(sweep, workdir, label, name):
            found = _cell(sweep, sweep.plan(name), ready(label))
            _save(path(workdir, label, name), found, sweep.settings(label, name))
            programs.make_room()
        yield label, name


def path(workdir: pathlib.Path, process: str, estimator: str) -> pathlib.Path:
    """Where the numbers of a cell are."""
    return workdir / "cells" / process / f"{estimator}.npz"


def finished(sweep: Sweep, workdir: pathlib.Path, process: str, estimator: str) -> bool:
    """Whether there are numbers of these very settings."""
    file = path(workdir, process, estimator)
    if not file.is_file():
        return False
    with np.load(file) as known:
        return str(known["settings"]) == sweep.settings(process, estimator)


def _ready(sweep: Sweep, process: Process, to: cases.Sizes) -> Ready:
    plain = sweep.plan(PLAIN).feed

    def priced(share: float) -> Priced:
        case = cases.case(process, policies.halfway(process, share=share), to)
        return Priced(case, score.price(plain, case))

    scored, first = priced(sweep.scores.share), priced(sweep.learning.share)
    begun, ceiling = policies.uniform(process), np.float32(np.inf)
    best = policies.climb(process.tables, begun, ceiling, process.horizon).best
    before = learn.expected(first.case, first.case.logits)
    return Ready(scored, first, float(before), float(best))


def _cell(sweep: Sweep, one: Plan, at: Ready) -> dict[str, Any]:
    """The numbers of one estimator in one process."""
    how = sweep.scores
    found: dict[str, Any] = dict(before=at.before, best=at.best)
    for budget in how.budgets:
        room = at.scored.room(one.feed, budget)
        found[f"{budget}/afforded"] = room.afforded
        if room.afforded:
            scored = score.scores(
                one,
                at.scored.case,
                room,
                seeds=how.seeds,
                warmup=how.warmup,
                seed=sweep.seed,
            )
            found |= {f"{budget}/{k}": v for k, v in score.host(scored).items()}
    learning = sweep.learning
    room = at.first.room(one.feed, learning.budget)
    if room.afforded and learning.updates:
        found["returns"] = learn.returns(
            one,
            at.first.case,
            room,
            seeds=learning.seeds,
            updates=learning.updates,
            rate=learning.rate,
            seed=sweep.seed + 1,
        )
        looks = found["returns"].shape[1]
        found["updates"] = np.arange(1, looks + 1) * (learning.updates // looks)
    return found


def _described(known: dict[str, Process], workdir: pathlib.Path) -> None:
    """Writes what the report says of the processes."""
    workdir.mkdir(parents=True, exist_ok=True)
    each = {
        label: dict(
            exposes=process.exposes,
            states=process.num_states,
            actions=process.num_actions,
            observations=process.num_observations,
            tasks=process.num_tasks,
            horizon=process.horizon,
        )
        for label, process in known.items()
    }
    (workdir / PROCESSES).write_text(json.dumps(each, indent=1) + "\n")


def _save(file: pathlib.Path, found: dict[str, Any], settings: str) -> None:
    """At once or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {name: np.asarray(value) for name, value in found.items()}
    np.savez_compressed(buffer, settings=np.asarray(settings), **arrays)
    partial = file.with_suffix(".partial")
    partial.write_bytes(buffer.getvalue())
    partial.replace(file)
