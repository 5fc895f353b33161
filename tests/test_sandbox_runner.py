"""The runner: every attempt ends once and is kept, no more are held than there is room for, errors are tried again, a budget stops it."""

from __future__ import annotations

import itertools
import threading
import time
from argparse import Namespace
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from projects import numbered

from sandbox import episodes, rollout, runner
from sandbox.agents import Agent, scripted_agent
from sandbox.box import Box, BoxError, Caps, Sandbox, open_box
from sandbox.episodes import Attempt
from sandbox.harness import HARNESS, Completion
from sandbox.harnesses import BUILTIN, Harness, RollOut
from sandbox.overdue import Overdue, Watch, ending
from sandbox.runner import FAILED, STAGE, Rules
from sandbox.spending import Budget, Prices, Spent
from specs.records import File, Limits, Rollout, Service, Usage
from specs.store import Store

USED = Usage(90, 10, 1, 0)
ECHO = scripted_agent("echo", 0, [], [])


def attempt(n: int, seconds: int = 60) -> Attempt:
    return Attempt(numbered(n), "x", {"name": "x"}, {}, Limits(3, seconds, 100), Caps(), 0)


def ended(of: Attempt, status: str = "completed") -> Rollout:
    failed = replace(episodes.failed(of, "endpoint", "no"), usage=USED)
    return failed if status == "error" else replace(failed, status=status, error=None)


class Plays:
    """An executor in which attempt n fails so many times first. Notes the most that ran at once, and how often each was begun."""

    def __init__(self, slots: int, failures: dict[str, int]):
        self.slots, self.failures = slots, dict(failures)
        self.running: deque[Attempt] = deque()
        self.begun: Counter[str] = Counter()
        self.most = 0

    def room(self) -> int:
        return self.slots - len(self.running)

    def begin(self, of: Attempt) -> None:
        assert self.room() > 0
        self.running.append(of)
        self.begun[of.id] += 1
        self.most = max(self.most, len(self.running))

    def ended(self, timeout_s: float) -> list[runner.Ended]:
        if not self.running:
            return []
        of = self.running.popleft()
        self.failures[of.id] = self.failures.get(of.id, 0) - 1
        return [runner.ended(ended(of, "error" if self.failures[of.id] >= 0 else "completed"))]


@contextmanager
def a_store(folder: Path) -> Iterator[Store]:
    store = Store(folder / "store.sqlite")
    yield store
    store.close()


@settings(max_examples=40)
@given(st.lists(st.integers(0, 4), max_size=12), st.integers(1, 4), st.integers(0, 2))
def test_every_attempt_ends_once_however_they_fail(
    tmp_path_factory: pytest.TempPathFactory, fails: list[int], slots: int, tries: int
) -> None:
    attempts = [attempt(n) for n in range(len(fails))]
    plays = Plays(slots, {a.id: f for a, f in zip(attempts, fails, strict=True)})
    told: list[bool] = []
    with a_store(tmp_path_factory.mktemp("s")) as store:
        done = runner.run(iter(attempts), nullcontext(plays), store, Rules(tries), lambda said="", kept=False: told.append(kept))
        kept = {a.id for a in attempts if store.record(STAGE, a.id, Rollout)}
        failed = {a.id for a in attempts if store.record(FAILED, a.id, Rollout)}
    assert kept == {a.id for a, f in zip(attempts, fails, strict=True) if f <= tries}
    assert failed == {a.id for a in attempts} - kept
    assert plays.begun == {a.id: min(f, tries) + 1 for a, f in zip(attempts, fails, strict=True)}
    assert plays.most <= slots
    assert done.there == kept | failed and not done.not_run
    assert done.spent == Spent(90 * plays.begun.total(), 10 * plays.begun.total())
    assert told == [False] * len(fails)


