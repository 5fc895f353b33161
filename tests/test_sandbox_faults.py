"""Faults, each on fifty rollouts and more: none is lost, none doubled, none scored 0 for it, and all are in the report by kind."""

from __future__ import annotations

import os
import random
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import making
import pytest
from blackbox_making import STREAMED, ours
from boxes_making import runners
from faults_making import ANSWER_S, FAULTS, refusing, serving
from projects import Project, calling, done, endpoint_args, model_server, numbered

from bench import evaluate, reading
from sandbox import endpoint, ends, runner
from sandbox.agents import remote_agent
from sandbox.box import Caps, Sandbox
from sandbox.ends import Ends
from sandbox.harnesses import BUILTIN, Harness
from sandbox.planning import plan
from sandbox.runner import Rules
from specs import digests, layout, shards
from specs.records import Rollout, Task, Verifier
from specs.store import Store
from train import sequences
from verifiers import grade

pytestmark = pytest.mark.slow
FAULTY = [numbered(n) for n in range(50)]
HEALTHY = [numbered(n) for n in range(50, 60)]
CAPS = Caps(memory_mb=256, disk_mb=16)
OUT, VERDICTS = Path("rollouts"), Path("verdicts")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "PAUSE_S", 0.01)
    monkeypatch.chdir(tmp_path)


def run(url: str, tasks: list[Task], retries: int, timeout_s: float = 60.0, backoff_s: float = 0.01, under: Harness = BUILTIN) -> Ends:
    """Roll out with the endpoint's model, export, and count."""
    agent = remote_agent(url, "m", {}, timeout_s)
    with closing(Store(Path("store.sqlite"))) as store:
        opened = runner.local(agent, under, CAPS, Sandbox(), 16)
        found = runner.run(plan(agent, tasks, 1, CAPS, Sandbox(), under), opened, store, Rules(retries, backoff_s))
        ended = ends.export(OUT, "train", found, store, "m")
    got = [r.task for r in shards.read(OUT, Rollout)]
    assert Counter(got) == Counter(task.id for task in tasks)
    return ended


def scored(tasks: list[Task]) -> dict[str, Any]:
    """The figures of the exported rollouts, graded by the real grader; and that training takes the solved ones alone."""
    shards.write(layout.TASKS, Task, [("train", task) for task in tasks])
    verifiers = []
    for task in tasks:
        want = f"{2 * int(task.workspace[0].content)}\n".encode()
        params = {"expect": [{"path": "out.txt", "digest": digests.of_bytes(want)}], "gone": [], "under": "", "only": False}
        verifiers.append(("train", making.verifier([{"kind": "files", "params": params}], task.id)))
    shards.write(layout.VERIFIERS, Verifier, verifiers)
    with closing(Store(Path("store.sqlite"))) as store:
        grade.run(OUT, VERDICTS, "m", 2, store, Sandbox())
    attempts = reading.attempts(OUT, VERDICTS, "m", [task.id for task in tasks])
    figures = evaluate.evaluate(attempts, {task.id: ("c", 1) for task in tasks}, 100, 1)
    solved, counts = sequences.sort_out(shards.columns(OUT, sequences.ENDED), shards.columns(VERDICTS, sequences.JUDGED))
    assert (len(solved), counts["errors"]) == (figures["n"], figures["errors"])
    return figures


def check_permanent(report: dict[str, Any], boundary: str) -> None:
    assert (report["planned"], report["completed"], report["limit"], report["error"]) == (60, 10, {}, {boundary: 50})
    figures = scored(FAULTY + HEALTHY)
    assert (figures["n"], figures["score"], figures["errors"], figures["missing"]) == (10, 1.0, 50, 0)
    assert figures["status"] == {"completed": 10, f"error: {boundary}": 50}


UNDER = pytest.mark.parametrize("under", [BUILTIN, STREAMED], ids=["builtin", "streamed to a black box"])


@UNDER
@pytest.mark.parametrize("fault", FAULTS)
def test_an_endpoint_that_goes_on_failing(fault: str, under: Harness) -> None:
    with serving(fault, {task.instruction for task in FAULTY}, 1_000_000) as (url, _):
        ended = run(url, FAULTY + HEALTHY, retries=1, timeout_s=ANSWER_S if fault == "hanging" else 60, under=under)
    check_permanent(ended.report(), "endpoint")


@UNDER
@pytest.mark.parametrize("fault", FAULTS)
def test_an_endpoint_that_recovers(fault: str, under: Harness) -> None:
    """Each task's first five requests fail: more than one call tries, fewer than all of a rollout's tries do."""
    with serving(fault, {task.instruction for task in FAULTY}, 5) as (url, server):
        ended = run(url, FAULTY, retries=6, timeout_s=ANSWER_S if fault == "hanging" else 60, under=under)
    assert ended.report()["completed"] == ended.planned == 50
    assert {server.asked[task.instruction] for task in FAULTY} == {5 + 3}
    assert scored(FAULTY)["score"] == 1.0


@UNDER
def test_an_endpoint_that_refuses(under: Harness) -> None:
    with refusing(1e6) as url:
        report = run(url, FAULTY, retries=1, under=under).report()
    assert (report["planned"], report["error"]) == (50, {"endpoint": 50})
    figures = scored(FAULTY)
    assert (figures["n"], figures["errors"]) == (0, 50)
    with refusing(2.0) as url:
        assert run(url, FAULTY, retries=6, backoff_s=0.4, under=under).report()["completed"] == 50


