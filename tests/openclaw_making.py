"""For tests of black-box harnesses: policies that play a script for each task, and rollouts of them under a harness."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from sandbox import openclaw, scripted
from sandbox.agents import Agent
from sandbox.box import Caps, Sandbox
from sandbox.endpoint import Endpoint
from sandbox.episodes import Attempt
from sandbox.harness import text_of
from sandbox.harnesses import HARNESSES, Harness
from sandbox.plays import Play
from specs.records import Limits, Rollout, Task

SECRET = "sk-never-to-be-seen-inside"
CAPS = Caps()
Move = Callable[[], Response | Play] | Play
needed = pytest.mark.skipif(not openclaw.installed(), reason="OpenClaw is not installed here; run make openclaw")


def call(tool: str, **arguments: Any) -> Play:
    return Play("", tool, arguments)


def run(command: str, **more: Any) -> Play:
    return call("exec", command=command, **more)


@contextmanager
def playing(moves: Mapping[str, Sequence[Move]]) -> Iterator[tuple[Agent, list[Any]]]:
    """An agent that plays for each instruction its moves and then says "Done."; and the bodies that reach its endpoint."""
    bodies: list[Any] = []

    async def post(request: Request) -> Response:
        body = json.loads(await request.body())
        bodies.append(body)
        messages = body["messages"]
        said = next(text_of(m["content"]) for m in messages if m["role"] == "user")
        script = next(script for instruction, script in moves.items() if instruction in said)
        turn = sum(m["role"] == "assistant" for m in messages)
        move = script[turn] if turn < len(script) else Play("Done.")
        if not isinstance(move, Play):
            move = await run_in_threadpool(move)
        if not isinstance(move, Play):
            return move
        answer = scripted._response(body, move, turn)
        if not body.get("stream"):
            return JSONResponse(answer)
        return StreamingResponse(scripted._events(answer, True), media_type="text/event-stream")

    with scripted.listening(Starlette(routes=[Route("/v1/chat/completions", post, methods=["POST"])])) as url:

        @contextmanager
        def opened() -> Iterator[Endpoint]:
            yield Endpoint(url, "played", SECRET)

        yield Agent("played", lambda task: {"name": "played"}, {}, 0, opened), bodies


def harness(by: str, ahead: int = 2) -> Harness:
    """The built-in one, or OpenClaw by its way."""
    return HARNESSES["builtin"]({}) if by == "builtin" else HARNESSES["openclaw"]({"by": by, "ahead": ahead})


def attempt_at(task: Task, under: Harness, **limits: int) -> Attempt:
    terms = replace(task.limits, **({"seconds": 300, "tokens": 200_000} | limits))
    return Attempt(task, "played", {"name": "played"}, {}, terms, CAPS, 0, Sandbox(), under.told)


def rolled_out(tasks: Sequence[tuple[Task, dict[str, int]]], agent: Agent, under: Harness, workers: int = 2) -> dict[str, Rollout]:
    """The rollouts of these tasks, each with its limits, by their instructions."""
    attempts = [attempt_at(task, under, **limits) for task, limits in tasks]
    with under.opened(agent, CAPS, Sandbox()) as roll_out, ThreadPoolExecutor(workers) as threads:
        return {a.task.instruction: r for a, r in zip(attempts, threads.map(roll_out, attempts), strict=True)}


def failing(status: int) -> Response:
    return JSONResponse({"error": {"message": "no"}}, status)


__all__ = ["CAPS", "SECRET", "Limits", "Move", "attempt_at", "call", "failing", "harness", "needed", "playing", "rolled_out", "run"]
