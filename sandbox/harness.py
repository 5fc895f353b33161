"""The built-in harness: a loop of model turns and tool calls over one box, with every request and response recorded."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from sandbox import tools
from sandbox.box import Box, BoxLimit
from specs.errors import BoundaryError
from specs.records import Call, Failure, Limits, Task, Usage

HARNESS: dict[str, str] = {"name": "builtin", "version": "1"}
MOST_TOKENS = 1 << 40  # that a response may say it used
OUTPUT_CHARS = 64_000  # of one tool's answer, whatever a tool allows itself

Message = dict[str, Any]


class ContextFull(Exception):
    """The conversation no longer fits the model's window: a limit of the agent, not a failure of the endpoint."""


@dataclass(frozen=True)
class Completion:
    """One answer of an endpoint: the chat-completions response, tokens where it gives them, the request as sent."""

    response: dict[str, Any]
    prompt_ids: tuple[int, ...] = ()
    completion_ids: tuple[int, ...] = ()
    logprobs: tuple[float, ...] = ()
    request: dict[str, Any] | None = None  # None: messages, tools and sampling as handed over


Complete = Callable[[list[Message], list[dict[str, Any]], dict[str, Any]], Completion]
"""(messages, tools, sampling) -> Completion. Raises BoundaryError where the endpoint fails, ContextFull where the prompt is too long."""


@dataclass(frozen=True)
class Episode:
    """What one attempt came to. `status`: completed | limit | error; `limit`: steps | seconds | tokens | box, or empty."""

    status: str
    limit: str
    error: Failure | None
    calls: tuple[Call, ...]
    messages: list[Message]
    usage: Usage
    seconds: float


@dataclass(frozen=True)
class _Asked:
    """A tool call as understood: `raw` is the text of its arguments, `broken` says why that could not be read."""

    id: str
    name: str
    raw: str
    arguments: Any
    broken: str


@dataclass
class _Run:
    """The state of a running episode."""

    messages: list[Message]
    limits: Limits
    start: float = field(default_factory=time.monotonic)
    calls: list[Call] = field(default_factory=list)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    tool_calls: int = 0

    def seconds_left(self) -> float:
        return self.limits.seconds - (time.monotonic() - self.start)

    def reached(self) -> str:
        """The limit that forbids another turn, or empty."""
        if len(self.calls) >= self.limits.steps:
            return "steps"
        if self.completion_tokens >= self.limits.tokens:
            return "tokens"
        return "seconds" if self.seconds_left() <= 0 else ""


def system_prompt(task: Task) -> str:
    """Who the agent is, where it works, its tools, and its skills as name, description and path."""
    lines = [
        "You are a personal assistant who works on a person's files.",
        "The files are in /workspace, your working directory; give paths relative to it.",
        "You have four tools: read, write, edit and exec (bash). Nobody answers questions while you work.",
        "Do what is asked, check the result, then say in a sentence or two what you did.",
    ]
    skills = list(_skills(task))
    if skills:
        lines += ["", "Skills (read a skill's file before you do what it is about):"]
        lines += [f"- {name}: {about} ({path})" for name, about, path in skills]
    return "\n".join(lines)


def run_episode(task: Task, complete: Complete, box: Box, sampling: dict[str, Any], limits: Limits) -> Episode:
    """Let a policy work on a task in an open box until it answers without tool calls or reaches a limit.

    Never raises for what the policy, the endpoint or the box does: that is the episode's status. `limits` counts model turns,
    wall seconds and completion tokens; a tool's run is cut at the seconds left, a model's turn at the tokens left.
    """
    run = _Run([], limits)
    limit, error = "", None
    try:
        run.messages += [{"role": "system", "content": system_prompt(task)}, {"role": "user", "content": task.instruction}]
        limit = _turns(run, complete, box, sampling)
    except BoxLimit:
        limit = "box"
    except ContextFull:
        limit = "tokens"
    except BoundaryError as failure:
        error = Failure(failure.boundary, str(failure))
    except Exception as failure:  # a fault of this loop or its tools must not pass for the agent's, nor stop the other rollouts
        error = Failure("harness", f"{type(failure).__name__}: {failure}")
    status = "error" if error else "limit" if limit else "completed"
    usage = Usage(run.prompt_tokens, run.completion_tokens, len(run.calls), run.tool_calls)
    return Episode(status, limit, error, tuple(run.calls), run.messages, usage, time.monotonic() - run.start)


