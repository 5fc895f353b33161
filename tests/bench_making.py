"""Rollouts and verdicts for tests of the bench, made of the few parts a test cares about."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from bench.reading import Attempt
from specs import layout, shards
from specs.records import CheckScore, Failure, Rollout, Task, Usage, Verdict


def rollout(task: Task, agent: str = "teacher", identity: str = "", messages: Any = None, **fields: Any) -> Rollout:
    """A completed rollout that changed nothing."""
    values: dict[str, Any] = {
        "attempt": 0,
        "policy": {"name": agent, "digest": "p"},
        "status": "completed",
        "limit": "",
        "error": None,
        "seconds": 1.5,
        "changes": (),
        "task_digest": task.digest,
        "harness": {},
    } | fields
    said = messages if messages is not None else [{"role": "assistant", "content": "Done."}]
    return Rollout(
        id=identity or f"r-{agent}-{task.id}",
        task=task.id,
        agent=agent,
        sampling={},
        calls=(),
        messages=said,
        tools=[],
        usage=Usage(1, 1, 1, 0),
        **values,
    )


def verdict(of: Rollout, score: float = 1.0, checks: Iterable[CheckScore] | None = None, identity: str = "", **fields: Any) -> Verdict:
    """A graded verdict of one table check, unless told otherwise."""
    values: dict[str, Any] = {"verifier_digest": "v", "status": "graded", "error": None, "rubric": None} | fields
    looked = (CheckScore("rows", "table", score, "as expected"),) if checks is None else tuple(checks)
    return Verdict(
        id=identity or f"v-{of.id}",
        rollout=of.id,
        task=of.task,
        agent=of.agent,
        score=score,
        code=score,
        solved=score >= 1,
        checks=looked,
        **values,
    )


def failed(of: Rollout, boundary: str, message: str = "broke") -> Verdict:
    """A verdict of status error."""
    return verdict(of, 0.0, (), status="error", error=Failure(boundary, message))


def attempt(of: Rollout, judged: Verdict | None) -> Attempt:
    """The two joined, as bench.reading joins them."""
    parts = (of.id, of.task, of.agent, of.attempt, of.status, of.limit, of.error, of.messages, of.usage, of.seconds, of.changes)
    return Attempt(*parts, judged, tuple(of.harness.get("weak", ())))


def keep(tasks: Iterable[Task], rollouts: Iterable[Rollout] = (), verdicts: Iterable[Verdict] = ()) -> None:
    """Write shards of them where the stages would, below the working directory."""
    shards.write(layout.TASKS, Task, [(t.split, t) for t in tasks])
    for agent in {r.agent for r in rollouts}:
        shards.write(layout.rollouts(agent, "bench"), Rollout, [("bench", r) for r in rollouts if r.agent == agent])
        shards.write(layout.verdicts(agent, "bench"), Verdict, [("bench", v) for v in verdicts if v.agent == agent])


def choose(**ids: list[str]) -> None:
    """Write data/selection.json."""
    layout.SELECTION.parent.mkdir(parents=True, exist_ok=True)
    layout.SELECTION.write_text(json.dumps({"train": [], "bench": [], "models": []} | ids))
