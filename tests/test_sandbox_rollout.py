"""The rollout stage as it is run: a process of its own, in a folder with a few tasks, over real boxes and real HTTP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import making
import pytest
import yaml
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import rollout, scripted, served
from sandbox.agents import scripted_agent
from sandbox.box import Caps
from sandbox.episodes import Attempt
from specs import shards
from specs.errors import BoundaryError, UserError
from specs.records import Limits, Rollout, Solution, Task, sealed
from specs.store import Store

REPO = Path(__file__).resolve().parent.parent
SECRET = "sk-never-to-be-seen"
SAMPLING = {"temperature": 0.7, "max_tokens": 64, "seed": 1}
SECTION = {
    "workers": 2,
    "attempts": 1,
    "retries": 1,
    "sampling": SAMPLING,
    "caps": {"memory_mb": 256},
    "agents": {
        "untouched": {"policy": "scripted"},
        "echo": {"policy": "scripted"},
        "teacher": {"policy": "scripted"},
        "base": {"policy": "served", "model": "models/base", "steps": 3},
    },
}


def numbered(n: int) -> Task:
    return making.task({"in.txt": f"{n}\n"}, f"Double the number of case {n}.", ("out.txt",), f"{n:x}a2b3c4d5e6")


def solved(task: Task) -> Solution:
    steps = [
        ("exec", {"command": "ls"}, "Looking."),
        ("exec", {"command": "echo $(( $(cat in.txt) * 2 )) > out.txt"}, ""),
        ("", {}, "Doubled."),
    ]
    return making.solution(steps, task.id)


class Project:
    """A folder with tasks, solutions, a selection and params, in which the stage runs as a process."""

    def __init__(self, root: Path, tasks: Sequence[Task], split: str = "train", **section: Any):
        self.root, self.tasks, self.split = root, tasks, split
        self.section(**section)
        self.write(tasks)

    def write(self, tasks: Sequence[Task]) -> None:
        shards.write(self.root / "data/tasks", Task, [(self.split, task) for task in tasks])
        shards.write(self.root / "data/solutions", Solution, [(self.split, solved(task)) for task in tasks])
        ids = [task.id for task in tasks]
        self.select(**{"train": [], "bench": [], self.split: ids, "models": ids[:2]})

    def select(self, **lists: list[str]) -> None:
        (self.root / "data/selection.json").write_text(json.dumps(lists))

    def section(self, **values: Any) -> None:
        (self.root / "params.yaml").write_text(yaml.safe_dump({"rollout": {**SECTION, **values}}))

    def start(self, *argv: str, **env: str) -> subprocess.Popen[str]:
        clean = {k: v for k, v in os.environ.items() if k not in ("CLAWGYM_STORE", "OPENAI_API_KEY")}
        command = [sys.executable, "-m", "sandbox.rollout", *argv, "--split", self.split]
        environment = {**clean, "PYTHONPATH": str(REPO), **env}
        return subprocess.Popen(command, cwd=self.root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def stage(self, *argv: str, status: int = 0, **env: str) -> str:
        """Run the stage to its end; returns what it printed."""
        process = self.start(*argv, **env)
        out, err = process.communicate(timeout=120)
        assert process.returncode == status, out + err
        return out + err

    def rollouts(self, folder: str) -> dict[str, Rollout]:
        """The exported rollouts by their task's id."""
        found = list(shards.read(self.root / folder, Rollout, self.split))
        assert len(found) == len({r.id for r in found})
        return {r.task: r for r in found}

    def kept(self) -> list[str]:
        """The ids of the tasks whose rollouts are in the store."""
        path = self.root / ".clawgym/store.sqlite"
        if not path.exists():
            return []
        store = Store(path)
        try:
            keys = [key for (key,) in store._db.execute("SELECT key FROM items WHERE stage = 'rollout'")]
            return [store.record("rollout", key, Rollout).task for key in keys]
        finally:
            store.close()


