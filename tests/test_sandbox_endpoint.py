"""The client of chat-completions endpoints, against servers that behave badly over real HTTP."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import making
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import endpoint, scripted
from sandbox.harness import ContextFull
from specs.errors import BoundaryError

GOOD = {"choices": [{"message": {"role": "assistant", "content": "Done."}, "finish_reason": "stop"}]}
SECRET = "sk-very-secret"
MESSAGES = [{"role": "user", "content": "Hello"}]
Seen = list[tuple[dict[str, str], Any]]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "PAUSE_S", 0.01)


@contextmanager
def answering(*answers: Callable[[], Response], path: str = "/v1/chat/completions") -> Iterator[tuple[str, Seen]]:
    """A server that gives these answers in turn (the last again and again); yields its URL and what it was asked."""
    seen: Seen = []

    async def post(request: Request) -> Response:
        seen.append((dict(request.headers), json.loads(await request.body())))
        return answers[min(len(seen), len(answers)) - 1]()

    with scripted.listening(Starlette(routes=[Route(path, post, methods=["POST"])])) as url:
        yield url, seen


def good() -> Response:
    return JSONResponse(GOOD)


def failing(status: int, text: str = "no", **headers: str) -> Callable[[], Response]:
    return lambda: Response(text, status, headers=headers)


def test_model_messages_tools_sampling_and_extras_are_sent() -> None:
    tools = [{"type": "function", "function": {"name": "read"}}]
    with answering(good) as (url, seen):
        completion = endpoint.connect(url, "m", extra={"logprobs": True})(MESSAGES, tools, {"temperature": 0.5})
    assert seen[0][1] == {"model": "m", "messages": MESSAGES, "tools": tools, "temperature": 0.5, "logprobs": True}
    assert completion.request == seen[0][1]
    assert completion.response == GOOD


def test_a_url_without_a_path_gets_v1() -> None:
    with answering(good) as (url, seen):
        endpoint.connect(url.removesuffix("/v1"), "m")(MESSAGES, [], {})
    assert len(seen) == 1


def test_a_url_with_a_path_of_its_own_keeps_it() -> None:
    with answering(good, path="/api/chat/completions") as (url, seen):
        endpoint.connect(url.removesuffix("/v1") + "/api/", "m")(MESSAGES, [], {})
    assert len(seen) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_passing_failures_are_tried_again(status: int) -> None:
    with answering(failing(status), failing(status), good) as (url, seen):
        assert endpoint.connect(url, "m")(MESSAGES, [], {}).response == GOOD
    assert len(seen) == 3


def test_a_failure_that_stays_is_the_endpoints() -> None:
    with answering(failing(500, "out of memory")) as (url, seen), pytest.raises(BoundaryError, match="HTTP 500: out of memory") as caught:
        endpoint.connect(url, "m")(MESSAGES, [], {})
    assert caught.value.boundary == "endpoint"
    assert len(seen) == endpoint.TRIES


def test_a_refusal_is_not_repeated() -> None:
    with answering(failing(401, "who are you"), good) as (url, seen), pytest.raises(BoundaryError, match="HTTP 401"):
        endpoint.connect(url, "m")(MESSAGES, [], {})
    assert len(seen) == 1


@pytest.mark.parametrize(
    "words",
    ['{"error": {"code": "context_length_exceeded"}}', "This model's maximum context length is 8192 tokens.", "exceed_context_size_error"],
)
def test_a_prompt_too_long_is_the_agents_limit(words: str) -> None:
    with answering(failing(400, words)) as (url, seen), pytest.raises(ContextFull):
        endpoint.connect(url, "m")(MESSAGES, [], {})
    assert len(seen) == 1


def test_as_many_may_ask_at_a_time_as_want_to() -> None:
    most, here = 150, asyncio.Event()
    asked: list[int] = []

    async def post(request: Request) -> Response:
        asked.append(1)
        if len(asked) == most:
            here.set()
        await asyncio.wait_for(here.wait(), 60)
        return good()

    with scripted.listening(Starlette(routes=[Route("/v1/chat/completions", post, methods=["POST"])])) as url:
        complete = endpoint.connect(url, "m", timeout_s=60)
        with ThreadPoolExecutor(most) as threads:
            assert all(threads.map(lambda _: complete(MESSAGES, [], {}).response == GOOD, range(most)))


def test_connections_are_kept_for_the_next_who_ask() -> None:
    ports: list[int] = []
    at_once = threading.Barrier(5)

    async def post(request: Request) -> Response:
        assert request.client
        ports.append(request.client.port)
        await asyncio.to_thread(at_once.wait, 60)
        return good()

    with scripted.listening(Starlette(routes=[Route("/v1/chat/completions", post, methods=["POST"])])) as url:
        complete = endpoint.connect(url, "m", timeout_s=60)
        for _ in range(3):
            with ThreadPoolExecutor(5) as threads:
                assert all(threads.map(lambda _: complete(MESSAGES, [], {}).response == GOOD, range(5)))
    assert len(ports) == 15 and len(set(ports)) == 5


def test_nobody_listening_is_the_endpoints_failure() -> None:
    with socket.socket() as port:
        port.bind(("127.0.0.1", 0))
        with pytest.raises(BoundaryError) as caught:
            endpoint.connect(f"http://127.0.0.1:{port.getsockname()[1]}/v1", "m")(MESSAGES, [], {})
    assert caught.value.boundary == "endpoint"


def test_a_dropped_connection_is_tried_again() -> None:
    body = json.dumps(GOOD).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drop_then_answer() -> None:
            for reply in (b"", answer):
                connection, _ = server.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(reply)

        thread = threading.Thread(target=drop_then_answer, daemon=True)
        thread.start()
        assert endpoint.connect(f"http://127.0.0.1:{server.getsockname()[1]}", "m")(MESSAGES, [], {}).response == GOOD
        thread.join()


def test_a_silent_endpoint_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(BoundaryError, match="no answer in time"):
        endpoint.connect(f"http://127.0.0.1:{server.getsockname()[1]}", "m", timeout_s=0.2)(MESSAGES, [], {})


def test_an_answer_that_comes_byte_by_byte_has_no_more_time_than_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                while not over.wait(0.02):
                    connection.sendall(b" ")

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        with pytest.raises(BoundaryError, match="no answer in time"):
            endpoint.connect(f"http://127.0.0.1:{server.getsockname()[1]}", "m", timeout_s=0.3)(MESSAGES, [], {})
        over.set()
        thread.join()


def test_no_try_is_made_that_would_come_too_late() -> None:
    with answering(failing(503, "wait", **{"Retry-After": "30"})) as (url, seen), pytest.raises(BoundaryError, match="HTTP 503"):
        endpoint.connect(url, "m", timeout_s=10)(MESSAGES, [], {})
    assert len(seen) == 1


def test_an_answer_without_end_is_the_endpoints_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "ANSWER_BYTES", 1 << 20)
    with answering(lambda: Response(b" " * (2 << 20))) as (url, _), pytest.raises(BoundaryError, match="more than 1 MB"):
        endpoint.connect(url, "m")(MESSAGES, [], {})


@pytest.mark.parametrize("nested", ["[" * 100 + "]" * 100, '{"a":' * 100 + "1" + "}" * 100])
def test_an_answer_that_is_nested_too_deep_is_the_endpoints_failure(nested: str) -> None:
    text = '{"choices": [{"message": {"content": "x"}}], "more": ' + nested + "}"
    with answering(failing(200, text)) as (url, _), pytest.raises(BoundaryError, match="nested more than 64 deep"):
        endpoint.connect(url, "m")(MESSAGES, [], {})


@pytest.mark.parametrize(
    "choice",
    [
        {"token_ids": ["a"]},
        {"token_ids": [True]},
        {"token_ids": [1 << 40]},
        {"token_ids": 5},
        {"logprobs": [1]},
        {"logprobs": {"content": [{}]}},
    ],
)
def test_tokens_that_are_none_are_the_endpoints_failure(choice: dict[str, Any]) -> None:
    answer = {"choices": [GOOD["choices"][0] | choice]}
    with answering(lambda: JSONResponse(answer)) as (url, _), pytest.raises(BoundaryError, match="tokens that are none"):
        endpoint.connect(url, "m")(MESSAGES, [], {})


@pytest.mark.parametrize("text", ["<html>", "[1]"])
def test_an_answer_that_is_no_json_object_is_the_endpoints_failure(text: str) -> None:
    with answering(failing(200, text)) as (url, _), pytest.raises(BoundaryError) as caught:
        endpoint.connect(url, "m")(MESSAGES, [], {})
    assert caught.value.boundary == "endpoint"


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host/v1", ""])
def test_what_is_no_url_is_refused_before_any_request(url: str) -> None:
    with pytest.raises(BoundaryError):
        endpoint.connect(url, "m")


def test_the_key_goes_into_the_header_and_nowhere_else() -> None:
    with answering(lambda: JSONResponse({**GOOD, "note": f"your key is {SECRET}"})) as (url, seen):
        completion = endpoint.connect(url, "m", api_key=SECRET)(MESSAGES, [], {})
    assert seen[0][0]["authorization"] == f"Bearer {SECRET}"
    assert SECRET not in repr(completion)


def test_the_key_is_not_in_a_failure() -> None:
    with answering(failing(401, f"bad key {SECRET}")) as (url, _), pytest.raises(BoundaryError) as caught:
        endpoint.connect(url, "m", api_key=SECRET)(MESSAGES, [], {})
    assert "bad key" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_tokens_are_picked_up_where_given() -> None:
    choice = GOOD["choices"][0] | {
        "token_ids": [7, 8],
        "logprobs": {"content": [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": 0}]},
    }
    with answering(lambda: JSONResponse({"choices": [choice], "prompt_token_ids": [1, 2, 3]})) as (url, _):
        completion = endpoint.connect(url, "m")(MESSAGES, [], {})
    assert (completion.prompt_ids, completion.completion_ids, completion.logprobs) == ((1, 2, 3), (7, 8), (-0.5, 0.0))


def test_no_tokens_where_none_are_given() -> None:
    with answering(lambda: JSONResponse({"choices": [GOOD["choices"][0] | {"logprobs": None}]})) as (url, _):
        completion = endpoint.connect(url, "m")(MESSAGES, [], {})
    assert (completion.prompt_ids, completion.completion_ids, completion.logprobs) == ((), (), ())


def test_a_proxy_of_the_environment_does_not_catch_a_local_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    task = making.task({}, "Hello")
    with scripted.serve("untouched", [task]) as url:
        assert endpoint.connect(url, "m")(MESSAGES, [], {}).response["choices"]
