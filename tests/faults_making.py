"""Endpoints that fail in one way: a real HTTP server that plays the teacher of `numbered` tasks, but for those it has a fault for."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from projects import numbered, solved

ANSWER_S = 0.5  # that the endpoint has for an answer where it hangs
Fault = Callable[["Handler", int], None]


class Handler(BaseHTTPRequestHandler):
    """Answers as the teacher, except for the first `server.times` requests of a task that `server.faulty` names."""

    protocol_version = "HTTP/1.1"
    server: Server
    streamed = False

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        messages, self.streamed = body["messages"], bool(body.get("stream"))
        instruction = next(m["content"] for m in messages if m["role"] == "user")
        with self.server.lock:
            self.server.asked[instruction] += 1
            asked = self.server.asked[instruction]
        if instruction in self.server.faulty and asked <= self.server.times:
            self.server.fault(self, asked)
            return
        n = int(instruction.removeprefix("Double the number of case ").removesuffix("."))
        step = solved(numbered(n)).steps[sum(m["role"] == "assistant" for m in messages)]
        if not step.tool:
            self.server.before_the_last(instruction)
        function = {"name": step.tool, "arguments": json.dumps(step.arguments)}
        calls = [{"id": "c", "type": "function", "function": function}] if step.tool else None
        message = {"role": "assistant", "content": step.says, "tool_calls": calls}
        usage = {"prompt_tokens": 10, "completion_tokens": 2}
        if self.streamed:
            calls = [{"index": 0, **call} for call in calls or ()]
            chunks = [_chunk({"role": "assistant", "content": step.says}), _chunk({"tool_calls": calls}), _chunk({}, "stop")]
            self.say(200, b"".join(chunks) + b"data: [DONE]\n\n")
            return
        self.say(200, json.dumps({"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}).encode())

    def say(self, status: int, body: bytes, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(length or len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, fault: Fault, faulty: set[str], times: int):
        self.fault, self.faulty, self.times = fault, faulty, times
        self.lock, self.asked = threading.Lock(), Counter[str]()
        self.over = threading.Event()
        self.before_the_last: Callable[[str], object] = lambda instruction: None  # answer of a task
        super().__init__(("127.0.0.1", port), Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # the other side has hung up


GARBAGE: tuple[Any, ...] = (
    b"<html>Bad gateway</html>",
    b"",
    b"\xff\xfe\x00garbage\x80",
    [1, 2],
    "text",
    {"choices": []},
    {"choices": [{"message": [["role", "assistant"]]}]},
    {"choices": [{"message": {"content": "x", "tool_calls": 5}}]},
    {"choices": [{"message": {"content": "x", "tool_calls": [5]}}]},
    {"choices": [{"message": {"content": "x"}}], "usage": {"completion_tokens": 1e300}},
    {"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": "many"}},
    {"choices": [{"message": {"content": "x"}, "token_ids": ["a", "b"]}]},
    {"choices": [{"message": {"content": "x"}, "token_ids": [1 << 70]}]},
    {"choices": [{"message": {"content": "x"}, "logprobs": [1]}]},
    {"choices": [{"message": {"content": "x"}, "logprobs": {"content": [{"logprob": None}]}}]},
    b'{"choices": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"choices": [{"message": {"content": "x", "extra": ' + b"[" * 900 + b"]" * 900 + b"}}]}",
    b'{"choices": [{"message": {"content": "x"}}], "created": ' + b"9" * 5000 + b"}",
)


def _garbage(handler: Handler, asked: int) -> None:
    with handler.server.lock:
        handler.server.asked["garbage"] += 1
        value = GARBAGE[handler.server.asked["garbage"] % len(GARBAGE)]
    handler.say(200, value if isinstance(value, bytes) else json.dumps(value).encode())


def _chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}).encode() + b"\n\n"


def _half(handler: Handler, asked: int) -> None:
    body = b'{"choices": [{"message": {"role": "assistant", "content": "Do'
    if handler.streamed:
        body = _chunk({"role": "assistant", "content": "Do"})
    if asked % 2:
        handler.say(200, body, length=1000, Connection="close")
    else:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))
    handler.close_connection = True


def _hanging(handler: Handler, asked: int) -> None:
    """By turns no answer, and one that comes byte by byte."""
    if asked % 2 == 0:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        while not handler.server.over.wait(0.05):
            handler.wfile.write(b" ")
    handler.server.over.wait(60)
    handler.close_connection = True


FAULTS: dict[str, Fault] = {
    "500": lambda handler, asked: handler.say(500, b"out of memory"),
    "429": lambda handler, asked: handler.say(429, b"slow down", **{"Retry-After": "0"}),
    "garbage": _garbage,
    "half": _half,
    "hanging": _hanging,
}


@contextmanager
def serving(fault: str, faulty: set[str], times: int, port: int = 0) -> Iterator[tuple[str, Server]]:
    """The URL of a server with that fault, and the server."""
    with Server(port, FAULTS[fault], faulty, times) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1", server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()


@contextmanager
def refusing(until_s: float) -> Iterator[str]:
    """A URL where nobody listens until so many seconds have passed; then a healthy server does."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    over = threading.Event()

    def late() -> None:
        if not over.wait(until_s):
            with serving("500", set(), 0, port):
                over.wait(300)

    thread = threading.Thread(target=late, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        over.set()
        thread.join()
        time.sleep(0)