@contextmanager
def model_server(answer: Callable[[str, int, list[Any]], Response]) -> Iterator[tuple[str, list[str]]]:
    """A model by `answer(instruction, turn, messages)`; yields its URL and the instructions in order of their first turns."""
    first_turns: list[str] = []

    async def post(request: Request) -> Response:
        messages = json.loads(await request.body())["messages"]
        instruction, turn = messages[1]["content"], sum(m["role"] == "assistant" for m in messages)
        if turn == 0:
            first_turns.append(instruction)
        return await run_in_threadpool(answer, instruction, turn, messages)

    with scripted.listening(Starlette(routes=[Route("/v1/chat/completions", post, methods=["POST"])])) as url:
        yield url, first_turns


def done(text: str = "Done.") -> Response:
    return JSONResponse({"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]})


def calling(command: str) -> Response:
    function = {"name": "exec", "arguments": json.dumps({"command": command})}
    message = {"role": "assistant", "content": "", "tool_calls": [{"id": "c", "type": "function", "function": function}]}
    return JSONResponse({"choices": [{"message": message, "finish_reason": "tool_calls"}]})


def endpoint_args(url: str, model: str = "some-model") -> list[str]:
    return ["--endpoint", url, "--model", model, "--out", "runs/x/rollouts"]


TASKS = [numbered(n) for n in range(5)]


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


ATTEMPT = Attempt(TASKS[0], "x", {"name": "x", "digest": "d"}, SAMPLING, Limits(3, 60, 100), Caps(), 0)
OTHERS = {
    "task": replace(ATTEMPT, task=TASKS[1]),
    "policy": replace(ATTEMPT, policy={"name": "x", "digest": "e"}),
    "sampling": replace(ATTEMPT, sampling={**SAMPLING, "temperature": 0.8}),
    "limits": replace(ATTEMPT, limits=Limits(4, 60, 100)),
    "caps": replace(ATTEMPT, caps=Caps(memory_mb=1)),
    "number": replace(ATTEMPT, number=1),
}


@pytest.mark.parametrize("part", OTHERS)
def test_the_id_depends_on_what_can_change_the_outcome(part: str) -> None:
    assert OTHERS[part].id != ATTEMPT.id


def test_only_the_teacher_depends_on_solutions() -> None:
    other = making.solution([("", {}, "Something else.")], TASKS[0].id)
    policies = {
        name: [scripted_agent(name, 0, TASKS, s).policy_for(TASKS[0]) for s in ([solved(TASKS[0])], [other])] for name in ("teacher",)
    }
    assert policies["teacher"][0] != policies["teacher"][1]
    assert "solution" not in scripted_agent("echo", 0, TASKS, []).policy_for(TASKS[0])


def test_an_agents_own_steps_stand_before_the_tasks() -> None:
    own, tasks = (scripted_agent("echo", steps, TASKS, []) for steps in (4, 0))
    assert rollout.plan(own, TASKS, 1, Caps())[0].limits == replace(TASKS[0].limits, steps=4)
    assert rollout.plan(tasks, TASKS, 1, Caps())[0].limits == TASKS[0].limits


SPEAKING = """
import sys, threading
from sandbox import scripted, rollout
from specs import layout
from specs.records import Task
from specs import shards
sys.stderr.write(f"model {sys.argv[1:]}\\n")
with scripted.serve("untouched", list(shards.read(layout.TASKS, Task))) as url:
    print("loading", flush=True)
    print("ready " + url.removesuffix("/v1"), flush=True)
    threading.Event().wait()
"""


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A model folder, and a server module in the project's own `train` that stands in for a model's."""
    folder = tmp_path / "models/base"
    folder.mkdir(parents=True)
    for name in ("model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja", "README.md"):
        (folder / name).write_text(name)
    (tmp_path / "train").mkdir()
    (tmp_path / "train/__init__.py").write_text("")
    (tmp_path / "train/serve.py").write_text(SPEAKING)
    return folder


def test_a_served_agent_takes_the_models_subset_of_the_bench_with_its_own_steps(tmp_path: Path, checkpoint: Path) -> None:
    project = Project(tmp_path, TASKS, "bench")
    project.stage("--agent", "base")
    found = project.rollouts("data/rollouts/base-bench")
    assert set(found) == {task.id for task in TASKS[:2]}
    one = found[TASKS[0].id]
    assert one.policy == {"name": "base", "digest": served.digest_of_model(checkpoint)}
    assert (one.status, one.sampling, one.harness["limits"]["steps"]) == ("completed", SAMPLING, 3)
    assert one.calls[0].request["logprobs"] is True


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja"])
def test_a_models_digest_depends_on_what_decides_its_words(checkpoint: Path, name: str) -> None:
    before = served.digest_of_model(checkpoint)
    (checkpoint / name).write_text("other")
    assert served.digest_of_model(checkpoint) != before


def test_a_models_digest_does_not_depend_on_the_rest(checkpoint: Path) -> None:
    before = served.digest_of_model(checkpoint)
    (checkpoint / "README.md").write_text("other")
    (checkpoint / "trained_on.json").write_text("{}")
    assert served.digest_of_model(checkpoint) == before


def test_a_folder_without_a_model_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError):
        served.digest_of_model(tmp_path)


def running(text: str) -> list[int]:
    """Live processes whose command line, its arguments joined by blanks, contains `text`."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            line = (path / "cmdline").read_bytes().replace(b"\0", b" ")
            if text.encode() in line and "State:\tZ" not in (path / "status").read_text():
                found.append(int(path.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def test_the_server_ends_with_the_block_also_after_an_error(tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Project(tmp_path, TASKS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(REPO))
    with pytest.raises(ZeroDivisionError), served.serve_model(checkpoint):
        assert running(str(checkpoint))
        raise ZeroDivisionError
    assert not running(str(checkpoint))


def test_a_server_that_ends_early_is_the_endpoints_failure(tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train/serve.py").write_text("import sys; print('loading'); sys.exit(3)")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BoundaryError, match=r"train\.serve ended with 3"), served.serve_model(checkpoint):
        pass


def test_a_server_that_stays_silent_is_given_up(tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train/serve.py").write_text("import time; time.sleep(60)")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BoundaryError, match="not ready"), served.serve_model(checkpoint, start_s=0.3):
        pass
    assert not running(str(checkpoint))


def test_the_server_dies_with_a_stage_that_is_killed(tmp_path: Path, checkpoint: Path) -> None:
    Project(tmp_path, TASKS)
    holding = (
        "import sys; from pathlib import Path; from sandbox import served\n"
        "with served.serve_model(Path(sys.argv[1])): print('up', flush=True); input()"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", holding, str(checkpoint)], cwd=tmp_path, env=environment, **pipes) as process:
        assert process.stdout.readline() == b"up\n"
        pids = [pid for pid in running(str(checkpoint)) if pid != process.pid]
        assert pids
        process.kill()
    deadline = time.monotonic() + 20
    while set(pids) & set(running(str(checkpoint))) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not set(pids) & set(running(str(checkpoint)))


def test_a_missing_selection_is_the_users_mistake(tmp_path: Path) -> None:
    project = Project(tmp_path, TASKS)
    (tmp_path / "data/selection.json").unlink()
    said = project.stage("--agent", "echo", status=1)
    assert said.startswith("data/selection.json:1:1: no such file; run the select stage first")


def test_a_selected_task_that_is_not_there_is_the_users_mistake(tmp_path: Path) -> None:
    project = Project(tmp_path, TASKS[:1])
    project.select(train=["ffff"], bench=[], models=[])
    said = project.stage("--agent", "echo", status=1)
    assert "ffff" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"caps": {"memory": 3}}, "rollout.caps.memory is not one of"),
        ({"agents": {"echo": {"policy": "magic"}}}, "rollout.agents.echo.policy is not one of scripted, served"),
        ({"agents": {"poet": {"policy": "scripted"}}}, "rollout.agents.poet is not one of the scripted policies"),
        ({"agents": {"base": {"policy": "served"}}}, "rollout.agents.base.model is missing"),
    ],
)
def test_params_that_make_no_sense_are_the_users_mistake(tmp_path: Path, section: dict[str, Any], words: str) -> None:
    said = Project(tmp_path, TASKS[:1], **section).stage("--agent", "echo", status=1)
    assert words in said
    assert "Traceback" not in said


@pytest.mark.parametrize("argv", [["--agent", "nobody"], [], ["--endpoint", "http://x/v1"], ["--agent", "echo", "--model", "m"]])
def test_a_command_line_that_makes_no_sense_is_refused(tmp_path: Path, argv: list[str]) -> None:
    assert "usage:" in Project(tmp_path, TASKS[:1]).stage(*argv, status=2)


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