def text_of(content: Any) -> str:
    """The text of a message's content, given as text, as a list of parts, or not at all."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _turns(run: _Run, complete: Complete, box: Box, sampling: dict[str, Any]) -> str:
    """Turn after turn until the policy is done (returns empty) or a limit is reached (returns which)."""
    while not (limit := run.reached()):
        asked, finish = _ask(run, complete, sampling)
        if not asked:
            return "tokens" if finish == "length" else ""  # an answer that was cut off is no answer
        for call in asked:
            if run.seconds_left() <= 0:
                return "seconds"
            run.tool_calls += 1
            try:
                text = _use(box, call, run.seconds_left())
            except BoxLimit as stop:
                run.messages.append(_result(call, f"error: the box was stopped: {stop.which}"))
                raise
            run.messages.append(_result(call, text))
    return limit


def _ask(run: _Run, complete: Complete, sampling: dict[str, Any]) -> tuple[list[_Asked], str]:
    """One model turn: recorded, and appended to the messages. Returns the tool calls and the finish reason."""
    left = run.limits.tokens - run.completion_tokens
    turn_sampling = {**sampling, "max_tokens": min(sampling.get("max_tokens") or left, left)}
    sent = list(run.messages)
    completion = complete(sent, tools.TOOLS, turn_sampling)
    response = clean(completion.response)
    request = completion.request or {"messages": sent, "tools": tools.TOOLS, **turn_sampling}
    run.calls.append(Call(request, response, completion.prompt_ids, completion.completion_ids, completion.logprobs))
    choice, said = said_in(response)
    prompt, new = tokens_of(completion)
    run.prompt_tokens += prompt
    run.completion_tokens += new
    asked = [_understood(call, f"call-{len(run.calls) - 1}-{n}") for n, call in enumerate(said.get("tool_calls") or [])]
    message: Message = {"role": "assistant", "content": text_of(said.get("content"))}
    if asked:
        message["tool_calls"] = [_as_history(call) for call in asked]
    run.messages.append(message)
    return asked, str(choice.get("finish_reason"))


def said_in(response: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The first choice and its message. Raises BoundaryError("endpoint") where there is none."""
    try:
        choice = response["choices"][0]
        said = choice["message"]
    except (KeyError, IndexError, TypeError):
        said = None
    if not isinstance(said, dict) or not isinstance(said.get("tool_calls") or [], list):
        raise BoundaryError("endpoint", "the response has no choices[0].message, or one whose tool calls are no list")
    return choice, said


def tokens_of(completion: Completion) -> tuple[int, int]:
    """Tokens of the prompt and of the answer: those listed where the endpoint lists them, else what it says it used.

    Raises BoundaryError("endpoint") where that is none.
    """
    given = completion.response.get("usage") or {}
    if not isinstance(given, dict):
        raise BoundaryError("endpoint", f"the response's usage is none: {given!r:.80}")
    prompt = len(completion.prompt_ids) or _tokens(given.get("prompt_tokens"))
    return prompt, len(completion.completion_ids) or _tokens(given.get("completion_tokens"))


def _tokens(said: Any) -> int:
    """A number of tokens as an endpoint says it. Raises BoundaryError where that is none: a budget and a limit rest on it."""
    if said is None:
        return 0
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 <= said <= MOST_TOKENS:
        raise BoundaryError("endpoint", f"the response says that it used {said!r:.80} tokens")
    return int(said)


def _understood(call: Any, spare_id: str) -> _Asked:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        raise BoundaryError("endpoint", "a tool call of the response has no function")
    identity, name, given = str(call.get("id") or spare_id), str(function.get("name") or ""), function.get("arguments")
    raw = given if isinstance(given, str) else json.dumps(given or {}, ensure_ascii=False)  # some servers send the object itself
    try:
        return _Asked(identity, name, raw, json.loads(raw) if raw.strip() else {}, "")
    except (ValueError, RecursionError) as error:
        return _Asked(identity, name, raw, None, str(error))


def _as_history(call: _Asked) -> dict[str, Any]:
    """The call as later requests repeat it. Servers parse old arguments again and refuse broken ones, so those go in quoted."""
    broken = call.broken or not call.raw.strip()
    arguments = json.dumps({"not_json": call.raw} if call.raw.strip() else {}, ensure_ascii=False) if broken else call.raw
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _use(box: Box, call: _Asked, seconds_left: float) -> str:
    if call.broken:
        return f"error: the arguments of {call.name or 'the tool'} are not valid JSON: {call.broken}"
    arguments = call.arguments
    if call.name == "exec" and isinstance(arguments, dict):
        wanted = arguments.get("timeoutSeconds", tools.DEFAULT_S)
        if isinstance(wanted, int | float) and wanted > seconds_left:
            arguments = arguments | {"timeoutSeconds": round(max(seconds_left, 0.1), 1)}
    return str(clean(_bounded(tools.call(box, call.name, arguments))))


def _bounded(text: str) -> str:
    """The start and the end of a long answer: errors stand at the end of what a program prints."""
    if len(text) <= OUTPUT_CHARS:
        return text
    half = OUTPUT_CHARS // 2
    return f"{text[:half]}\n... [{len(text) - 2 * half} characters left out] ...\n{text[-half:]}"


def _result(call: _Asked, text: str) -> Message:
    return {"role": "tool", "tool_call_id": call.id, "content": text}


def clean(value: Any) -> Any:
    """The JSON value without lone surrogates, which JSON can escape but neither UTF-8 nor Arrow can hold. Halves that meet are joined."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    return value


def _skills(task: Task) -> Iterator[tuple[str, str, str]]:
    """Name, description and path of each skill in the workspace. Raises BoundaryError where a SKILL.md has no front matter."""
    for file in task.workspace:
        if not (file.path.startswith(".skills/") and file.path.endswith("/SKILL.md")):
            continue
        parts = file.content.decode("utf-8").split("---\n", 2)
        front = yaml.safe_load(parts[1]) if len(parts) == 3 and not parts[0] else None
        if not isinstance(front, dict) or not {"name", "description"} <= set(front):
            raise BoundaryError("harness", f"{file.path} has no front matter with name and description")
        yield str(front["name"]), str(front["description"]), file.path
