"""What the proxy answers over its real sockets: what it serves, sets, passes on and refuses."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from endpoint_making import endpoint
from proxy_making import AMPLE, MESSAGES, SAYING, ask, client, code, either, event, line_to, scripted_line, streaming
from scripted_making import SOLUTION, TASK, play_out
from starlette.responses import Response

from sandbox import answering, proxy, scripted
from sandbox.endpoint import Endpoint
from sandbox.recording import Line
from specs.records import Limits

TOOLS = [{"type": "function", "function": {"name": "read", "parameters": {"type": "object"}}}]
EITHER_WAY = pytest.mark.parametrize("stream", [False, True])


def test_the_models_are_the_one_whatever_the_endpoint_has() -> None:
    with scripted_line(either()) as (_, over, _):
        assert [model["id"] for model in over.get("/models").json()["data"]] == ["m"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/chat/completions"), ("POST", "/v1/models"), ("POST", "/v1/completions"), ("GET", "/"), ("GET", "/v1/reward"),
     ("POST", "/v1/chat/completions/"), ("POST", "//v1/chat/completions"), ("DELETE", "/v1/models")],
)  # fmt: skip
def test_nothing_else_is_there(method: str, path: str) -> None:
    with scripted_line(either()) as (_, over, bodies):
        assert code(over.request(method, f"http://box{path}")) == (404, "not_found")
    assert bodies == []


@EITHER_WAY
def test_the_openai_client_sees_the_teacher_as_if_straight(stream: bool) -> None:
    with scripted.serve("teacher", [TASK], [SOLUTION]) as url, line_to(url) as (line, _), bridged(line) as over:
        assert [c.to_dict() for c in play_out(over, TASK, stream)] == [c.to_dict() for c in play_out(url, TASK, stream)]


def bridged(line: Line) -> Any:
    """The line as a URL, for clients that know no sockets: what a bridge inside a box does."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import StreamingResponse
    from starlette.routing import Route

    async def passed(request: Request) -> Response:
        over = httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(line.path)))
        sent = over.build_request(request.method, f"http://box{request.url.path}", content=await request.body())
        got = await over.send(sent, stream=True)
        return StreamingResponse(got.aiter_raw(), got.status_code, dict(got.headers))

    return scripted.listening(Starlette(routes=[Route("/{path:path}", passed, methods=["GET", "POST"])]))


@EITHER_WAY
def test_sampling_model_and_extras_are_ours(stream: bool) -> None:
    theirs = {
        "model": "gpt", "temperature": 2, "top_p": 0.1, "seed": 3, "n": 4, "max_tokens": 9, "max_completion_tokens": 9, "logprobs": False,
        "top_logprobs": 3, "stop": ["x"], "store": True, "user": "u", "metadata": {}, "tool_choice": "required", "service_tier": "flex",
    }  # fmt: skip
    to_extra = {"return_token_ids": True}
    with endpoint(either()) as played, proxy.recording(Endpoint(played.url, "m", extra=to_extra)) as lines:
        with lines.line({"temperature": 0.7, "max_tokens": 50}, AMPLE) as line, client(line) as over:
            ask(over, stream, **theirs)
    asked = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    assert played.bodies == [{"model": "m", "messages": MESSAGES, "temperature": 0.7, "max_tokens": 50, "return_token_ids": True} | asked]
    assert line.calls[0].request == played.bodies[0]


def test_what_a_harness_needs_of_the_answer_passes() -> None:
    passed = {"tools": TOOLS, "tool_choice": "auto", "parallel_tool_calls": False, "response_format": {"type": "json_object"}}
    with scripted_line(either()) as (_, over, bodies):
        ask(over, **passed)
        ask(over, tools=[], tool_choice="auto")
    assert bodies[0].items() >= passed.items()
    assert not {"tools", "tool_choice"} & set(bodies[1])


def test_a_turn_gets_no_more_tokens_than_are_left() -> None:
    with scripted_line(either(), Limits(9, 600, 12), max_tokens=8) as (_, over, bodies):
        for _ in range(3):
            ask(over)  # each takes 5
    assert [body["max_tokens"] for body in bodies] == [8, 7, 2]


def test_the_first_token_is_not_held_back() -> None:
    go = threading.Event()

    async def events() -> AsyncIterator[str]:
        yield event(SAYING[1])
        await asyncio.to_thread(go.wait)
        yield event(SAYING[3])

    with scripted_line(lambda body: streaming(events())) as (line, over, _):
        with over.stream("POST", "/chat/completions", json={"messages": MESSAGES, "stream": True}) as got:
            pieces = got.iter_bytes()
            assert b'"Do"' in next(pieces)
            go.set()
            assert b"".join(pieces).endswith(b"data: [DONE]\n\n")
    assert len(line.calls) == 1


@pytest.mark.parametrize("wanted", [False, True])
def test_usage_is_always_asked_for_and_told_who_asked(wanted: bool) -> None:
    with scripted_line(either()) as (line, over, bodies):
        shown = ask(over, stream=True, stream_options={"include_usage": wanted}).text
    assert bodies[0]["stream_options"] == {"include_usage": True}
    assert ("usage" in shown) is wanted
    assert line.usage.completion_tokens == 5


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"{}", b'{"messages": 3}', b'{"messages": ["x"]}', b'{"messages": [{"content": "x"}]}', b"\xff", b"[" * 100_000,
     b'{"messages": [{"role": 7}]}', b'{"messages": [{"role": "user", "content": NaN}]}', b'{"messages": [{"role": "user", "x": 1e999}]}',
     b'{"messages": [{"role": "user", "content": ' + b"[" * 200 + b"]" * 200 + b"}]}", b'{"messages": [], "tools": {"a": 1}}',
     b'{"messages": [], "tools": ["exec"]}'],
)  # fmt: skip
def test_a_request_that_is_none_is_a_400_and_leaves_the_line_as_it_was(body: bytes) -> None:
    with scripted_line(either(), Limits(1, 600, 100)) as (line, over, bodies):
        refused = over.post("/chat/completions", content=body)
        assert (refused.status_code, refused.json()["error"]["type"]) == (400, "invalid_request_error")
        assert bodies == []
        assert ask(over).is_success
    assert (line.limit, line.error) == ("", None)


@pytest.mark.parametrize(
    "sent", [b"garbage\r\n\r\n", b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"\0" * 9000]
)
def test_what_is_no_http_is_a_400(sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with scripted_line(either()) as (line, _, _), socket.socket(socket.AF_UNIX) as raw:
        raw.connect(str(line.path))
        raw.sendall(sent)
        raw.settimeout(10)
        assert b" 400 " in raw.recv(1000)
    assert caplog.text == ""


def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "BODY_S", 0.1)
    with scripted_line(either()) as (line, over, _), socket.socket(socket.AF_UNIX) as raw:
        raw.connect(str(line.path))
        raw.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        raw.settimeout(10)
        assert b" 400 " in raw.recv(1000)
        assert ask(over).is_success


def test_who_does_not_take_no_for_an_answer_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "PATIENCE", 2)
    monkeypatch.setattr(answering, "PAUSE_S", 3600.0)
    with scripted_line(either(), Limits(0, 600, 100)) as (_, over, _):
        assert [ask(over).status_code for _ in range(2)] == [400, 400]
        with pytest.raises(httpx.ReadTimeout):
            over.post("/chat/completions", json={"messages": MESSAGES}, timeout=0.2)
