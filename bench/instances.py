"""One bench instance as the report shows it: what was asked, what each agent did turn by turn, and the verdict."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.reading import Attempt
from bench.texts import Clip, clip, of_content, of_json
from specs.records import Scorecard, Task

INLINE_CHARS = 80
TITLE_CHARS = 150


@dataclass(frozen=True)
class Argument:
    """An argument of a tool call; `inline` where it is short enough to stand in the call's first line."""

    name: str
    inline: str
    block: Clip | None


@dataclass(frozen=True)
class ToolCall:
    """What an agent called, and what came back (None: nothing did)."""

    name: str
    arguments: tuple[Argument, ...]
    result: Clip | None


@dataclass(frozen=True)
class Turn:
    """One answer of the policy, or a message that somebody else put in (`role`)."""

    role: str
    says: Clip
    calls: tuple[ToolCall, ...]


@dataclass(frozen=True)
class Panel:
    """One attempt of an agent."""

    attempt: Attempt
    state: str  # solved | scored | error
    score: float
    turns: tuple[Turn, ...]


@dataclass(frozen=True)
class Mark:
    """An agent's outcome on the instance in a word: the mean score over its attempts, and what it counts as."""

    agent: str
    state: str  # solved | scored | error | none
    score: float


@dataclass(frozen=True)
class Instance:
    """A bench instance and all attempts at it."""

    task: Task
    title: str
    marks: tuple[Mark, ...]
    panels: tuple[Panel, ...]
    card: Scorecard | None


def instance(task: Task, attempts: Sequence[Attempt], agents: Iterable[str], card: Scorecard | None, bound: int) -> Instance:
    """The instance with its attempts in order of `agents`; no text is longer than `bound` characters."""
    names = list(agents)
    panels = [_panel(a, bound) for a in sorted(attempts, key=lambda a: (names.index(a.agent), a.attempt))]
    marks = tuple(_mark(name, [p for p in panels if p.attempt.agent == name]) for name in names)
    title = " ".join(task.instruction.split())
    title = title if len(title) <= TITLE_CHARS else title[:TITLE_CHARS].rsplit(" ", 1)[0] + " …"
    return Instance(task, title, marks, tuple(panels), card)


def _panel(attempt: Attempt, bound: int) -> Panel:
    verdict = attempt.verdict
    score = verdict.score if attempt.graded and verdict else 0.0
    state = "error" if not attempt.graded else "solved" if verdict and verdict.solved else "scored"
    return Panel(attempt, state, score, turns(attempt.messages, bound))


def _mark(agent: str, panels: Sequence[Panel]) -> Mark:
    graded = [p for p in panels if p.state != "error"]
    if not graded:
        return Mark(agent, "error" if panels else "none", 0.0)
    solved = all(p.state == "solved" for p in graded)
    return Mark(agent, "solved" if solved else "scored", sum(p.score for p in graded) / len(graded))


def turns(messages: Any, bound: int) -> tuple[Turn, ...]:
    """The turns after the system prompt and the instruction, each tool call with its result.

    Takes anything: what a policy answered need not be well-formed.
    """
    found = [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []
    results = [(str(m.get("tool_call_id", "")), of_content(m.get("content"))) for m in found if m.get("role") == "tool"]
    seen_user = False
    made = []
    for message in found:
        role = str(message.get("role", ""))
        if role in ("system", "tool") or (role == "user" and not seen_user):
            seen_user = seen_user or role == "user"
            continue
        wanted = message.get("tool_calls")
        calls = tuple(_call(c, results, bound) for c in wanted) if isinstance(wanted, list) else ()
        made.append(Turn(role, clip(of_content(message.get("content")).strip(), bound), calls))
    return tuple(made)


def _call(call: Any, results: list[tuple[str, str]], bound: int) -> ToolCall:
    """A tool call, taking its result out of `results`: ids may repeat over turns, so the first that fits is its own."""
    call = call if isinstance(call, dict) else {}
    function = call.get("function")
    function = function if isinstance(function, dict) else {}
    identity = str(call.get("id", ""))
    place = next((i for i, (owner, _) in enumerate(results) if owner == identity), None)
    result = None if place is None else clip(results.pop(place)[1], bound)
    return ToolCall(of_json(function.get("name", "")), tuple(_arguments(function.get("arguments"), bound)), result)


def _arguments(raw: Any, bound: int) -> Iterable[Argument]:
    try:
        value = json.loads(raw) if isinstance(raw, str) else raw
    except (ValueError, RecursionError):  # shown as it came
        value = raw
    if not isinstance(value, dict):
        value = {"": "" if value is None else value}
    for name, part in value.items():
        text = of_json(part)
        short = len(text) <= INLINE_CHARS and "\n" not in text
        yield Argument(str(name), text if short else "", None if short else clip(text, bound))