@pytest.mark.parametrize("backoff_s", [0.0, 0.001])
def test_attempts_are_made_as_there_is_room_for_them(tmp_path: Path, backoff_s: float) -> None:
    """Also where each fails, and waits to be tried again."""
    made: list[str] = []
    over: Counter[str] = Counter()

    def making() -> Iterator[Attempt]:
        for n in range(100):
            made.append(attempt(n).id)
            assert len(made) - over.total() <= 2 * 4 + 2  # as many as run, as many that wait, one of each at hand
            yield attempt(n)

    with a_store(tmp_path) as store:
        plays = Plays(4, {attempt(n).id: 2 for n in range(100)})
        runner.run(making(), nullcontext(plays), store, Rules(1, backoff_s), lambda said="", kept=False: over.update(["x"]))
    assert len(made) == 100


def test_what_is_kept_is_not_run_again_and_the_executor_not_even_opened(tmp_path: Path) -> None:
    attempts = [attempt(n) for n in range(4)]
    told: list[bool] = []

    @contextmanager
    def never() -> Iterator[Plays]:
        raise AssertionError("opened")
        yield

    with a_store(tmp_path) as store:
        runner.run(iter(attempts[:2]), nullcontext(Plays(1, {})), store, Rules())
        plays = Plays(1, {})
        done = runner.run(iter(attempts), nullcontext(plays), store, Rules(), lambda said="", kept=False: told.append(kept))
        assert runner.run(iter(attempts), never(), store, Rules()).there == done.there == {a.id for a in attempts}
    assert set(plays.begun) == {a.id for a in attempts[2:]}
    assert told == [True, True, False, False]


def test_pauses_double_differ_and_are_always_the_same() -> None:
    ids = [attempt(n).id for n in range(200)]
    firsts = [runner.pause_s(i, 1, 2.0) for i in ids]
    assert firsts == [runner.pause_s(i, 1, 2.0) for i in ids]
    assert 1.0 <= min(firsts) < 1.2 and 2.8 < max(firsts) <= 3.0
    assert [runner.pause_s(ids[0], tries, 2.0) / firsts[0] for tries in (2, 3, 4)] == pytest.approx([2, 4, 8])
    assert runner.pause_s(ids[0], 60, 2.0) <= 1.5 * runner.LONGEST_PAUSE_S


def test_an_error_is_tried_again_no_sooner_than_after_its_pause(tmp_path: Path) -> None:
    times: list[float] = []

    class Timed(Plays):
        def begin(self, of: Attempt) -> None:
            times.append(time.monotonic())
            super().begin(of)

    with a_store(tmp_path) as store:
        runner.run(iter([attempt(0)]), nullcontext(Timed(1, {attempt(0).id: 2})), store, Rules(2, 0.1))
    waits = [after - before for before, after in itertools.pairwise(times)]
    assert all(wait >= runner.pause_s(attempt(0).id, n, 0.1) for n, wait in enumerate(waits, 1)) and len(waits) == 2


@pytest.mark.parametrize("budget", [Budget(tokens=450), Budget(money=0.00045)])
def test_a_budget_lets_what_is_under_way_finish_and_begins_nothing_more(tmp_path: Path, budget: Budget) -> None:
    attempts = [attempt(n) for n in range(20)]
    rules = Rules(budget=budget, prices=Prices(1.0, 1.0))
    with a_store(tmp_path) as store:
        done = runner.run(iter(attempts), nullcontext(Plays(3, {})), store, rules)
        assert done.spent.tokens == 700  # 5 reach it, and 2 more were under way
        assert done.there == {a.id for a in attempts[:7]} and done.not_run == {a.id for a in attempts[7:]}
        assert all(store.record(STAGE, i, Rollout) for i in done.there)
        again = runner.run(iter(attempts), nullcontext(Plays(3, {})), store, rules)  # each run has it anew
        assert again.there == {a.id for a in attempts[:14]}


def test_tries_that_fail_count_against_the_budget_and_are_not_made_once_it_is_spent(tmp_path: Path) -> None:
    plays = Plays(1, {attempt(0).id: 9})
    with a_store(tmp_path) as store:
        done = runner.run(iter([attempt(0), attempt(1)]), nullcontext(plays), store, Rules(8, budget=Budget(tokens=300)))
        assert store.record(FAILED, attempt(0).id, Rollout)
    assert plays.begun.total() == 3
    assert done.there == {attempt(0).id} and done.not_run == {attempt(1).id}


