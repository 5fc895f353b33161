"""Folders in which the stage `rollout` runs as a process, and models that answer by a function: what its tests are made of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import making
import yaml
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import scripted
from specs import shards
from specs.records import Rollout, Solution, Task
from specs.store import Store

REPO = Path(__file__).resolve().parent.parent
SECRET = "sk-never-to-be-seen"
SAMPLING = {"temperature": 0.7, "max_tokens": 64, "seed": 1}
SECTION = {
    "workers": 2,
    "attempts": 1,
    "retries": 1,
    "backoff_s": 0.05,
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

    def __init__(self, root: Path, tasks: Sequence[Task], split: str = "train", backend: str = "bwrap", **section: Any):
        self.root, self.tasks, self.split, self.backend = root, tasks, split, backend
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
        (self.root / "params.yaml").write_text(yaml.safe_dump({"sandbox": {"backend": self.backend}, "rollout": {**SECTION, **values}}))

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
