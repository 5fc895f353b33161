"""The rollout stage as it is run: a process of its own, in a folder with a few tasks, over real boxes and real HTTP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from projects import SECRET, TASKS, Project, calling, done, endpoint_args, model_server, numbered, running, solved
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import cgroups, scripted
from specs import shards
from specs.records import Rollout, Task, sealed


def test_the_teacher_solves_its_tasks(tmp_path: Path) -> None:
    project = Project(tmp_path, TASKS)
    project.stage("--agent", "teacher")
    found = project.rollouts("data/rollouts/teacher-train")
    assert set(found) == {task.id for task in TASKS}
    for n, task in enumerate(TASKS):
        one = found[task.id]
        assert (one.status, one.agent, one.task_digest, one.usage.turns, one.usage.tool_calls) == (
            "completed",
            "teacher",
            task.digest,
            3,
            2,
        )
        assert [(c.path, c.content) for c in one.changes] == [("out.txt", f"{2 * n}\n".encode())]
        assert one.policy["solution"] == solved(task).digest
        assert [m["content"] for m in one.messages if m["role"] == "assistant"] == ["Looking.", "", "Doubled."]


def test_untouched_changes_nothing_and_echo_writes_the_instruction(tmp_path: Path) -> None:
    project = Project(tmp_path, TASKS[:2], "bench")
    project.stage("--agent", "untouched")
    project.stage("--agent", "echo")
    assert [r.changes for r in project.rollouts("data/rollouts/untouched-bench").values()] == [(), ()]
    for task_id, one in project.rollouts("data/rollouts/echo-bench").items():
        (change,) = one.changes
        assert (change.path, change.content) == ("out.txt", next(t.instruction for t in TASKS if t.id == task_id).encode())


def test_finished_rollouts_are_not_run_again(tmp_path: Path) -> None:
    project = Project(tmp_path, TASKS)
    with model_server(lambda *_: done()) as (url, first_turns):
        project.stage(*endpoint_args(url))
        before = {p.name: p.read_bytes() for p in (tmp_path / "runs/x/rollouts/train").iterdir()}
        project.stage(*endpoint_args(url))
    assert len(first_turns) == len(TASKS)
    assert {p.name: p.read_bytes() for p in (tmp_path / "runs/x/rollouts/train").iterdir()} == before


def test_a_run_with_nothing_left_to_do_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    where = cgroups.usable()
    if where is None:
        pytest.skip("no control group can be made here")
    project = Project(tmp_path, TASKS[:1])
    project.stage("--agent", "teacher")
    gone = subprocess.Popen(["true"])
    gone.wait()
    group = where.parents["pids"] / f"clawgym-{gone.pid}-1-0"
    group.mkdir()
    project.stage("--agent", "teacher")
    assert not group.exists()


def test_a_changed_task_alone_is_run_again(tmp_path: Path) -> None:
    project = Project(tmp_path, TASKS)
    changed = sealed(replace(TASKS[2], instruction="Something else."))
    with model_server(lambda *_: done()) as (url, first_turns):
        project.stage(*endpoint_args(url))
        first_turns.clear()
        project.write([*TASKS[:2], changed, *TASKS[3:]])
        project.stage(*endpoint_args(url))
    assert first_turns == ["Something else."]
    assert {r.task_digest for r in project.rollouts("runs/x/rollouts").values()} == {t.digest for t in [*TASKS[:2], changed, *TASKS[3:]]}


def test_a_stage_that_is_killed_loses_and_repeats_nothing(tmp_path: Path) -> None:
    tasks = [numbered(n) for n in range(10)]
    project = Project(tmp_path, tasks)
    go_on = threading.Event()
    slow = {task.instruction for task in tasks[6:]}

    def answer(instruction: str, turn: int, messages: list[Any]) -> Response:
        if turn == 1 and instruction in slow:
            go_on.wait(60)
        return done() if turn else calling("cp in.txt out.txt")

    with model_server(answer) as (url, first_turns):
        process = project.start(*endpoint_args(url))
        deadline = time.monotonic() + 60
        while len(project.kept()) < 6 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        kept = project.kept()
        assert sorted(kept) == sorted(task.id for task in tasks[:6])
        begun = Counter(first_turns)
        go_on.set()
        project.stage(*endpoint_args(url))
    finished = {task.instruction for task in tasks if task.id in kept}
    again = Counter(first_turns) - begun
    assert not finished & set(again)
    assert set(again) == {task.instruction for task in tasks} - finished
    assert set(again.values()) == {1}
    found = project.rollouts("runs/x/rollouts")
    assert set(found) == {task.id for task in tasks}
    assert {r.status for r in found.values()} == {"completed"}
    assert Counter(project.kept()) == Counter(task.id for task in tasks)


def test_an_error_is_tried_again_then_exported_and_not_kept(tmp_path: Path) -> None:
    project = Project(tmp_path, TASKS, retries=2)
    broken = TASKS[3].instruction
    healthy = threading.Event()

    def answer(instruction: str, turn: int, messages: list[Any]) -> Response:
        return done() if instruction != broken or healthy.is_set() else Response("no such thing", 400)

    with model_server(answer) as (url, first_turns):
        said = project.stage(*endpoint_args(url))
        assert first_turns.count(broken) == 3
        one = project.rollouts("runs/x/rollouts")[TASKS[3].id]
        assert one.error is not None
        assert (one.status, one.error.boundary, one.changes) == ("error", "endpoint", ())
        assert "4 completed, 1 error" in said
        assert "HTTP 400" in said
        assert TASKS[3].id not in project.kept()
        healthy.set()
        first_turns.clear()
        project.stage(*endpoint_args(url))
    assert first_turns == [broken]
    assert {r.status for r in project.rollouts("runs/x/rollouts").values()} == {"completed"}


def test_a_stage_of_which_nothing_worked_fails(tmp_path: Path) -> None:
    project = Project(tmp_path, TASKS[:2], retries=0)
    with model_server(lambda *_: Response("who are you", 401)) as (url, _):
        assert "2 failed at the endpoint: HTTP 401: who are you" in project.stage(*endpoint_args(url), status=2)
    assert {r.status for r in project.rollouts("runs/x/rollouts").values()} == {"error"}


def test_no_key_in_the_records_nor_in_the_box(tmp_path: Path) -> None:
    project = Project(tmp_path, TASKS[:1])
    look = "env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\\0' '\\n'; echo looked; cp -r /proc/self/environ here.txt"
    keys = []

    def answer(instruction: str, turn: int, messages: list[Any]) -> Response:
        return done(f"My key is {SECRET}, thank you.") if turn else calling(look)

    async def post(request: Request) -> Response:
        keys.append(request.headers["authorization"])
        messages = json.loads(await request.body())["messages"]
        return answer("", sum(m["role"] == "assistant" for m in messages), messages)

    with scripted.listening(Starlette(routes=[Route("/v1/chat/completions", post, methods=["POST"])])) as url:
        project.stage(*endpoint_args(url), OPENAI_API_KEY=SECRET)
    assert set(keys) == {f"Bearer {SECRET}"}
    one = project.rollouts("runs/x/rollouts")[TASKS[0].id]
    assert any("looked" in m["content"] for m in one.messages if m["role"] == "tool")
    assert SECRET not in repr(one)
    assert all(SECRET.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_rollouts_run_side_by_side(tmp_path: Path) -> None:
    project = Project(tmp_path, TASKS[:2])
    both = threading.Barrier(2)

    def answer(instruction: str, turn: int, messages: list[Any]) -> Response:
        both.wait(30)
        return done()

    with model_server(answer) as (url, _):
        project.stage(*endpoint_args(url))
    assert {r.status for r in project.rollouts("runs/x/rollouts").values()} == {"completed"}


def test_attempts_are_apart_and_draw_with_seeds_of_their_own(tmp_path: Path) -> None:
    project = Project(tmp_path, TASKS[:1], attempts=3)
    with model_server(lambda *_: done()) as (url, _):
        project.stage(*endpoint_args(url))
    found = list(shards.read(tmp_path / "runs/x/rollouts", Rollout, "train"))
    assert sorted((r.attempt, r.sampling["seed"], r.calls[0].request["seed"]) for r in found) == [(0, 1, 1), (1, 2, 2), (2, 3, 3)]
    assert len({r.id for r in found}) == 3


def test_a_budget_stops_the_stage_and_the_next_run_goes_on(tmp_path: Path) -> None:
    project = Project(tmp_path, TASKS, workers=1, budget={"tokens": 25})
    said_so = {"choices": [{"message": {"content": "Done."}}], "usage": {"prompt_tokens": 8, "completion_tokens": 2}}
    with model_server(lambda *_: JSONResponse(said_so)) as (url, first_turns):
        said = project.stage(*endpoint_args(url), status=1)
        assert "3 completed, 2 not run: budget; this run used 30 tokens" in said
        assert "2 rollouts were not run: the budget of a run is spent" in said
        assert not (tmp_path / "runs/x/rollouts").exists()
        report = json.loads((tmp_path / "runs/x/rollouts.json").read_text())
        assert (report["planned"], report["completed"], report["not_run"]) == (5, 3, {"budget": 2})
        project.section(workers=1, budget={"tokens": None, "money": 0.0001}, prices={"prompt": 1, "completion": 2})
        assert "this run used 20 tokens, cost 0.00" in project.stage(*endpoint_args(url))
        assert len(first_turns) == 5
    assert set(project.rollouts("runs/x/rollouts")) == {task.id for task in TASKS}


def test_an_older_export_does_not_pass_for_what_a_budget_left_out(tmp_path: Path) -> None:
    project = Project(tmp_path, TASKS)
    with model_server(lambda *_: done()) as (url, _):
        project.stage(*endpoint_args(url))
        project.section(attempts=2, budget={"tokens": 0})
        project.stage(*endpoint_args(url), status=1)
    assert not (tmp_path / "runs/x/rollouts").exists()


def test_the_report_counts_by_kind_and_depends_on_the_rollouts_alone(tmp_path: Path) -> None:
    project = Project(tmp_path, TASKS, retries=0)

    def answer(instruction: str, turn: int, messages: list[Any]) -> Response:
        if instruction == TASKS[0].instruction:
            return Response("no", 400)
        return calling("ls") if instruction == TASKS[1].instruction else done()

    report = tmp_path / "runs/x/rollouts.json"
    with model_server(answer) as (url, _):
        project.stage(*endpoint_args(url))
        first = report.read_bytes()
        report.unlink()
        project.stage(*endpoint_args(url))
    assert report.read_bytes() == first
    assert json.loads(first) == {
        "planned": 5,
        "completed": 3,
        "limit": {"steps": 1},
        "error": {"endpoint": 1},
        "not_run": {},
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "turns": 3 + TASKS[1].limits.steps,
        "tool_calls": TASKS[1].limits.steps,
    }


def test_a_scripted_agents_report_is_a_metric(tmp_path: Path) -> None:
    Project(tmp_path, TASKS).stage("--agent", "echo")
    assert json.loads((tmp_path / "metrics/rollout/echo-train.json").read_text())["completed"] == 5


def groups_of(pid: int) -> list[Path]:
    """The control groups of boxes that a process opened."""
    return [Path(root, name) for root, names, _ in os.walk("/sys/fs/cgroup") for name in names if name.startswith(f"clawgym-{pid}-")]


def test_what_a_killed_stage_left_of_its_boxes_is_removed_by_the_next(tmp_path: Path) -> None:
    project = Project(tmp_path, TASKS[:1])
    mark = f"sleep 61.{os.getpid()}"
    with model_server(lambda _, turn, messages: done() if turn else calling(mark)) as (url, _):
        process = project.start(*endpoint_args(url))
        deadline = time.monotonic() + 60
        while not running(mark) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.kill()
        process.communicate()
        while running(mark) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not running(mark)
        shards.write(tmp_path / "data/tasks", Task, [("train", numbered(7))])
        project.select(train=[numbered(7).id], bench=[], models=[])
    with model_server(lambda *_: done()) as (url, _):
        project.stage(*endpoint_args(url))
    assert not groups_of(process.pid)
