"""Many text environments in worker processes that may hang or die without harm."""

import collections
import time
from collections.abc import Iterable, Mapping, Sequence
from multiprocessing import connection
from typing import Any

from rl_credit.envs.process import Process
from rl_credit.envs.slot import Failed, Slot
from rl_credit.envs.text.turn import Turn, check_task
from rl_credit.envs.worker import Broken, Job, Outcome, Ready


class PoolError(RuntimeError):
    """The pool cannot go on: its restarts are used up."""


class Pool:
    """Environments in slots 0, 1, ..., shared out over worker processes.

    Slot i lives in worker `i % workers`. A turn depends on the seed, the task and the
    actions alone, so the number of workers changes nothing. A worker steps its slots
    one after another and is sent one message a batch. When it hangs longer than
    `step_timeout` seconds in one step (or reset), or dies, the episode it was stepping
    is `Failed`; the others of that worker are played again, action by action, in a new
    one, so the environment must be deterministic: an episode that comes out different
    is `Failed` as well. An exception costs the episode that raised it, and no restart.

    Args:
        name: a name in `make.TEXT`, or the path "module:attribute" of a constructor.
        options: its options, without `seed`.
        workers: processes.
        seed: given to every environment as its option `seed`.
        step_timeout: seconds for one `step` or `reset`.
        restarts: how many workers may be replaced before `PoolError` is raised.
        start_timeout: seconds for a worker to import and build its first environment.

    Raises what the constructor of the environment raises.
    """

    def __init__(
        self,
        name: str,
        options: Mapping[str, Any],
        *,
        workers: int,
        seed: int,
        step_timeout: float = 60.0,
        restarts: int = 100,
        start_timeout: float = 120.0,
    ):
        _check(options, workers, step_timeout, restarts, start_timeout)
        self._name, self._options = name, {**options, "seed": seed}
        self._step_timeout, self._start_timeout = step_timeout, start_timeout
        self._restarts = restarts
        self.restarted = 0  # workers replaced so far
        self.failures: collections.Counter[str] = collections.Counter()  # by kind
        self.tasks = 0  # of the environment; known once the workers are ready
        self._slots: dict[int, Slot] = {}
        self._episodes = 0
        self._queues: list[list[Job]] = [[] for _ in range(workers)]
        self._running: list[list[Job]] = [[] for _ in range(workers)]
        self._starting = [True] * workers
        self._processes = [Process(name, self._options) for _ in range(workers)]
        try:
            while any(self._starting):
                self._pump()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def close(self) -> None:
        """Ends the workers; the pool is not used afterwards."""
        idle = {id(p): not self._busy(p) for p in self._processes}
        for process in self._processes:
            process.connection.close()  # all at once: they close their environments
        for process in self._processes:
            process.end(5.0 if idle[id(process)] else 0.0)
        self._processes = []

    def reset(self, tasks: Sequence[int]) -> list[Turn | Failed]:
        """Begins `tasks[i]` in slot i and waits for the first turns."""
        self.clear()
        slots = range(len(tasks))
        self.start(slots, tasks)
        return self.receive(slots)

    def clear(self) -> None:
        """Waits for what is under way, and forgets every slot."""
        self.receive([i for i, slot in self._slots.items() if slot.pending])
        self._slots = {}

    def step(self, actions: Sequence[str | None]) -> list[Turn | Failed]:
        """Does `actions[i]` in slot i and waits; None leaves a slot and repeats it."""
        given = {slot: text for slot, text in enumerate(actions) if text is not None}
        self.send(list(given), list(given.values()))
        return self.receive(range(len(actions)))

    def start(self, slots: Iterable[int], tasks: Iterable[int]) -> None:
        """Begins an episode in each slot, without waiting; IndexError: no such task."""
        pairs = _pairs(slots, tasks)
        for index, task in pairs:
            check_task(task, self.tasks)
            if index in self._slots and self._slots[index].pending:
                raise RuntimeError(f"slot {index} is under way: receive it first")
        for index, task in pairs:
            self._episodes += 1
            self._slots[index] = Slot(task, self._episodes)
            self._queue(Job(index, self._episodes, task, ()))
        self._dispatch()

    def send(self, slots: Iterable[int], actions: Iterable[str]) -> None:
        """Does one action in each slot, without waiting for it.

        While one half of the slots steps, the actions of the other can be made; let
        each half be contiguous, so that it keeps every worker busy.
        """
        pairs = _pairs(slots, actions)
        for index, _ in pairs:
            self._check_running(index)
        for index, action in pairs:
            slot = self._slots[index]
            if isinstance(slot.last, Failed):
                continue  # it failed since the caller last looked: `receive` says so
            slot.actions.append(action)
            slot.pending = True
            self._queue(Job(index, slot.episode, None, (action,)))
        self._dispatch()

    def receive(self, slots: Iterable[int]) -> list[Turn | Failed]:
        """Waits for the slots and gives the last result of each, in their order."""
        wanted = [self._slots[index] for index in slots]
        while any(slot.pending for slot in wanted):
            self._pump()
        results = []
        for slot in wanted:
            assert slot.last is not None
            slot.told = True
            results.append(slot.last)
        return results

    def _check_running(self, index: int) -> None:
        slot = self._slots.get(index)
        if slot is None:
            state = "was never begun"
        elif slot.pending:
            state = "is under way: receive it first"
        elif isinstance(slot.last, Failed) and slot.told:
            state = f"has failed ({slot.last.kind})"
        elif isinstance(slot.last, Turn) and slot.last.ended:
            state = "has ended"
        else:
            return
        raise RuntimeError(f"cannot step slot {index}: its episode {state}")

    def _check_open(self) -> None:
        if not self._processes:
            raise PoolError("the pool is closed: make a new one")

    def _busy(self, process: Process) -> bool:
        place = self._processes.index(process)
        return self._starting[place] or bool(self._running[place])

    def _queue(self, job: Job) -> None:
        self._queues[job.slot % len(self._queues)].append(job)

    def _dispatch(self) -> None:
        """Sends what waits to the workers that are free: one message each."""
        self._check_open()
        for place, queue in enumerate(self._queues):
            if queue and not self._running[place] and not self._starting[place]:
                self._running[place], self._queues[place] = queue, []
                if not self._processes[place].send(queue):
                    self._replace(place, "death", None)

    def _pump(self) -> None:
        """Waits for a message, a death or a timeout, and deals with it."""
        self._check_open()
        busy = [p for p in self._processes if self._busy(p)]
        wait = min(self._deadline(p) for p in busy) - time.monotonic()
        readable = connection.wait([p.connection for p in busy], max(wait, 0.0))
        for process in busy:
            place = self._processes.index(process)
            if process.connection in readable:
                self._read(place)
            elif time.monotonic() > self._deadline(process):
                self._replace(place, "hang", process.at_work[0])
        self._dispatch()

    def _deadline(self, process: Process) -> float:
        if self._starting[self._processes.index(process)]:
            return process.asked + self._start_timeout
        return process.at_work[1] + self._step_timeout

    def _read(self, place: int) -> None:
        message = self._processes[place].receive()
        if message is None:
            self._replace(place, "death", self._processes[place].at_work[0])
        elif isinstance(message, Broken):
            message.error.add_note(f"In a worker of the pool:\n{message.trace}")
            raise message.error
        elif isinstance(message, Ready):
            self.tasks = message.tasks
            self._starting[place] = False
        else:
            self._running[place] = []
            for outcome in message:
                self._settle(outcome)

    def _settle(self, outcome: Outcome) -> None:
        slot = self._slots.get(outcome.job.slot)
        if slot is None or slot.episode != outcome.job.episode:
            return  # played again for a caller who has begun another episode since
        if isinstance(slot.last, Failed):
            return  # while it was played again, with an action waiting behind
        if outcome.trace is not None:
            self._fail(slot, "error", f"the environment raised\n{outcome.trace}")
            return
        *before, now = outcome.turns
        new = slot.pending and slot.covered(outcome.job)
        known = before if new else [now]  # turns that were seen once already
        if known and slot.last is not None and known != [slot.last]:
            given = f"it gave {slot.last}, and played again {known[0]}"
            self._fail(slot, "replay", f"not deterministic: {given}")
        elif new:
            slot.settle(now)

    def _fail(self, slot: Slot, kind: str, reason: str) -> None:
        self.failures[kind] += 1
        slot.settle(Failed(kind, slot.task, reason))

    def _replace(self, place: int, kind: str, culprit: int | None) -> None:
        """Puts a new worker in the place of one that hangs or died."""
        what = {"hang": "timed out", "death": "died"}[kind]
        last = self._processes[place].autopsy(hangs=kind == "hang")
        reason = f"worker {place} {what}: {last}"
        for job in self._running[place]:
            slot = self._slots.get(job.slot)
            if slot is not None and (job.slot, job.episode) == (culprit, slot.episode):
                action = repr(slot.actions[-1]) if slot.actions else "reset"
                reason = f"{reason}\n(task {slot.task}, {action})"
                self._fail(slot, kind, reason)
        if self._starting[place] and not self.restarted:
            self._give_up(f"before its environment {self._name!r} was built, {reason}")
        if self.restarted == self._restarts:
            self._give_up(
                f"all {self._restarts} restarts of the pool of {self._name!r} are used "
                f"up; the last fault: {reason}\nLook there, allow for slow steps "
                f"(step_timeout={self._step_timeout}), or raise `restarts`"
            )
        self.restarted += 1
        self._processes[place] = Process(self._name, self._options)
        self._starting[place], self._running[place] = True, []
        own = [i for i in sorted(self._slots) if i % len(self._processes) == place]
        again = [(i, self._slots[i]) for i in own if self._slots[i].alive]
        self._queues[place] = [
            Job(i, slot.episode, slot.task, tuple(slot.actions)) for i, slot in again
        ]

    def _give_up(self, message: str) -> None:
        self.close()
        raise PoolError(message)


def _pairs(slots: Iterable[int], values: Iterable) -> list[tuple[int, Any]]:
    pairs = list(zip(slots, values, strict=True))
    if len(dict(pairs)) < len(pairs):
        raise ValueError(f"a slot is named twice: {[slot for slot, _ in pairs]}")
    return pairs


def _check(options, workers, step_timeout, restarts, start_timeout) -> None:
    if "seed" in options:
        raise TypeError("`seed` is an argument of the pool, not one of its options")
    if workers < 1 or restarts < 0:
        raise ValueError(
            f"workers={workers}, restarts={restarts}: at least 1 worker is needed, and "
            "restarts cannot be negative"
        )
    for name, value in dict(step=step_timeout, start=start_timeout).items():
        if value <= 0:
            raise ValueError(f"{name}_timeout is {value}; it must be a positive time")
