"""What the proxy makes of endpoints that fail, by kind, over real HTTP."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
from endpoint_making import Answer, Script, completion
from endpoint_making import endpoint as played_by
from proxy_making import MESSAGES, SAYING, ask, chunk, code, either, event, failing, line_to, request, scripted_line, streaming
from starlette.responses import Response

from sandbox import endpoint
from specs.records import Limits

STREAM = {"messages": MESSAGES, "stream": True}
EITHER_WAY = pytest.mark.parametrize("stream", [False, True])


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "PAUSE_S", 0.01)


def in_turn(*answers: Callable[[], Answer]) -> Script:
    """Gives these answers in turn, and then says that it is done."""
    left = list(answers)
    return lambda body: left.pop(0)() if left else either()(body)


@EITHER_WAY
@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_passing_failures_are_tried_again_and_not_recorded(status: int, stream: bool) -> None:
    no = Response("no", status)
    with scripted_line(in_turn(lambda: no, lambda: no)) as (line, over, bodies):
        assert ask(over, stream).status_code == 200
    assert len(bodies) == 3
    assert bodies[0] == bodies[2] == line.calls[0].request
    assert (len(line.calls), line.error) == (1, None)


@EITHER_WAY
@pytest.mark.parametrize("status", [429, 500])
def test_a_failure_that_stays_ends_the_line_with_a_400(status: int, stream: bool) -> None:
    with scripted_line(failing(status, "out of memory")) as (line, over, bodies):
        assert code(ask(over, stream)) == (400, "endpoint_failed")
        tried = len(bodies)
        assert code(ask(over, stream)) == (400, "endpoint_failed")
    assert tried == len(bodies) == endpoint.TRIES
    assert line.error is not None
    assert (line.error.boundary, line.error.message) == ("endpoint", f"HTTP {status}: out of memory")
    assert (line.calls, line.limit) == ((), "")


def test_a_failure_is_not_told_to_the_box() -> None:
    with scripted_line(failing(500, "at 10.1.2.3")) as (_, over, _):
        assert "10.1.2.3" not in ask(over).text


def test_retry_after_is_kept_within_bounds() -> None:
    pauses = [endpoint.pause_s(0, words) for words in ("7", "3600", "soon", "²", "")]
    assert pauses == [7.0, endpoint.LONGEST_PAUSE_S, *[endpoint.PAUSE_S] * 3]


def test_a_refusal_is_not_repeated() -> None:
    with scripted_line(failing(401, "who are you")) as (line, over, bodies):
        assert code(ask(over)) == (400, "endpoint_failed")
    assert len(bodies) == 1
    assert line.error is not None


@EITHER_WAY
@pytest.mark.parametrize("words", ['{"error": {"code": "context_length_exceeded"}}', "This model's maximum context length is 8192 tokens."])
def test_a_prompt_too_long_is_a_limit(words: str, stream: bool) -> None:
    with scripted_line(failing(400, words)) as (line, over, bodies):
        assert code(ask(over, stream)) == code(ask(over, stream)) == (400, "rollout_limit")
        assert "context" not in ask(over).text  # which some harnesses would take for a call to shorten the conversation
    assert (line.limit, line.error, len(bodies)) == ("tokens", None, 1)


GARBAGE_WHOLE: list[Any] = [
    [1],
    {},
    {"choices": []},
    {"choices": [3]},
    {"choices": {"0": 1}},
    {"choices": [{"message": "Done."}]},
    {"choices": [{"message": {"content": 7}}]},
    {"choices": [{"message": {"content": "", "tool_calls": 3}}]},
    {"choices": [{"message": {"content": "", "tool_calls": [{"id": "a"}]}}]},
    completion("x") | {"usage": [1]},
    completion("x") | {"usage": {"completion_tokens": "many"}},
    completion("x") | {"prompt_token_ids": ["a"]},
    {"choices": [completion("x")["choices"][0] | {"logprobs": {"content": [{"token": "a"}]}}]},
]


@pytest.mark.parametrize("garbage", ["<html>", "", "[" * 100_000, *map(json.dumps, GARBAGE_WHOLE)])
def test_garbage_is_the_endpoints_failure(garbage: str) -> None:
    with scripted_line(lambda body: Response(garbage, 200)) as (line, over, bodies):
        assert code(ask(over)) == (400, "endpoint_failed")
    assert line.error is not None
    assert (line.error.boundary, line.calls, len(bodies)) == ("endpoint", (), 1)


GARBAGE_CHUNKS: list[Any] = [
    [1],
    {"choices": 3},
    {"choices": [3]},
    {"choices": [{"index": "first", "delta": {}}]},
    chunk("Done."),  # type: ignore[arg-type]
    chunk({"content": {"text": "Done."}}),
    chunk({"tool_calls": [{"id": "a"}]}),
    chunk({"tool_calls": [{"index": 0, "function": "exec"}]}),
    chunk({}, token_ids=3) | {"prompt_token_ids": "abc"},
]


@pytest.mark.parametrize("garbage", ["data: {\n\n", "data: \n\n", "<html>", "", "data: [DONE]\n\n", *map(event, GARBAGE_CHUNKS)])
def test_garbage_in_a_stream_is_the_endpoints_failure(garbage: str) -> None:
    with scripted_line(lambda body: streaming([garbage, "data: [DONE]\n\n"])) as (line, over, bodies):
        try:
            assert code(ask(over, stream=True)) == (400, "endpoint_failed")
        except httpx.RemoteProtocolError:  # it was garbage only as a whole
            pass
    assert line.error is not None
    assert (line.error.boundary, line.calls, len(bodies)) == ("endpoint", (), 1)


def test_a_stream_that_is_no_text_is_the_endpoints_failure() -> None:
    with scripted_line(lambda body: Response(b"data: \xff\n\n", media_type="text/event-stream")) as (line, over, _):
        assert code(ask(over, stream=True)) == (400, "endpoint_failed")
    assert line.error is not None


def half(seen: threading.Event, ending: str) -> Response:
    """Half an answer, and when the client has seen that, an end of the wrong kind."""

    async def events() -> AsyncIterator[str]:
        for one in SAYING[:2]:
            yield event(one)
        await asyncio.to_thread(seen.wait, 10)
        if ending == "cut":
            raise ConnectionResetError
        if ending == "error":
            yield event({"error": {"message": "the engine died"}}) + "data: [DONE]\n\n"

    return streaming(events())


@pytest.mark.parametrize("ending", ["cut", "polite", "error"])
def test_half_a_stream_is_broken_off_and_never_repeated(ending: str) -> None:
    seen, shown = threading.Event(), b""
    with scripted_line(lambda body: half(seen, ending)) as (line, over, bodies):
        with pytest.raises(httpx.RemoteProtocolError), over.stream("POST", "/chat/completions", json=STREAM) as got:
            for piece in got.iter_bytes():
                shown += piece
                if b'"Do"' in shown:
                    seen.set()
        assert code(ask(over, stream=True)) == (400, "endpoint_failed")
    assert seen.is_set()
    assert b"[DONE]" not in shown
    assert line.error is not None
    assert (line.error.boundary, line.calls, len(bodies)) == ("endpoint", (), 1)


def test_a_stream_that_fails_before_it_says_anything_is_tried_again() -> None:
    busy = streaming([event({"error": {"message": "busy"}})])

    def nothing() -> Iterator[str]:
        raise ConnectionResetError
        yield

    with scripted_line(in_turn(lambda: busy, lambda: streaming(nothing()))) as (line, over, bodies):
        assert '"Done."' in ask(over, stream=True).text
    assert (len(bodies), len(line.calls), line.error) == (3, 1, None)


@EITHER_WAY
def test_nobody_listening_is_the_endpoints_failure(stream: bool) -> None:
    with socket.socket() as port:
        port.bind(("127.0.0.1", 0))
        with line_to(f"http://127.0.0.1:{port.getsockname()[1]}/v1") as (line, over):
            assert code(ask(over, stream)) == (400, "endpoint_failed")
    assert line.error is not None
    assert line.error.boundary == "endpoint"


@EITHER_WAY
def test_a_silent_endpoint_is_given_up(stream: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with line_to(f"http://127.0.0.1:{server.getsockname()[1]}", timeout_s=0.2) as (line, over):
            assert code(ask(over, stream)) == (400, "endpoint_failed")
    assert line.error is not None
    assert "no answer in time" in line.error.message


@pytest.mark.parametrize("meanwhile", ["", ": still there\n\n"])
def test_a_stream_that_hangs_half_way_is_broken_off(meanwhile: str) -> None:
    async def events() -> AsyncIterator[str]:
        yield event(SAYING[0])
        while True:
            await asyncio.sleep(0.05)
            yield meanwhile

    with scripted_line(lambda body: streaming(events()), timeout_s=1) as (line, over, _):
        with pytest.raises(httpx.RemoteProtocolError):
            ask(over, stream=True)
    assert line.error is not None
    assert "no answer in time" in line.error.message


@EITHER_WAY
def test_a_dropped_connection_is_tried_again(stream: bool) -> None:
    answer = (event(SAYING[1]) + event(SAYING[3])).encode() if stream else json.dumps(completion("Done.")).encode()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drop_then_answer() -> None:
            for reply in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer)):
                connection, _ = server.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(reply)

        thread = threading.Thread(target=drop_then_answer, daemon=True)
        thread.start()
        with line_to(f"http://127.0.0.1:{server.getsockname()[1]}") as (line, over):
            assert ask(over, stream).status_code == 200
        thread.join()
    assert (len(line.calls), line.error) == (1, None)


def test_an_answer_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "ANSWER_BYTES", 1 << 20)
    with scripted_line(lambda body: "x" * (2 << 20)) as (line, over, _):
        assert code(ask(over)) == (400, "endpoint_failed")
    assert line.error is not None
    assert "more than 1 MB" in line.error.message


def test_what_the_endpoints_failures_take_is_not_the_rollouts_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "PAUSE_S", 0.5)
    no = Response("no", 500)
    with scripted_line(in_turn(lambda: no, lambda: no), Limits(5, 1, 100)) as (line, over, _):
        ask(over)  # after 0.5 and 1 s
        assert ask(over).status_code == 200
    assert line.limit == ""


@EITHER_WAY
def test_a_client_that_leaves_is_no_call_but_a_step(stream: bool) -> None:
    """And the endpoint is told that nobody listens any more."""
    came, left = threading.Event(), threading.Event()

    async def hanging() -> AsyncIterator[str]:
        try:
            yield event(SAYING[0]) if stream else " "
            came.set()
            await asyncio.sleep(3600)
        finally:
            left.set()

    with scripted_line(in_turn(lambda: streaming(hanging())), Limits(2, 600, 100)) as (line, over, bodies):
        with request(line, MESSAGES, stream):
            assert came.wait(10)
        assert left.wait(10)
        assert (line.calls, line.error, line.waiting) == ((), None, False)
        assert ask(over, stream).status_code == 200
        assert code(ask(over, stream)) == (400, "rollout_limit")
    assert (line.limit, len(line.calls), len(bodies), line.usage.turns) == ("steps", 1, 2, 1)


def test_a_line_says_whether_it_waits_for_the_endpoint() -> None:
    go = threading.Event()

    async def slow() -> AsyncIterator[str]:
        yield event(SAYING[1])
        await asyncio.to_thread(go.wait)
        yield event(SAYING[3])

    with scripted_line(lambda body: streaming(slow())) as (line, over, _):
        with over.stream("POST", "/chat/completions", json=STREAM) as got:
            pieces = got.iter_bytes()
            next(pieces)
            deadline = time.monotonic() + 10
            while not line.waiting and time.monotonic() < deadline:
                time.sleep(0.01)
            assert line.waiting
            go.set()
            assert b"[DONE]" in b"".join(pieces)
        assert not line.waiting


@EITHER_WAY
def test_calls_one_after_the_other_share_a_connection(stream: bool) -> None:
    with played_by(either()) as played, line_to(played.url) as (_, over):
        for _ in range(3):
            assert ask(over, stream).is_success
    assert len(set(played.ports)) == 1


def test_a_stream_that_is_done_need_not_be_closed() -> None:
    async def events() -> AsyncIterator[str]:
        yield event(SAYING[1]) + event(SAYING[3]) + "data: [DONE]\n\n"
        await asyncio.sleep(3600)

    with scripted_line(lambda body: streaming(events())) as (line, over, _):
        assert ask(over, stream=True).text.endswith("data: [DONE]\n\n")
    assert (len(line.calls), line.error) == (1, None)


def test_a_redirect_is_not_followed() -> None:
    with (
        played_by(either()) as other,
        scripted_line(lambda body: Response("", 307, {"Location": f"{other.url}/chat/completions"})) as (_, over, _),
    ):
        assert code(ask(over)) == (400, "endpoint_failed")
    assert other.bodies == []
