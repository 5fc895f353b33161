"""What inspect_ai takes for the same, in its local sandbox. Started by benchmarks/episodes.py with an interpreter that has inspect_ai.

One JSON object a line comes in, one goes out: {"calls": n} -> {"seconds": [...]}, of calls in a sandbox that is open; an episode
(`count`, `at_once`, `instruction`, `files`, `steps`, `content`) -> {"finished": n, "failed": n, "seconds": s, "errors": [...]}.
The model is inspect_ai's own mock, in the same process; no HTTP is spoken. Nothing of this repository is imported.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from typing import Any

from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.solver import generate, use_tools
from inspect_ai.tool import ToolDef
from inspect_ai.util import sandbox
from inspect_ai.util._sandbox.local import LocalSandboxEnvironment

MODEL = "mockllm/model"


async def execute(command: str) -> str:
    """The tool exec."""
    done = await sandbox().exec(["bash", "-c", command])
    return str(done.stdout + done.stderr)


async def read(path: str) -> str:
    """The tool read."""
    return str(await sandbox().read_file(path))


async def write(path: str, content: str) -> str:
    """The tool write."""
    await sandbox().write_file(path, content)
    return f"wrote {path}"


async def edit(path: str, edits: list[dict[str, str]]) -> str:
    """The tool edit."""
    text = await sandbox().read_file(path)
    for one in edits:
        text = text.replace(one["oldText"], one["newText"])
    await sandbox().write_file(path, text)
    return f"edited {path}"


def tools() -> list[Any]:
    """The four tools, named as ours are."""
    path, content = {"path": "Path of the file."}, {"content": "The whole content."}
    made = (
        ToolDef(execute, "exec", "Run a shell command with bash.", {"command": "The command."}),
        ToolDef(read, "read", "Read a text file.", path),
        ToolDef(write, "write", "Write a file.", path | content),
        ToolDef(edit, "edit", "Edit a file.", path | {"edits": "Replacements."}),
    )
    return [tool.as_tool() for tool in made]


def scripted(steps: list[list[Any]]) -> Any:
    """A model that makes the tool calls of `steps`, one a turn."""

    def answer(messages: list[Any], *_: Any) -> Any:
        turn = sum(message.role == "assistant" for message in messages)
        if turn < len(steps):
            tool, arguments, says = steps[turn]
            output = ModelOutput.for_tool_call(MODEL, tool, arguments, content=says)
        else:
            output = ModelOutput.from_content(MODEL, "Done.")
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)  # else it is counted, by what is fetched for that
        return output

    return get_model(MODEL, custom_outputs=answer, memoize=False)


def episodes(asked: dict[str, Any]) -> dict[str, Any]:
    """So many episodes, each in a sandbox of its own."""
    samples = [Sample(input=asked["instruction"], files=asked["files"], id=n) for n in range(asked["count"])]
    task = Task(dataset=samples, solver=[use_tools(tools()), generate(tool_calls="loop")], sandbox="local")
    with tempfile.TemporaryDirectory() as folder:
        bounds = {"max_samples": asked["at_once"], "max_connections": asked["at_once"], "fail_on_error": False}
        start = time.perf_counter()
        (log,) = eval(task, model=scripted(asked["steps"]), display="none", log_dir=folder, log_level="error", **bounds)
        seconds = time.perf_counter() - start
        done = list(log.samples or ())  # read from the folder only now
    finished = sum(sample.error is None and right(sample.messages, asked["content"]) for sample in done)
    errors = [str(sample.error.message)[:200] for sample in done if sample.error]
    return {"finished": finished, "failed": asked["count"] - finished, "seconds": seconds, "errors": errors[:3]}


def right(messages: list[Any], content: str) -> bool:
    """Whether a tool's answer is what the episode works out."""
    return any(message.role == "tool" and message.text.strip() == content.strip() for message in messages)


async def calls(count: int) -> dict[str, Any]:
    """The seconds of each of so many calls in one open sandbox."""
    box, seconds = LocalSandboxEnvironment(), []
    for _ in range(count):
        start = time.perf_counter()
        await box.exec(["bash", "-c", "true"])
        seconds.append(time.perf_counter() - start)
    box.directory.cleanup()
    return {"seconds": seconds}


def main() -> None:
    """Answer until the input ends. What inspect_ai prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        asked = json.loads(line)
        answer = asyncio.run(calls(asked["calls"])) if "calls" in asked else episodes(asked)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