def local(roll_out: RollOut, workers: int, grace_s: float = 30.0) -> runner.Opened:
    @contextmanager
    def opened(agent: Agent, caps: Caps, sandbox: Sandbox) -> Iterator[RollOut]:
        yield roll_out

    return runner.local(ECHO, Harness(HARNESS, opened), Caps(), Sandbox(), workers, grace_s)


def test_a_rollout_that_hangs_is_ended_and_the_others_go_on(tmp_path: Path) -> None:
    hung, closed = threading.Event(), threading.Event()

    def roll_out(of: Attempt) -> Rollout:
        if of.task == numbered(0):
            with ending(closed.set):
                hung.wait(60)
        return ended(of)

    attempts = [attempt(n, seconds=0) for n in range(6)]
    with a_store(tmp_path) as store:
        runner.run(iter(attempts), local(roll_out, 2, grace_s=0.3), store, Rules())
        failed = store.record(FAILED, attempts[0].id, Rollout)
        assert all(store.record(STAGE, a.id, Rollout) for a in attempts[1:])
    hung.set()
    assert failed is not None and failed.error is not None
    assert (failed.error.boundary, failed.error.message) == ("harness", "no end after 0 s")
    assert closed.is_set()


def test_the_box_of_a_rollout_that_hangs_is_ended_with_it(tmp_path: Path) -> None:
    opened: list[Box] = []
    over = threading.Event()

    @contextmanager
    def opening(files: Iterable[File], *, services: Iterable[Service] = ()) -> Iterator[Box]:
        with open_box(files, services=services) as box:
            opened.append(box)
            yield box

    def complete(*_: object) -> Completion:
        over.wait(60)
        raise AssertionError("too late")

    with a_store(tmp_path) as store:
        hanging = local(lambda of: episodes.roll_out(of, complete, opening), 1, grace_s=1.0)
        runner.run(iter([attempt(0, seconds=0)]), hanging, store, Rules())
    with pytest.raises(BoxError, match="the box is closed"):
        opened[0].exec("true")
    over.set()


def test_a_fault_of_a_harness_is_an_error_of_one_rollout(tmp_path: Path) -> None:
    def roll_out(of: Attempt) -> Rollout:
        if of.task == numbered(0):
            raise RuntimeError("broken")
        return ended(of)

    with a_store(tmp_path) as store:
        runner.run(iter([attempt(0), attempt(1)]), local(roll_out, 2), store, Rules())
        failed = store.record(FAILED, attempt(0).id, Rollout)
        assert failed and failed.error and (failed.error.boundary, failed.error.message) == ("harness", "RuntimeError: broken")
        assert store.record(STAGE, attempt(1).id, Rollout)


def test_an_interrupted_run_does_not_wait_for_what_is_under_way() -> None:
    begun, closed, over, finished = threading.Barrier(3), threading.Event(), threading.Event(), threading.Event()

    def roll_out(of: Attempt) -> Rollout:
        with ending(closed.set):
            begun.wait(30)
            over.wait(30)
        finished.set()
        return ended(of)

    with pytest.raises(KeyboardInterrupt), local(roll_out, 2) as executor:
        executor.begin(attempt(0))
        executor.begin(attempt(1))
        begun.wait(30)
        raise KeyboardInterrupt
    assert closed.is_set() and not finished.is_set()
    over.set()


def test_an_agent_that_only_this_machine_reaches_works_here_though_ray_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    args = Namespace(executor="ray", harness="builtin")
    with rollout.opened(args, {"workers": 3, "grace_s": 30}, replace(ECHO, recipe=None), Caps(), Sandbox(), BUILTIN) as executor:
        assert executor.room() == 3
    assert "works here and not on the cluster" in capsys.readouterr().err


def test_what_was_given_up_opens_nothing_more() -> None:
    go_on, told = threading.Event(), threading.Event()

    def called() -> None:
        go_on.wait(30)
        try:
            with ending(lambda: None):
                pass
        except Overdue:
            told.set()

    with pytest.raises(Overdue):
        Watch[None]().call(called, 0.05)
    go_on.set()
    assert told.wait(30)


def test_a_time_out_of_the_call_itself_is_its_own() -> None:
    def called() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        Watch[None]().call(called, 30)
