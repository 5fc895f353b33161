"""For tests of what asks a model: an endpoint that plays a script over real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.scripted import listening

Body = dict[str, Any]
Answer = str | Response
Script = Callable[[Body], Answer]


def completion(text: str | None, finish: str = "stop", refusal: str | None = None) -> dict[str, Any]:
    """A chat completion that says `text`."""
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "scripted",
        "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, "refusal": refusal}}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12},
    }


class Played:
    """An endpoint with a script: `bodies`, `headers` and `ports` of the requests it got, the most that were open at a time, when they came."""

    def __init__(self, script: Script, delay_s: float = 0.0):
        self.script, self.delay_s = script, delay_s
        self.bodies: list[Body] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.ports: list[int] = []
        self.open = self.most_open = 0
        self.url = ""

    async def answer(self, request: Request) -> Response:
        body = json.loads(await request.body())
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        self.ports.append(request.client.port if request.client else 0)
        self.times.append(asyncio.get_running_loop().time())
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await asyncio.sleep(self.delay_s)
            said = self.script(body)
        finally:
            self.open -= 1
        return JSONResponse(completion(said)) if isinstance(said, str) else said


@contextmanager
def endpoint(script: Script, delay_s: float = 0.0) -> Iterator[Played]:
    """The scripted endpoint on a loopback port while the block runs."""
    played = Played(script, delay_s)
    with listening(Starlette(routes=[Route("/v1/chat/completions", played.answer, methods=["POST"])])) as url:
        played.url = url
        yield played
