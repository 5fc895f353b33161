"""The recording proxy over its real sockets: what passes, what it sets, keeps, records and refuses."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import making
import pytest
from endpoint_making import Body, completion, endpoint
from hypothesis import given, settings
from hypothesis import strategies as st
from proxy_making import (
    AMPLE,
    MESSAGES,
    SAYING,
    USAGE,
    ask,
    chunk,
    client,
    code,
    either,
    event,
    line_to,
    request,
    said,
    scripted_line,
    streaming,
)
from scripted_making import SOLUTION, TASK, play_out
from starlette.responses import JSONResponse, Response

from sandbox import answering, proxy, scripted
from sandbox.doors import Doors
from sandbox.endpoint import Endpoint
from sandbox.recording import Line
from specs.errors import BoundaryError
from specs.records import Limits, Usage

TOOLS = [{"type": "function", "function": {"name": "read", "parameters": {"type": "object"}}}]
EITHER_WAY = pytest.mark.parametrize("stream", [False, True])


# --- what it serves


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


# --- what it sets


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


# --- what it keeps


@EITHER_WAY
def test_steps_are_capped_and_a_stop_stays(stream: bool) -> None:
    with scripted_line(either(), Limits(2, 600, 1000)) as (line, over, bodies):
        assert [ask(over, stream).status_code for _ in range(2)] == [200, 200]
        assert line.limit == ""
        refused = [ask(over, stream) for _ in range(2)]
    assert [code(response) for response in refused] == [(400, "rollout_limit")] * 2
    assert "steps" in refused[0].text
    assert (line.limit, line.error, len(bodies), len(line.calls)) == ("steps", None, 2, 2)


@EITHER_WAY
def test_completion_tokens_are_capped(stream: bool) -> None:
    with scripted_line(either(), Limits(9, 600, 10)) as (line, over, _):
        assert [ask(over, stream).status_code for _ in range(3)] == [200, 200, 400]
    assert line.limit == "tokens"
    assert line.usage == Usage(14, 10, 2, 0)


def test_wall_seconds_are_capped_from_the_beginning_on() -> None:
    with endpoint(either()) as played, proxy.recording(Endpoint(played.url, "m")) as lines, lines.line() as line, client(line) as over:
        line.begin({}, Limits(9, 0, 100))
        assert code(ask(over)) == (400, "rollout_limit")
    assert (line.limit, played.bodies) == ("seconds", [])


@EITHER_WAY
def test_an_answer_cut_off_at_the_tokens_left_is_a_limit(stream: bool) -> None:
    def cut_off(body: Body) -> Response:
        return said(chunk({"content": "Do"}), chunk({}, "length")) if body.get("stream") else JSONResponse(completion("Do", "length"))

    with scripted_line(cut_off) as (line, over, _):
        assert ask(over, stream).status_code == 200
        assert (line.limit, len(line.calls)) == ("tokens", 1)
        assert code(ask(over, stream)) == (400, "rollout_limit")


def test_a_body_longer_than_any_prompt_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "BODY_BYTES", 1000)
    with scripted_line(either()) as (line, over, bodies):
        assert code(over.post("/chat/completions", content=b"x" * 100_000)) == (400, "rollout_limit")
    assert (line.limit, bodies) == ("tokens", [])


def test_one_call_at_a_time() -> None:
    with endpoint(either(), delay_s=0.05) as played, line_to(played.url, Limits(3, 600, 1000)) as (line, _), ThreadPoolExecutor(8) as pool:

        def call(_: int) -> int:
            with client(line) as over:
                return ask(over).status_code

        statuses = list(pool.map(call, range(8)))
    assert played.most_open == 1
    assert sorted(statuses) == [200] * 3 + [400] * 5
    assert len(line.calls) == 3


def test_a_line_is_told_its_terms_once_and_refuses_calls_before() -> None:
    with endpoint(either()) as played, proxy.recording(Endpoint(played.url, "m")) as lines, lines.line() as line, client(line) as over:
        assert over.get("/models").is_success
        assert code(ask(over)) == (400, "rollout_not_begun")
        assert played.bodies == []
        line.begin({"temperature": 0.5}, AMPLE)
        assert ask(over).is_success
        assert played.bodies[0]["temperature"] == 0.5
        with pytest.raises(RuntimeError):
            line.begin({}, AMPLE)


# --- what it records


def tokens(body: Body) -> Response:
    """An answer with its tokens, as vLLM gives them."""
    shown = [{"token": t, "logprob": p} for t, p in (("Do", -0.5), ("ne.", -1.0))]
    if not body.get("stream"):
        whole = completion("Done.") | {"prompt_token_ids": [1, 2, 3]}
        whole["choices"][0] |= {"token_ids": [7, 8], "logprobs": {"content": shown}}
        return JSONResponse(whole)
    first, *others = (json.loads(json.dumps(one)) for one in SAYING)
    for one, token_id, logprob in zip(others[:2], (7, 8), shown, strict=True):
        one["choices"][0] |= {"token_ids": [token_id], "logprobs": {"content": [logprob]}}
    return said(first | {"prompt_token_ids": [1, 2, 3]}, *others, USAGE)


@EITHER_WAY
def test_tokens_are_recorded_and_not_shown(stream: bool) -> None:
    with scripted_line(tokens) as (line, over, _):
        shown = ask(over, stream).text
    call = line.calls[0]
    assert (call.prompt_ids, call.completion_ids, call.logprobs) == ((1, 2, 3), (7, 8), (-0.5, -1.0))
    assert line.usage == Usage(3, 2, 1, 0)
    assert "token_ids" not in shown
    assert "-0.5" not in shown


def test_a_streamed_call_is_recorded_as_the_whole_would_be() -> None:
    with scripted_line(tokens) as (line, over, _):
        ask(over), ask(over, stream=True)
    whole, streamed = (call.response for call in line.calls)
    assert streamed == whole
    assert line.calls[0].completion_ids == line.calls[1].completion_ids


TEXT = st.text(st.characters(codec="utf-8"), max_size=600)


@settings(max_examples=5)
@given(steps=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=8))
def test_the_teacher_is_recorded_the_same_streamed_and_whole(steps: list[tuple[str, str]]) -> None:
    solution = making.solution([("write", {"path": "x", "content": argument}, says) for says, argument in steps])
    with scripted.serve("teacher", [TASK], [solution]) as url, line_to(url) as (line, over), httpx.Client() as straightway:
        for turn in range(len(steps) + 1):
            asked = [{"role": "user", "content": TASK.instruction}, *[{"role": "assistant", "content": ""}] * turn]
            straight = straightway.post(f"{url}/chat/completions", json={"messages": asked, "model": "m"}).json()
            ask(over, False, messages=asked), ask(over, True, messages=asked)
            assert line.calls[-2].response == line.calls[-1].response == straight


@EITHER_WAY
def test_the_conversation_is_that_of_the_last_answer(stream: bool) -> None:
    with scripted.serve("teacher", [TASK], [SOLUTION]) as url, line_to(url) as (line, over):
        assert (line.messages, line.tools) == ([], [])
        asked = [{"role": "user", "content": TASK.instruction}]
        ask(over, stream, messages=asked, tools=TOOLS)
    called = {"id": "call-0", "type": "function", "function": {"name": "exec", "arguments": '{"command": "ls"}'}}
    assert line.messages == [*asked, {"role": "assistant", "content": SOLUTION.steps[0].says, "tool_calls": [called]}]
    assert (line.tools, line.usage.turns, line.usage.tool_calls) == (TOOLS, 1, 1)


def test_two_lines_see_nothing_of_each_other() -> None:
    def script(body: Body) -> str:
        return f"I heard {body['messages'][0]['content']}"

    def talk(lines: proxy.Proxy, name: str) -> Line:
        with lines.line({}, AMPLE) as line, client(line) as over:
            for turn in range(5):
                assert name in ask(over, stream=False, messages=[{"role": "user", "content": f"{name} {turn}"}]).text
        return line

    with endpoint(script, delay_s=0.01) as played, proxy.recording(Endpoint(played.url, "m")) as lines, ThreadPoolExecutor(8) as pool:
        names = [f"rollout-{n}" for n in range(8)]
        found = list(pool.map(lambda name: talk(lines, name), names))
    for name, line in zip(names, found, strict=True):
        assert [call.request["messages"][0]["content"] for call in line.calls] == [f"{name} {turn}" for turn in range(5)]
        assert all(name in call.response["choices"][0]["message"]["content"] for call in line.calls)
    assert played.most_open > 1


def test_lone_surrogates_are_not_recorded() -> None:
    with scripted_line(lambda body: Response(json.dumps(completion("a\udc80b")))) as (line, over, bodies):
        over.post("/chat/completions", content=b'{"messages": [{"role": "user", "content": "a\\ud800b"}]}')
    json.dumps([line.calls[0].request, line.calls[0].response], ensure_ascii=False).encode()
    assert bodies[0]["messages"][0]["content"].startswith("a")


# --- streams


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


# --- what it refuses


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


def test_more_connections_than_any_harness_has_are_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "CONNECTIONS", 3)
    with scripted_line(either()) as (line, _, _):
        held = [socket.socket(socket.AF_UNIX) for _ in range(4)]
        for one in held:
            one.settimeout(10)
            one.connect(str(line.path))
        assert held[3].recv(1) == b""
        for one in held:
            one.close()
        for _ in range(100):
            with client(line) as over:
                try:
                    assert ask(over).is_success
                    break
                except httpx.TransportError:  # those that left are still being let go
                    continue
        else:
            pytest.fail("nobody is let in any more")


# --- where it is


def test_the_socket_is_gone_after_the_block() -> None:
    with endpoint(either()) as played, proxy.recording(Endpoint(played.url, "m")) as lines:
        with lines.line({}, AMPLE) as line, client(line) as over:
            ask(over)
            place = line.path.parent
            assert place.parent.is_dir()
        assert not place.exists()
        assert len(line.calls) == 1
    assert not place.parent.exists()


def test_a_call_on_its_way_ends_with_its_line() -> None:
    left = threading.Event()

    async def hanging() -> AsyncIterator[str]:
        try:
            yield event(SAYING[0])
            await asyncio.sleep(3600)
        finally:
            left.set()

    with endpoint(lambda body: streaming(hanging())) as played, proxy.recording(Endpoint(played.url, "m")) as lines:
        with lines.line({}, AMPLE) as line, request(line, MESSAGES, True) as raw:
            assert b" 200 " in raw.recv(1000)
            stays = raw.dup()
        assert left.wait(10)
        stays.settimeout(10)
        assert b"[DONE]" not in stays.recv(10_000)
        stays.close()
    assert line.calls == ()


def test_what_is_no_url_is_refused() -> None:
    with pytest.raises(BoundaryError), proxy.recording(Endpoint("localhost:8000", "m")):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_nobody_but_the_user_of_boxes_reaches_the_socket() -> None:
    reach = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    with scripted_line(either()) as (line, _, _):
        for user, allowed in ((proxy.OUTSIDE_ID, True), (65534, False)):
            identity = ["setpriv", "--reuid", str(user), "--regid", str(user), "--clear-groups"]
            tried = subprocess.run(
                [*identity, "/usr/bin/python3", "-c", reach, str(line.path)], capture_output=True, text=True, cwd="/", check=False
            )
            assert (tried.returncode == 0) is allowed, tried.stderr
            assert allowed or "PermissionError" in tried.stderr


CALL = """
import http.client, json, socket
class Over(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/run/endpoint.sock")
over = Over("box")
over.request("POST", "/v1/chat/completions", json.dumps({"messages": [{"role": "user", "content": "Hello"}]}))
print(json.load(over.getresponse())["choices"][0]["message"]["content"])
"""


def test_a_box_reaches_its_line(open_box: Any) -> None:
    with scripted_line(either("Done.")) as (line, _, _), open_box((), doors=Doors(str(line.path))) as box:
        box.write("call.py", CALL.encode())
        assert "Done." in box.exec("/usr/bin/python3 call.py").output
    assert len(line.calls) == 1
