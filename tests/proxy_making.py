"""For tests of the recording proxy: its clients, and endpoints that stream what they are told to."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from endpoint_making import Script, completion, endpoint
from starlette.responses import Response, StreamingResponse

from sandbox import proxy
from sandbox.endpoint import Endpoint
from sandbox.recording import Line
from specs.records import Limits

AMPLE = Limits(steps=50, seconds=600, tokens=100_000)
MESSAGES = [{"role": "user", "content": "Hello"}]
SECRET = "sk-very-secret"


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    """A chunk with one choice; `more` goes beside it."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    return {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "scripted", "choices": [choice], **more}


SAYING = (chunk({"role": "assistant", "content": ""}), chunk({"content": "Do"}), chunk({"content": "ne."}), chunk({}, "stop"))
USAGE = chunk({}) | {"choices": [], "usage": completion("")["usage"]}


def event(value: Any) -> str:
    return f"data: {json.dumps(value)}\n\n"


def streaming(events: Iterable[str] | AsyncIterator[str]) -> StreamingResponse:
    """A response that streams these events; where they raise, its connection is cut."""
    return StreamingResponse(events, media_type="text/event-stream")


def said(*chunks: dict[str, Any]) -> StreamingResponse:
    """A stream of these chunks that comes to its end."""
    return streaming([*map(event, chunks), "data: [DONE]\n\n"])


def either(text: str = "Done.") -> Script:
    """An endpoint's script that says so, streamed where that is asked."""
    return lambda body: said(*SAYING[:1], chunk({"content": text}), SAYING[-1], USAGE) if body.get("stream") else text


@contextmanager
def client(line: Line) -> Iterator[httpx.Client]:
    """A client whose requests go over a line."""
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(line.path)), base_url="http://box/v1", timeout=60) as found:
        yield found


@contextmanager
def line_to(url: str, limits: Limits = AMPLE, *, timeout_s: float = 30, **sampling: Any) -> Iterator[tuple[Line, httpx.Client]]:
    """A line that has begun to an endpoint with a key, and a client of it."""
    to = Endpoint(url, "m", SECRET, timeout_s=timeout_s)
    with proxy.recording(to) as lines, lines.line(sampling, limits) as line, client(line) as over:
        yield line, over


@contextmanager
def scripted_line(script: Script, limits: Limits = AMPLE, **sampling: Any) -> Iterator[tuple[Line, httpx.Client, list[dict[str, Any]]]]:
    """A line to a scripted endpoint, a client of it, and the bodies that reach the endpoint."""
    with endpoint(script) as played, line_to(played.url, limits, **sampling) as (line, over):
        yield line, over, played.bodies


def ask(over: httpx.Client, stream: bool = False, **more: Any) -> httpx.Response:
    """The response to a call, read to its end."""
    return over.post("/chat/completions", json={"messages": MESSAGES, "stream": stream, **more})


def code(response: httpx.Response) -> tuple[int, str]:
    """Status and error code."""
    return response.status_code, response.json()["error"]["code"]


@contextmanager
def request(line: Line, messages: Any, stream: bool) -> Iterator[socket.socket]:
    """A call's request sent over a connection of its own, which is closed with the block, answered or not."""
    body = json.dumps({"messages": messages, "stream": stream}).encode()
    with socket.socket(socket.AF_UNIX) as raw:
        raw.settimeout(10)
        raw.connect(str(line.path))
        raw.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        yield raw


def failing(status: int, text: str = "no", **headers: str) -> Script:
    """An endpoint that refuses."""
    return lambda body: Response(text, status, headers=headers)
