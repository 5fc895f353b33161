"""One rollout's line to its endpoint: the terms it runs under, what it has used of them, and every call that was answered."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sandbox.forwarding import Wait
from sandbox.harness import Completion, Message, said_in, text_of, tokens_of
from specs.errors import BoundaryError
from specs.records import Call, Failure, Limits, Usage

REQUEST_BYTES = 64 << 20  # of all requests of a line, which are kept; far more than any model reads
OVER = "rollout_limit"


class Refused(Exception):
    """A request that is answered with HTTP 400 and OpenAI's error form; `code` says why to a program."""

    def __init__(self, code: str, message: str):
        self.code = code
        super().__init__(message)


@dataclass(frozen=True)
class _Terms:
    sampling: Mapping[str, Any]
    limits: Limits
    since: float


class Line:
    """What passes between one rollout and the endpoint. Its attributes can be read from any thread, while it runs and after.

    `path`: the socket on the host. `calls`: those that were answered to the end, as sent and as given. `limit`: the one that ended it
    (steps, tokens, seconds), or empty; it is also set where the last answer was cut off at the tokens left. `error`: the endpoint's
    failure that ended it.
    """

    def __init__(self, path: Path):
        self.path = path
        self.calls: tuple[Call, ...] = ()
        self.limit = ""
        self.error: Failure | None = None
        self.usage = Usage(0, 0, 0, 0)
        self.wait = Wait()
        self._terms: _Terms | None = None
        self._broken_off = 0
        self._bytes = 0

    def begin(self, sampling: Mapping[str, Any], limits: Limits) -> None:
        """Name the terms; the seconds run from now on. Raises RuntimeError where they have been named before."""
        if self._terms is not None:
            raise RuntimeError("a line serves one rollout")
        self._terms = _Terms(dict(sampling), limits, time.monotonic())

    @property
    def messages(self) -> list[Message]:
        """The conversation as last seen: the last answered request's messages and its answer."""
        if not self.calls:
            return []
        request, said = self.calls[-1].request, self.calls[-1].response["choices"][0]["message"]
        message = {"role": "assistant", "content": text_of(said.get("content"))}
        return [*request["messages"], message | ({"tool_calls": said["tool_calls"]} if said.get("tool_calls") else {})]

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The tools of the last answered request."""
        return list(self.calls[-1].request.get("tools") or []) if self.calls else []

    @property
    def waiting(self) -> bool:
        """Whether the endpoint is being waited for just now, by itself or to be tried again."""
        return self.wait.on

    def seconds_left(self) -> float:
        """Of the limit; what the endpoint's failures took does not count. Raises RuntimeError before `begin`."""
        if self._terms is None:
            raise RuntimeError("the line has not begun")
        return self._terms.limits.seconds - (time.monotonic() - self._terms.since - self.wait.lost_s)

    def check(self) -> None:
        """Raises Refused where there is to be no further call."""
        if self.error:
            raise _failed()
        if self._terms is None:
            raise Refused("rollout_not_begun", "no run has begun here")
        self.limit = self.limit or self._reached(self._terms.limits)
        if self.limit:
            raise _over(self.limit)

    def admitted(self, size: int) -> dict[str, Any]:
        """The sampling for the next call, whose request has `size` bytes. Raises Refused where there is to be none."""
        self._bytes += size
        self.check()
        assert self._terms is not None  # noqa: S101 (checked)
        left = self._terms.limits.tokens - self.usage.completion_tokens
        return {**self._terms.sampling, "max_tokens": min(self._terms.sampling.get("max_tokens") or left, left)}

    def stop(self, limit: str) -> Refused:
        """Set the limit that ends the line, and give what its client is told."""
        self.limit = limit
        return _over(limit)

    def fail(self, message: str, boundary: str = "endpoint") -> Refused:
        """End the line in error, and give what its client is told, which knows nothing of the endpoint."""
        self.error = Failure(boundary, message)
        return _failed()

    def answered(self, completion: Completion) -> None:
        """Record a call. Raises BoundaryError("endpoint") where the response says nothing that can be understood."""
        asked, finish = _understood(completion.response)
        self.usage = _added(self.usage, completion, asked)
        call = Call(completion.request, completion.response, completion.prompt_ids, completion.completion_ids, completion.logprobs)
        self.calls = (*self.calls, call)
        if finish == "length" and not asked:  # as under the built-in harness: an answer that was cut off is no answer
            self.limit = "tokens"

    def broken_off(self) -> None:
        """The client has gone before its answer came: nothing is recorded, but it counts as a step."""
        self._broken_off += 1

    def _reached(self, limits: Limits) -> str:
        if len(self.calls) + self._broken_off >= limits.steps:
            return "steps"
        if self.usage.completion_tokens >= limits.tokens or self._bytes > REQUEST_BYTES:
            return "tokens"
        return "seconds" if self.seconds_left() <= 0 else ""


def _over(limit: str) -> Refused:
    return Refused(OVER, f"this run has come to its end: {limit}")


def _failed() -> Refused:
    return Refused("endpoint_failed", "the model has failed; this run is over")


def _understood(response: dict[str, Any]) -> tuple[int, str]:
    """How many tools the answer calls, and its finish reason."""
    choice, message = said_in(response)
    calls = message.get("tool_calls") or []
    functions = [call.get("function") if isinstance(call, dict) else None for call in calls]
    whole = all(isinstance(part, dict) for part in (*response["choices"], *functions))
    if not whole or not isinstance(message.get("content"), str | list | None):
        raise BoundaryError("endpoint", f"the response has no message that can be understood: {str(response)[:200]}")
    return len(calls), str(choice.get("finish_reason"))


def _added(usage: Usage, completion: Completion, asked: int) -> Usage:
    prompt, said = tokens_of(completion)
    return replace(
        usage,
        prompt_tokens=usage.prompt_tokens + prompt,
        completion_tokens=usage.completion_tokens + said,
        turns=usage.turns + 1,
        tool_calls=usage.tool_calls + asked,
    )
