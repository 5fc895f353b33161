"""The runner: attempts become rollouts, so many at a time, wherever they are run; each is kept as it ends.

Attempts are made when there is room for them, and none is held once it is kept, so memory does not grow with their number.
"""

from __future__ import annotations

import heapq
import itertools
import queue
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from sandbox import episodes
from sandbox.agents import Agent
from sandbox.box import Caps, Sandbox
from sandbox.episodes import Attempt
from sandbox.harnesses import Harness, RollOut
from sandbox.overdue import Overdue, Watch
from sandbox.spending import FREE, UNBOUNDED, Budget, Prices, Spent
from specs import rows
from specs.progress import Advance, silent
from specs.records import Rollout, Usage
from specs.store import Store

STAGE = "rollout"
FAILED = "rollout-error"  # how attempts failed that nothing else is known of; each is tried again by the next run
LOOK_S = 1.0  # between looks at what is not told of
LONGEST_PAUSE_S = 300.0
GRACE_S = 900.0  # beyond a task's seconds: longer than an endpoint has for an answer


class Executor(Protocol):
    """Where attempts are run. All of it is called from one thread."""

    def room(self) -> int:
        """How many more attempts can be begun now."""

    def begin(self, attempt: Attempt) -> None:
        """Run the attempt; there is room for it."""

    def ended(self, timeout_s: float) -> list[Ended]:
        """What has ended since the last call, each attempt begun once; waits so long for the first.

        Raises BoundaryError where nothing can be run any more.
        """


@dataclass(frozen=True)
class Ended:
    """A rollout as it is handed over: packed where it was made, for one thread keeps those of all machines."""

    id: str
    status: str
    usage: Usage
    packed: bytes


Opened = AbstractContextManager[Executor]


@dataclass(frozen=True)
class Rules:
    """How hard a run tries: tries after an error, seconds before the first of them (doubling), the budget and the prices it is in."""

    retries: int = 0
    backoff_s: float = 0.0
    budget: Budget = UNBOUNDED
    prices: Prices = FREE


@dataclass(frozen=True)
class Done:
    """What a run came to: ids of the rollouts that there are now, and of those not run for want of budget; what was spent."""

    there: frozenset[str]
    not_run: frozenset[str]
    spent: Spent


def pause_s(attempt: str, tries: int, backoff_s: float) -> float:
    """Seconds before an attempt that has failed `tries` times is tried again: doubling, at most five minutes, and by its id up to
    half more or less, so that those which failed together do not come again together."""
    share = int(attempt[:8], 16) / 0x100000000
    return float(min(backoff_s * 2 ** (tries - 1), LONGEST_PAUSE_S) * (0.5 + share))


def ended(rollout: Rollout) -> Ended:
    """A rollout, packed."""
    return Ended(rollout.id, rollout.status, rollout.usage, rows.packed(rollout))


def within(roll_out: RollOut, grace_s: float, watch: Watch[Rollout]) -> Callable[[Attempt], Ended]:
    """`roll_out`, but none goes on for more than `grace_s` beyond its task's seconds: its box is ended and it has failed in the harness."""

    def bounded(attempt: Attempt) -> Ended:
        try:
            return ended(watch.call(lambda: roll_out(attempt), attempt.limits.seconds + grace_s))
        except Overdue as error:
            return ended(episodes.failed(attempt, "harness", str(error)))
        except Exception as error:  # a harness's own fault: recorded and counted, and the others go on
            return ended(episodes.failed(attempt, "harness", f"{type(error).__name__}: {error}"))

    return bounded


@contextmanager
def local(agent: Agent, harness: Harness, caps: Caps, sandbox: Sandbox, workers: int, grace_s: float = GRACE_S) -> Iterator[Executor]:
    """Threads of this process; what they are at is given up when the context ends."""
    watch = Watch[Rollout]()
    with harness.opened(agent, caps, sandbox) as roll_out, ThreadPoolExecutor(workers, "rollout") as threads:
        try:
            yield _Threads(threads, within(roll_out, grace_s, watch), workers)
        finally:
            watch.stop()


class _Threads:
    def __init__(self, threads: ThreadPoolExecutor, roll_out: Callable[[Attempt], Ended], workers: int):
        self._threads, self._roll_out, self._room = threads, roll_out, workers
        self._ended: queue.SimpleQueue[Future[Ended]] = queue.SimpleQueue()

    def room(self) -> int:
        return self._room

    def begin(self, attempt: Attempt) -> None:
        self._room -= 1
        self._threads.submit(self._roll_out, attempt).add_done_callback(self._ended.put)

    def ended(self, timeout_s: float) -> list[Ended]:
        found = []
        try:
            found.append(self._ended.get(timeout=timeout_s).result())
            while True:
                found.append(self._ended.get_nowait().result())
        except queue.Empty:
            self._room += len(found)
            return found


