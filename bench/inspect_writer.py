"""Writes an Inspect log with Inspect's own library. Run by an interpreter that has it (`make inspect`); imports nothing of this repository.

`python -I inspect_writer.py OUT` reads JSON lines as bench/inspecting.py writes them: first what all rollouts share, then one rollout each.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import inspect_ai
from inspect_ai.dataset import Sample
from inspect_ai.event import Event, ModelEvent, SampleInitEvent, ScoreEvent, ToolEvent
from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalError,
    EvalLog,
    EvalMetric,
    EvalResults,
    EvalSample,
    EvalSampleLimit,
    EvalScore,
    EvalSpec,
    EvalStats,
    write_eval_log,
)
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    GenerateConfig,
    ModelOutput,
    ModelUsage,
)
from inspect_ai.scorer import Score
from inspect_ai.tool import ToolCall
from inspect_ai.viewer import ViewerConfig

LIMITS = {"steps": "turn", "seconds": "time", "tokens": "token"}


def log_of(shared: dict[str, Any], rollouts: Iterable[dict[str, Any]]) -> EvalLog:
    """The whole log: a sample a rollout, mean figures of those that are graded."""
    samples = [sample(r, shared["model"]) for r in rollouts]
    usage = sum((s.model_usage[shared["model"]] for s in samples), ModelUsage())
    now = datetime.now(UTC).isoformat(timespec="seconds")  # rollouts know how long they took, not when
    spec = EvalSpec(
        created=now,
        task=shared["task"],
        task_id=shared["id"],
        run_id=shared["id"],
        eval_id=shared["id"],
        dataset=EvalDataset(name=shared["task"], samples=len({s.id for s in samples}), sample_ids=sorted({str(s.id) for s in samples})),
        model=shared["model"],
        config=EvalConfig(epochs=max((s.epoch for s in samples), default=1)),
        packages={"inspect_ai": inspect_ai.__version__},
        metadata=shared["metadata"],
        viewer=ViewerConfig(trust_content=False),  # what agents wrote is shown as plain text
    )
    stats = EvalStats(started_at=now, completed_at=now, model_usage={shared["model"]: usage})
    return EvalLog(status="success", eval=spec, results=results(samples), stats=stats, samples=samples)


def results(samples: list[EvalSample]) -> EvalResults:
    """Mean score and share of solved over the graded ones."""
    graded = [s.scores for s in samples if s.scores]
    parts = [("verdict", "mean"), ("solved", "accuracy")]
    scores = [
        EvalScore(
            name=name,
            scorer=name,
            scored_samples=len(graded),
            unscored_samples=len(samples) - len(graded),
            metrics={metric: EvalMetric(name=metric, value=sum(s[name].as_float() for s in graded) / len(graded))},
        )
        for name, metric in (parts if graded else [])
    ]
    done = sum(s.error is None for s in samples)
    return EvalResults(total_samples=len(samples), completed_samples=done, logged_samples=len(samples), scores=scores)


def sample(r: dict[str, Any], model: str) -> EvalSample:
    """One rollout as a sample: its id is the task's, its epoch the attempt."""
    messages = list(chat(r["messages"], r["id"], model))
    said = next((m.text for m in reversed(messages) if m.role == "assistant"), "")
    judged = scores(r["verdict"], said)
    usage = ModelUsage(
        input_tokens=r["prompt_tokens"], output_tokens=r["completion_tokens"], total_tokens=r["prompt_tokens"] + r["completion_tokens"]
    )
    return EvalSample(
        id=r["task"],
        epoch=r["attempt"] + 1,
        uuid=r["id"],
        input=r["instruction"],
        target="",
        files=r["files"],
        messages=messages,
        output=ModelOutput.from_content(model, said),
        scores=judged,
        events=[
            SampleInitEvent(sample=Sample(input=r["instruction"], id=r["task"], metadata=r["metadata"])),
            *events(messages, model),
            *(ScoreEvent(score=score, scorer=name) for name, score in (judged or {}).items()),
        ],
        metadata=r["metadata"],
        model_usage={model: usage},
        turn_count=r["turns"],
        total_time=r["seconds"],
        working_time=r["seconds"],
        error=EvalError(message=r["error"], traceback=r["error"], traceback_ansi=r["error"]) if r["error"] else None,
        limit=EvalSampleLimit(type=LIMITS.get(r["limit"], "custom"), limit=r["limit_value"], reason=r["limit"]) if r["limit"] else None,
    )


def scores(verdict: dict[str, Any] | None, said: str) -> dict[str, Score] | None:
    """The verdict's score with its checks, and whether the task is solved; None where there is no graded verdict."""
    if verdict is None:
        return None
    lines = [
        f"{'✓' if c['score'] >= 1 else format(c['score'], '.2f')} {c['id']} ({c['kind']}) {c['why']}".rstrip() for c in verdict["checks"]
    ]
    return {
        "verdict": Score(value=verdict["score"], answer=said, explanation="\n".join(lines), metadata=verdict),
        "solved": Score(value=verdict["solved"]),
    }


def chat(messages: list[dict[str, Any]], rollout: str, model: str) -> Iterator[ChatMessage]:
    """The conversation as Inspect's messages. Roles that it does not know are users."""
    names: dict[str, str] = {}
    for number, m in enumerate(messages):
        shared = {"id": f"{rollout[:12]}-{number}", "content": m["content"]}
        if m["role"] == "assistant":
            calls = [call(c) for c in m["tool_calls"]]
            names |= {c.id: c.function for c in calls}
            yield ChatMessageAssistant(**shared, tool_calls=calls or None, source="generate", model=model)
        elif m["role"] == "tool":
            yield ChatMessageTool(**shared, tool_call_id=m["tool_call_id"], function=names.get(m["tool_call_id"]))
        else:
            yield (ChatMessageSystem if m["role"] in ("system", "developer") else ChatMessageUser)(**shared)


def events(messages: list[ChatMessage], model: str) -> Iterator[Event]:
    """What the viewer's transcript shows: each answer with what it was given, each tool with what came back. Their times are not known."""
    asked: dict[str | None, ToolCall] = {}
    for number, message in enumerate(messages):
        if message.role == "assistant":
            asked |= {c.id: c for c in message.tool_calls or []}
            output = ModelOutput.from_message(message, "tool_calls" if message.tool_calls else "stop")
            given: dict[str, Any] = {"model": model, "input": messages[:number], "tools": [], "tool_choice": "auto"}
            yield ModelEvent(**given, config=GenerateConfig(), output=output, working_start=0.0)
        elif message.role == "tool" and message.tool_call_id in asked:
            c = asked[message.tool_call_id]
            yield ToolEvent(
                id=c.id, function=c.function, arguments=c.arguments, result=message.text, message_id=message.id, working_start=0.0
            )


def call(c: dict[str, Any]) -> ToolCall:
    """A tool call; one whose arguments are no object keeps their text."""
    if isinstance(c["arguments"], dict):
        return ToolCall(id=c["id"], function=c["name"], arguments=c["arguments"])
    return ToolCall(id=c["id"], function=c["name"], arguments={"not_json": c["arguments"]}, parse_error="the arguments are no JSON object")


def main() -> None:
    """Read all of standard input, write the log that is named on the command line."""
    lines = (json.loads(line) for line in sys.stdin)
    shared = next(lines)
    write_eval_log(log_of(shared, lines), sys.argv[1])


if __name__ == "__main__":
    main()
