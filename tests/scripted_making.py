"""For tests of what stands before a scripted policy: a task with its solution, and the openai client that plays it out."""

from __future__ import annotations

from typing import Any

import making
import openai
from openai.lib.streaming.chat import ChatCompletionStreamState

from specs.records import Task

SCRIPT = "python3 - <<'EOF'\nprint('Größe: \"12,50 €\"')\nEOF\n"
TASK = making.task({"in.csv": "a\n1\n"}, "Sum the column, please.", outputs=("out.csv", "notes/why.md"))
LOOKING = " I look:\n" + "a long list, " * 60
SOLUTION = making.solution([("exec", {"command": "ls"}, LOOKING), ("exec", {"command": SCRIPT}, ""), ("", {}, "The sum is 1.")])


def client(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=url, api_key="none", max_retries=0)


def ask(url: str, messages: list[dict[str, Any]], stream: bool) -> Any:
    """The completion, put together by openai's own code where it is streamed."""
    if not stream:
        return client(url).chat.completions.create(model="m", messages=messages)
    state = ChatCompletionStreamState()
    for chunk in client(url).chat.completions.create(model="m", messages=messages, stream=True, stream_options={"include_usage": True}):
        state.handle_chunk(chunk)
    return state.get_final_completion()


def play_out(url: str, task: Task, stream: bool) -> list[Any]:
    """All of a policy's completions, each tool call answered with 'ok'."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": "x"}, {"role": "user", "content": task.instruction}]
    completions = []
    while True:
        completions.append(ask(url, messages, stream))
        message = completions[-1].choices[0].message
        if not message.tool_calls:
            return completions
        calls = [
            {"id": c.id, "type": "function", "function": {"name": c.function.name, "arguments": c.function.arguments}}
            for c in message.tool_calls
        ]
        messages.append({"role": "assistant", "content": message.content or "", "tool_calls": calls})
        messages += [{"role": "tool", "tool_call_id": c.id, "content": "ok"} for c in message.tool_calls]