def run(attempts: Iterator[Attempt], opened: Opened, store: Store, rules: Rules, advance: Advance = silent) -> Done:
    """Run the attempts that the store lacks, and keep each as it ends: under STAGE, or what failed for good under FAILED.

    The executor is opened for the first of them. Raises BoundaryError where nothing more can be run, or kept.
    """
    planned: list[str] = []
    missing = _missing(attempts, store, planned, advance)
    first = next(missing, None)
    if first is None:
        return Done(frozenset(planned), frozenset(), Spent())
    todo = itertools.chain([first], missing)
    with opened as executor:
        work = _Run(executor, store, rules, advance, todo)
        work.finish()
    not_run = frozenset(attempt.id for attempt in work.left())
    return Done(frozenset(planned) - not_run, not_run, work.spent)


def _missing(attempts: Iterator[Attempt], store: Store, planned: list[str], advance: Advance) -> Iterator[Attempt]:
    """Those that the store lacks; the ids of all are noted as they pass."""
    for attempt in attempts:
        planned.append(attempt.id)
        if any(store.missing(STAGE, [attempt.id])):
            yield attempt
        else:
            advance(kept=True)


@dataclass
class _Try:
    """An attempt under way, or waiting to be tried again: how often it has failed, and how the last time."""

    attempt: Attempt
    failures: int = 0
    last: bytes = b""  # the packed rollout


class _Run:
    def __init__(self, executor: Executor, store: Store, rules: Rules, advance: Advance, attempts: Iterator[Attempt]):
        self._executor, self._store, self._rules, self._advance = executor, store, rules, advance
        self._attempts, self._next = attempts, next(attempts, None)
        self._running: dict[str, _Try] = {}
        self._waiting: list[tuple[float, str, _Try]] = []  # a heap by the time at which each is due
        self.spent = Spent()

    def finish(self) -> None:
        """Run the attempts to their ends, or until the budget is reached: then what is under way is finished."""
        while self._running or self._waiting or (self._next and not self._broke()):
            for _ in range(self._executor.room()):
                tried = self._due() or self._fresh()
                if tried is None:
                    break
                self._running[tried.attempt.id] = tried
                self._executor.begin(tried.attempt)
            for rollout in self._executor.ended(self._patience_s()):
                self._ended(rollout)
            if self._broke():
                self._give_up()

    def left(self) -> Iterator[Attempt]:
        """The attempts that were not begun."""
        return itertools.chain([self._next] if self._next else [], self._attempts)

    def _due(self) -> _Try | None:
        """What is to be tried again by now."""
        ready = self._waiting and self._waiting[0][0] <= time.monotonic() and not self._broke()
        return heapq.heappop(self._waiting)[2] if ready else None

    def _fresh(self) -> _Try | None:
        """A new attempt, unless the budget is spent, or as many wait to be tried again as can run."""
        if self._next is None or self._broke() or len(self._waiting) >= len(self._running) + self._executor.room():
            return None
        tried, self._next = _Try(self._next), next(self._attempts, None)
        return tried

    def _ended(self, rollout: Ended) -> None:
        tried = self._running.pop(rollout.id)
        self.spent = self.spent.plus(rollout.usage)
        if rollout.status != "error":
            self._store.put_packed(STAGE, rollout.id, rollout.packed)
            self._advance(self.spent.said(self._rules.prices))
            return
        tried.failures, tried.last = tried.failures + 1, rollout.packed
        if tried.failures > self._rules.retries:
            self._record(tried)
        else:
            due = time.monotonic() + pause_s(rollout.id, tried.failures, self._rules.backoff_s)
            heapq.heappush(self._waiting, (due, rollout.id, tried))

    def _record(self, tried: _Try) -> None:
        """Record an attempt as it failed last."""
        self._store.put_packed(FAILED, tried.attempt.id, tried.last, replace=True)
        self._advance(self.spent.said(self._rules.prices))

    def _give_up(self) -> None:
        """What waits to be tried again has failed, then."""
        for _, _, tried in self._waiting:
            self._record(tried)
        self._waiting.clear()

    def _broke(self) -> bool:
        return self.spent.reached(self._rules.budget, self._rules.prices)

    def _patience_s(self) -> float:
        """Seconds to wait for an end: until there is something to begin, at most."""
        if not self._waiting or not self._executor.room():
            return LOOK_S
        return min(max(self._waiting[0][0] - time.monotonic(), 0.0), LOOK_S)
