"""Rollouts as a log that `inspect view` opens: put into words here, written by Inspect's own library in an environment of its own.

Inspect is no dependency of ours: what it pins differs from what we pin. `make inspect` makes that environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bench.played import Played, Source, arguments
from bench.texts import of_content, of_json
from specs import digests
from specs.errors import BoundaryError, Problem, UserError

PYTHON = Path(".inspect/bin/python")
WRITER = Path(__file__).with_name("inspect_writer.py")
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")  # of our environment: no key goes along
MOST_CHANGES = 200


def write(of: Source, some: Iterable[Played], to: Path, python: Path) -> int:
    """Write the log `to` (.eval or .json); returns how many rollouts are in it.

    Raises UserError where that interpreter is not there, BoundaryError("inspect") where it fails.
    """
    if not python.is_file():
        raise UserError([Problem(python.as_posix(), 1, 1, "", "is not there", "make inspect makes it")])
    with tempfile.TemporaryFile() as lines:
        count = -1  # the first line is of no rollout
        for value in told(of, some):
            # Halves of characters, which no JSON writer of Inspect's takes, become question marks.
            lines.write(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
            count += 1
        lines.seek(0)
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        command = [str(python.absolute()), "-I", str(WRITER), str(to.absolute())]
        done = subprocess.run(command, stdin=lines, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise BoundaryError("inspect", (done.stderr.strip() or f"ended with {done.returncode}")[-2000:])
    return count


def told(of: Source, some: Iterable[Played]) -> Iterator[dict[str, Any]]:
    """What the writer reads: what all have in common, then the rollouts."""
    name = f"{of.agent}-{of.split}"
    yield {
        "task": f"clawgym-{of.split}",
        "model": f"clawgym/{of.agent}",
        "id": digests.digest(name)[:22],
        "metadata": {"agent": of.agent, "split": of.split, "rollouts": of.rollouts.as_posix()},
    }
    for one in some:
        yield rollout(one)


def rollout(one: Played) -> dict[str, Any]:
    """One rollout. Errors of the machinery have no verdict, but are there to be looked at."""
    r, a, task = one.rollout, one.attempt, one.task
    messages = [_message(m) for m in r.messages]
    asked = next((m["content"] for m in messages if m["role"] == "user"), "")
    limit = r.limit if r.status == "limit" else ""
    return {
        "id": r.id,
        "task": r.task,
        "attempt": r.attempt,
        "instruction": task.instruction if task else asked,
        "files": [file.path for file in task.workspace] if task else [],
        "messages": messages,
        "prompt_tokens": r.usage.prompt_tokens,
        "completion_tokens": r.usage.completion_tokens,
        "turns": r.usage.turns,
        "seconds": r.seconds,
        "limit": limit,
        "limit_value": _value(r.harness.get("limits"), limit),
        "error": f"{a.failure.boundary}: {a.failure.message}" if a.failure else "",
        "verdict": _verdict(one),
        "metadata": _metadata(one),
    }


def _value(limits: Any, name: str) -> float:
    """How much of it the rollout was allowed, 0 where its harness does not say."""
    value = limits.get(name) if isinstance(limits, dict) else None
    return float(value) if isinstance(value, int | float) else 0.0


def _message(recorded: Any) -> dict[str, Any]:
    m = recorded if isinstance(recorded, dict) else {"content": recorded}
    calls = m.get("tool_calls")
    return {
        "role": str(m.get("role", "")),
        "content": of_content(m.get("content")),
        "tool_calls": [_call(c) for c in calls] if isinstance(calls, list) else [],
        "tool_call_id": str(m.get("tool_call_id", "")),
    }


def _call(recorded: Any) -> dict[str, Any]:
    call = recorded if isinstance(recorded, dict) else {}
    function = call.get("function")
    name = function.get("name", "") if isinstance(function, dict) else ""
    return {"id": str(call.get("id", "")), "name": of_json(name), "arguments": arguments(call)}


def _verdict(one: Played) -> dict[str, Any] | None:
    verdict = one.attempt.verdict
    if verdict is None or not one.attempt.graded:
        return None
    return {
        "id": verdict.id,
        "verifier": verdict.verifier_digest,
        "score": verdict.score,
        "solved": verdict.solved,
        "code": verdict.code,
        "rubric": verdict.rubric,
        "judging": verdict.judging,
        "checks": [{"id": c.id, "kind": c.kind, "score": c.score, "why": c.why} for c in verdict.checks],
    }


def _metadata(one: Played) -> dict[str, Any]:
    """What names the rollout and what it depends on, what it is filed under, and what it left otherwise."""
    r, task = one.rollout, one.task
    filed = {"category": task.category, "subcategory": task.subcategory, "difficulty": task.difficulty} if task else {}
    asked = {"operations": list(task.operations), "outputs": list(task.outputs)} if task else {}
    changes = [{"path": c.path, "type": c.type, "size": c.size} for c in r.changes[:MOST_CHANGES]]
    more = {"more_changes": len(r.changes) - MOST_CHANGES} if len(r.changes) > MOST_CHANGES else {}
    return {
        "rollout": r.id,
        "task_digest": r.task_digest,
        **filed,
        **asked,
        "harness": r.harness,
        "policy": r.policy,
        "sampling": r.sampling,
        "tool_calls": r.usage.tool_calls,
        "tools": _offered(r.tools),
        "changes": changes,
        **more,
    }


def _offered(tools: Any) -> list[str]:
    """The names of the tools that the policy was offered."""
    functions = [tool.get("function") for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    return [of_json(function.get("name", "")) for function in functions if isinstance(function, dict)]
