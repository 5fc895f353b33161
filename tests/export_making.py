"""Rollouts to export: solved, half right, at a limit, failed, not graded, and one that says all that breaks readers of JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bench_making as made
import making

from specs import digests, layout, shards
from specs.records import CheckScore, Failure, Rollout, Verdict, Verifier, change_of

TASKS = [making.task({"in.txt": "1\n"}, f"Do thing {n}.", identity=f"{n}a2b3c4d5e6f", split="bench") for n in range(3)]
TOOLS = [{"type": "function", "function": {"name": "exec", "parameters": {"type": "object"}}}]
# What JSON readers differ about: arguments as text, none of which every reader makes the same of.
HARD = (
    '{"a": NaN}',
    '{"a": 1e999}',
    '{"a": "\\ud800"}',
    '{"a": 1' + "0" * 40 + "}",
    '{"a": ' + "[" * 300 + "]" * 300 + "}",
    "[1]",
    "{broken",
    "",
)
HOSTILE = "</script> {{ 7*7 }} \x00\x1b[31m \u202e \U000e0041 \u2028 attachment://x " + "é" * 1000


def identity(name: str) -> str:
    return digests.digest(name)


def calling(*arguments: str, content: str = "I do it.") -> dict[str, Any]:
    """An answer with a call of exec for each text of arguments."""
    calls = [{"id": f"c{n}", "type": "function", "function": {"name": "exec", "arguments": a}} for n, a in enumerate(arguments)]
    return {"role": "assistant", "content": content, "tool_calls": calls}


def conversation(*arguments: str, result: str = "ok") -> list[dict[str, Any]]:
    """Asked, called, answered, done."""
    return [
        {"role": "system", "content": "You work on files."},
        {"role": "user", "content": "Do it."},
        calling(*arguments),
        *({"role": "tool", "tool_call_id": f"c{n}", "content": result} for n in range(len(arguments))),
        {"role": "assistant", "content": "Done."},
    ]


def rollout(name: str, task: int = 0, messages: Any = None, **fields: Any) -> Rollout:
    """A rollout of the teacher whose id is the digest of a name."""
    said = conversation('{"command": "ls"}') if messages is None else messages
    harness = {"name": "builtin", "version": "1", "limits": {"steps": 12}}
    return made.rollout(TASKS[task], identity=identity(name), messages=said, **({"harness": harness} | fields))


def everything() -> tuple[list[Rollout], list[Verdict]]:
    """Rollouts of each kind of end, and the verdicts on those that have one."""
    runs = [
        rollout("solved", changes=(change_of("out.txt", b"2\n"),)),
        rollout("half", 1),
        rollout("limit", 2, status="limit", limit="steps"),
        rollout("failed", 2, attempt=1, status="error", error=Failure("endpoint", "HTTP 500")),
        rollout("unjudged", 1, attempt=1),
        rollout("grader", 0, attempt=1),
        rollout("hard", 0, conversation(*HARD, result=HOSTILE * 1000), attempt=2, policy={"name": "| <b>`x`\n# y", "digest": "p" * 64}),
    ]
    wrong = [CheckScore("rows", "table", 0.5, "two | rows <b>")]
    verdicts = [
        made.verdict(runs[0]),
        made.verdict(runs[1], 0.5, wrong, rubric=0.5, judging="judged"),
        made.verdict(runs[2], 0.0, wrong),
        made.failed(runs[5], "grader", "fell over"),
        made.verdict(runs[6], 0.25, [CheckScore(HOSTILE, "table", 0.25, HOSTILE)]),
    ]
    return runs, verdicts


def keep(root: Path, rollouts: list[Rollout], verdicts: list[Verdict]) -> None:
    """Shards of them below `root`, where the stages would write them."""
    shards.write(root / layout.TASKS, type(TASKS[0]), [("bench", t) for t in TASKS])
    shards.write(root / layout.VERIFIERS, Verifier, [("bench", making.verifier([{"kind": "table", "params": {}}], t.id)) for t in TASKS])
    shards.write(root / layout.rollouts("teacher", "bench"), Rollout, [("bench", r) for r in rollouts])
    shards.write(root / layout.verdicts("teacher", "bench"), Verdict, [("bench", v) for v in verdicts])


def text_of_calls(messages: list[dict[str, Any]]) -> list[Any]:
    """The arguments of all calls in a conversation."""
    return [c["function"]["arguments"] for m in messages for c in m.get("tool_calls", [])]
