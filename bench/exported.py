"""Graded rollouts as a folder that `datasets.load_dataset` reads: Parquet files and a card.

`messages` and `tools` are as TRL's SFTTrainer takes conversations. What ended as an error of the machinery is left out and counted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Features, Json, List, Value

from bench import played
from bench.played import Played
from specs import digests, shards
from specs.records import Verdict

ROWS = 64  # of a row group
FILE_GROUPS = 64
STRING, INTEGER, NUMBER, BOOLEAN = (Value(name) for name in ("string", "int64", "float64", "bool"))
COLUMNS: dict[str, tuple[Any, str]] = {
    "rollout": (STRING, "its id, a digest of all that it depends on"),
    "task": (STRING, "the task's id"),
    "task_digest": (STRING, "digest of the task as it was worked on"),
    "category": (STRING, "what the task is filed under; null where the task is gone, as in the next four"),
    "subcategory": (STRING, "more exactly"),
    "difficulty": (INTEGER, "1 to 5"),
    "operations": (List(STRING), "what has to be done, in order"),
    "instruction": (STRING, "what the person asked"),
    "agent": (STRING, "who worked on it"),
    "attempt": (INTEGER, "counted from 0"),
    "harness": (STRING, "name of the loop around the policy"),
    "harness_version": (STRING, "its version"),
    "policy": (STRING, "name of the policy"),
    "policy_digest": (STRING, "digest of its weights or its script"),
    "sampling": (STRING, "JSON"),
    "messages": (List(Json()), "the conversation in OpenAI's form, but a call's arguments are an object, as chat templates want them"),
    "tools": (STRING, "JSON: the tools that were offered, in OpenAI's form"),
    "status": (STRING, "completed, or limit"),
    "limit": (STRING, "which: steps, seconds, tokens, box; empty where completed"),
    "score": (NUMBER, "0 to 1; the reward"),
    "solved": (BOOLEAN, "whether every check passed"),
    "code": (NUMBER, "the part of the score that code checked"),
    "rubric": (NUMBER, "the part that a judge gave; null where there was none"),
    "judging": (STRING, "no rubric, not judged (then the score is code only), or judged"),
    "checks": (List({"id": STRING, "kind": STRING, "score": NUMBER, "why": STRING}), "what the verifier looked at"),
    "verifier_digest": (STRING, "digest of the verifier"),
    "changes": (List({"path": STRING, "type": STRING, "size": INTEGER, "digest": STRING}), "what differs in the workspace at the end"),
    "turns": (INTEGER, "answers of the policy"),
    "tool_calls": (INTEGER, "calls in them"),
    "prompt_tokens": (INTEGER, "of all requests together"),
    "completion_tokens": (INTEGER, "of all answers together"),
    "seconds": (NUMBER, "from the first request to the end"),
}


@dataclass
class Counts:
    """What went out and what did not: rollouts written, solved, by how they ended; those left out by why."""

    rows: int = 0
    solved: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    made_by: set[str] = field(default_factory=set)  # harness, policy and sampling, as JSON


def features() -> Any:
    """The columns as `datasets` knows them."""
    return Features({name: kind for name, (kind, _) in COLUMNS.items()})


def message(recorded: Any) -> str:
    """A message as JSON text, with its calls' arguments as objects where `datasets` reads these back as they were, else as they came."""
    if isinstance(recorded, dict) and isinstance(recorded.get("tool_calls"), list):
        told = recorded | {"tool_calls": [_call(call) for call in recorded["tool_calls"]]}
        text = json.dumps(told, ensure_ascii=False)
        if _reads_back(text, told):
            return text
    return digests.canonical(recorded)


def _call(call: Any) -> Any:
    taken = played.arguments(call)
    return call | {"function": call["function"] | {"arguments": taken}} if isinstance(taken, dict) else call


def _reads_back(text: str, value: Any) -> bool:
    """Whether the reader of `datasets` makes the same of the text. It knows no integers past 64 bits, and rounds some numbers."""
    try:
        return bool(Json().decode_example(text) == value)
    except ValueError:
        return False


def row(one: Played, verdict: Verdict) -> dict[str, Any]:
    """A rollout and the verdict on it as a row of COLUMNS."""
    r, task = one.rollout, one.task
    return {
        "rollout": r.id,
        "task": r.task,
        "task_digest": r.task_digest,
        "category": task and task.category,
        "subcategory": task and task.subcategory,
        "difficulty": task and task.difficulty,
        "operations": task and list(task.operations),
        "instruction": task and task.instruction,
        "agent": one.attempt.agent,
        "attempt": r.attempt,
        "harness": str(r.harness.get("name", "")),
        "harness_version": str(r.harness.get("version", "")),
        "policy": str(r.policy.get("name", "")),
        "policy_digest": str(r.policy.get("digest", "")),
        "sampling": digests.canonical(r.sampling),
        "messages": [message(m) for m in r.messages],
        "tools": digests.canonical(r.tools),
        "status": r.status,
        "limit": r.limit,
        "score": verdict.score,
        "solved": verdict.solved,
        "code": verdict.code,
        "rubric": verdict.rubric,
        "judging": verdict.judging,
        "checks": [{"id": c.id, "kind": c.kind, "score": c.score, "why": c.why} for c in verdict.checks],
        "verifier_digest": verdict.verifier_digest,
        "changes": [{"path": c.path, "type": c.type, "size": c.size, "digest": c.digest} for c in r.changes],
        "turns": r.usage.turns,
        "tool_calls": r.usage.tool_calls,
        "prompt_tokens": r.usage.prompt_tokens,
        "completion_tokens": r.usage.completion_tokens,
        "seconds": r.seconds,
    }


def rows(some: Iterable[Played], counts: Counts) -> Iterator[dict[str, Any]]:
    """The rows of those that are graded; all are counted."""
    for one in some:
        verdict = one.attempt.verdict
        if verdict is None or not one.attempt.graded:
            counts.left_out[one.attempt.ending] += 1
            continue
        made = row(one, verdict)
        counts.rows += 1
        counts.solved += made["solved"]
        counts.ended[one.attempt.ending] += 1
        counts.made_by.add(digests.canonical({k: made[k] for k in ("harness", "harness_version", "policy", "policy_digest", "sampling")}))
        yield made


def write(some: Iterable[Played], folder: Path, split: str) -> Counts:
    """Write `folder`/data/<split>-<number>.parquet, as many as are needed; returns what went in."""
    counts = Counts()
    schema = features().arrow_schema
    plain = pa.schema([pa.field(f.name, pa.list_(pa.string()) if f.name == "messages" else f.type) for f in schema])
    (folder / "data").mkdir(parents=True)
    with ExitStack() as stack:
        for number, group in enumerate(shards.parts(rows(some, counts), ROWS)):
            if number % FILE_GROUPS == 0:
                stack.close()
                path = folder / "data" / f"{split}-{number // FILE_GROUPS:05}.parquet"
                file = stack.enter_context(pq.ParquetWriter(path, schema, compression="zstd"))
            file.write_table(pa.Table.from_pylist(group, schema=plain).cast(schema))
    return counts
