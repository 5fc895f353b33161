"""What the recording proxy costs a call: over its unix socket and straight to the same endpoint, in turns, streamed and whole."""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from benchmarks.timing import timed, turns
from sandbox import proxy, scripted
from sandbox.endpoint import Endpoint
from specs.errors import run
from specs.records import Limits

BAR_MS = 5.0
STRAIGHT = ", straight"
WARM = 10  # rounds before those that count
PIECES = 40  # of a streamed answer
PAUSE_S = 0.02  # between its first piece and the others
AMPLE = Limits(steps=1_000_000, seconds=86_400, tokens=1 << 40)
TOOLS = [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in ("read", "write", "edit", "exec")]
ASKED = {
    "model": "scripted",
    "messages": [{"role": "user", "content": "What is in the list? " * 20}, {"role": "assistant", "content": "I look. " * 40}] * 6,
    "tools": TOOLS,
}
_WHOLE = {
    "id": "x",
    "object": "chat.completion",
    "created": 0,
    "model": "scripted",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "word " * PIECES, "refusal": None}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 2000, "completion_tokens": PIECES, "total_tokens": 2000 + PIECES},
}


def app() -> Starlette:
    """An endpoint that answers at once, and streams one piece at once and the others after a pause."""

    async def events() -> AsyncIterator[str]:
        for n in range(PIECES):
            yield _event({"delta": {"content": "word "}, "finish_reason": None})
            await asyncio.sleep(0 if n else PAUSE_S)
        yield _event({"delta": {}, "finish_reason": "stop"})
        yield "data: [DONE]\n\n"

    async def completions(request: Request) -> Response:
        body = json.loads(await request.body())
        return StreamingResponse(events(), media_type="text/event-stream") if body.get("stream") else JSONResponse(_WHOLE)

    return Starlette(routes=[Route("/v1/chat/completions", completions, methods=["POST"])])


def _event(choice: dict[str, Any]) -> str:
    return f"data: {json.dumps({'id': 'x', 'created': 0, 'object': 'chat.completion.chunk', 'choices': [{'index': 0, **choice}]})}\n\n"


@contextmanager
def _apart(*arguments: str) -> Iterator[str]:
    """The endpoint or the proxy in a process of its own, as the box's programs are to both; yields its address."""
    line = [sys.executable, "-m", "benchmarks.proxy", *arguments]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101  (it was opened as a pipe)
        yield process.stdout.readline().strip()
        process.communicate()


def _serve(endpoint: str) -> None:
    """Be the endpoint or, before one, the proxy, until the input ends."""
    with ExitStack() as stack:
        if endpoint:
            lines = stack.enter_context(proxy.recording(Endpoint(endpoint, "scripted")))
            print(stack.enter_context(lines.line({"temperature": 0.7}, AMPLE)).path, flush=True)
        else:
            print(stack.enter_context(scripted.listening(app())), flush=True)
        sys.stdin.read()


def _works(client: httpx.Client) -> dict[str, Callable[[], float]]:
    """Seconds of a call, of a streamed one, and to the first piece of one."""

    def whole() -> None:
        client.post("/chat/completions", json=ASKED).raise_for_status()

    def streamed() -> float:
        start = time.perf_counter()
        with client.stream("POST", "/chat/completions", json=ASKED | {"stream": True}) as response:
            pieces = response.raise_for_status().iter_raw()
            next(pieces)
            first = time.perf_counter() - start
            for _ in pieces:
                pass
        return first

    return {"a call": timed(whole), "a streamed call": timed(streamed), "the first piece of a streamed call": streamed}


def main(argv: Sequence[str]) -> int:
    """Print the medians of both ways."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.proxy", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--serve", nargs="?", const="", metavar="URL", help="be the endpoint, or the proxy before this one")
    given = parser.parse_args(argv)
    if given.serve is not None:
        _serve(given.serve)
        return 0
    with _apart("--serve") as url, _apart("--serve", url) as path:
        over = httpx.Client(transport=httpx.HTTPTransport(uds=path), base_url="http://box/v1")
        with over, httpx.Client(base_url=url) as straight:
            works = {f"{name}{way}": work for way, client in (("", over), (STRAIGHT, straight)) for name, work in _works(client).items()}
            turns(works, WARM)
            found = {name: seconds * 1000 for name, seconds in turns(works, given.rounds).items()}
    for name in [name for name in found if STRAIGHT not in name]:
        mine, other = found[name], found[name + STRAIGHT]
        more = f"{mine - other:.2f} ms more, {mine / other:.2f} times; bar {BAR_MS:.0f} ms more"
        print(f"{name}: {mine:.2f} ms, straight {other:.2f} ms ({more})")
    return 0


if __name__ == "__main__":
    run(main)