def boxes() -> Iterator[tuple[int, str]]:
    """Process 1 of each box of ours that has a task, and the task's instruction."""
    for pid in runners():
        with suppress(OSError, ValueError):  # the latter: its file is just being written
            number = Path("/proc", str(pid), "root/workspace/in.txt").read_text()
            yield pid, numbered(int(number)).instruction


def agents() -> Iterator[tuple[int, str]]:
    """The program of each black box of ours that has a task, and the task's instruction."""
    for process in ours("harness/agent.py"):
        with suppress(OSError):
            yield process.pid, Path("/proc", str(process.pid), "root/tmp/harness/task").read_text()


@contextmanager
def killing(there: Callable[[], Iterator[tuple[int, str]]]) -> Iterator[set[str]]:
    """Meanwhile each of the FAULTY tasks has what it runs in killed once, at some moment; yields the instructions of those that had."""
    wanted = {task.instruction for task in FAULTY}
    killed: set[str] = set()
    over, moments = threading.Event(), random.Random(3)

    def kill() -> None:
        while not over.wait(moments.uniform(0.005, 0.05)):
            for pid, instruction in there():
                if instruction in wanted - killed and moments.random() < 0.3:
                    with suppress(ProcessLookupError):  # its rollout has ended
                        os.kill(pid, 9)
                        killed.add(instruction)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def test_harnesses_that_are_killed() -> None:
    """At the latest before their last answer: the program in the box, by somebody outside."""
    with serving("500", set(), 0) as (url, server), killing(agents) as killed:

        def until_killed(instruction: str) -> None:
            while instruction not in killed and not server.over.wait(0.02):
                pass

        server.before_the_last = until_killed
        report = run(url, FAULTY, retries=2, under=STREAMED).report()
    assert len(killed) == 50
    assert (report["planned"], report["completed"], report["limit"], report["error"]) == (50, 50, {}, {})
    assert scored(FAULTY)["score"] == 1.0


@pytest.mark.parametrize("retries", [0, 2])
def test_boxes_that_are_killed(retries: int) -> None:
    """At the latest in their last command."""
    faulty = {task.instruction for task in FAULTY}

    def answer(instruction: str, turn: int, messages: list[Any]) -> Any:
        if turn == 4:
            return done()
        waits = turn == 3 and instruction in faulty - killed
        return calling(f"sleep {30 if waits else 0.1}; echo $(($(cat in.txt) * 2)) > out.txt")

    with model_server(answer) as (url, _), killing(boxes) as killed:
        report = run(url, FAULTY + HEALTHY, retries).report()
    assert len(killed) == 50
    if retries == 0:
        check_permanent(report, "box")
    else:
        assert (report["planned"], report["completed"], report["limit"], report["error"]) == (60, 60, {}, {})
        assert scored(FAULTY + HEALTHY)["score"] == 1.0


def test_workspaces_that_are_full() -> None:
    """The agent's own doing: a result like any other, and no error."""

    def answer(instruction: str, turn: int, messages: list[Any]) -> Any:
        return done() if turn == 2 else calling("head -c 100M /dev/zero > big; df . | tail -1")

    with model_server(answer) as (url, _):
        report = run(url, FAULTY, retries=0).report()
    assert (report["planned"], report["completed"], report["error"]) == (50, 50, {})


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes root")
def test_a_disk_that_is_full_and_has_room_again(tmp_path: Path) -> None:
    tasks = FAULTY + HEALTHY
    project = Project(tmp_path, tasks, workers=8)
    text = random.Random(1).randbytes(4000).hex()
    with model_server(lambda _, turn, messages: done() if turn else calling(f"echo {text} > out.txt")) as (url, first_turns):
        with small_disk(project.root / ".clawgym", "768k"):
            said = project.stage(*endpoint_args(url), status=2)
            assert said.splitlines()[-1].startswith("store: .clawgym/store.sqlite: ")
            assert "Traceback" not in said
            kept = project.kept()
            assert 0 < len(kept) < 60
            subprocess.run(["mount", "-o", "remount,size=64m", project.root / ".clawgym"], check=True)
            before = len(first_turns)
            project.stage(*endpoint_args(url))
            assert Counter(project.kept()) == Counter(task.id for task in tasks)
        finished = {task.instruction for task in tasks if task.id in kept}
        assert not finished & set(first_turns[before:])
    found = project.rollouts("runs/x/rollouts")
    assert set(found) == {task.id for task in tasks} and {r.status for r in found.values()} == {"completed"}


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes root")
def test_a_disk_without_room_for_the_export(tmp_path: Path) -> None:
    project = Project(tmp_path, FAULTY[:5])
    text = random.Random(1).randbytes(40_000).hex()
    command = f"echo {text} > out.txt"
    with model_server(lambda _, turn, messages: done() if turn else calling(command)) as (url, first_turns):
        with small_disk(project.root / "runs/x", "64k"):
            assert project.stage(*endpoint_args(url), status=2).splitlines()[-1].startswith("disk: ")
        project.stage(*endpoint_args(url))
        assert len(first_turns) == 5
