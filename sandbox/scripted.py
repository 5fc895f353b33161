"""Scripted policies behind a real chat-completions server, so that they take the same road as any model."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from sandbox.harness import text_of
from sandbox.plays import POLICIES, Play, Policy
from specs import digests
from specs.errors import BoundaryError
from specs.records import Solution, Task

START_S = 30.0


class _Refused(Exception):
    """A request that is answered with OpenAI's error form."""

    def __init__(self, status: int, code: str, message: str):
        self.status, self.code = status, code
        super().__init__(message)


def app(policy: str, tasks: Iterable[Task], solutions: Iterable[Solution] = (), play: Policy | None = None) -> Starlette:
    """A stateless server of one policy: the task is found by its instruction, which stands in the first user message, the turn by counting.

    `play` stands in for what the policy of that name does by itself. Raises KeyError for an unknown policy.
    """
    play = play or POLICIES[policy]
    solved = {solution.id: solution for solution in solutions}
    known: dict[str, list[Task]] = {}
    for task in tasks:
        known.setdefault(task.instruction, []).append(task)

    async def models(request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": policy, "object": "model", "created": 0, "owned_by": "clawgym"}]})

    async def completions(request: Request) -> Response:
        try:
            body = _body(await request.body())
            messages = body["messages"]
            task = _task(known, messages)
            turn = sum(message["role"] == "assistant" for message in messages)
            try:
                answer = play(task, solved.get(task.id), turn)
            except LookupError as error:
                raise _Refused(404, "no_solution", str(error)) from None
        except _Refused as refused:
            said = {"message": str(refused), "type": "invalid_request_error", "param": None, "code": refused.code}
            return JSONResponse({"error": said}, refused.status)
        response = _response(body, answer, turn)
        if not body.get("stream"):
            return JSONResponse(response)
        with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        return StreamingResponse(_events(response, with_usage), media_type="text/event-stream")

    return Starlette(routes=[Route("/v1/models", models), Route("/v1/chat/completions", completions, methods=["POST"])])


def serve(
    policy: str, tasks: Iterable[Task], solutions: Iterable[Solution] = (), play: Policy | None = None
) -> AbstractContextManager[str]:
    """Serve a scripted policy (teacher, echo, untouched) while the block runs; gives the base URL, ending in /v1.

    `play` as for `app`. Raises KeyError for an unknown policy, BoundaryError("endpoint") where the server does not come up.
    """
    return listening(app(policy, tasks, solutions, play))


@contextmanager
def listening(served: Starlette) -> Iterator[str]:
    """Serve an application on a free loopback port in a thread of this process; yields its URL with /v1."""
    with socket.socket() as port:
        port.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio sets it on its own sockets alone; else a call waits 40 ms
        port.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(served, log_level="warning", access_log=False, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [port]}, daemon=True)
        thread.start()
        try:
            deadline = time.monotonic() + START_S
            while not server.started:
                if not thread.is_alive() or time.monotonic() > deadline:
                    raise BoundaryError("endpoint", "the scripted server did not come up")
                time.sleep(0.005)
            yield f"http://127.0.0.1:{port.getsockname()[1]}/v1"
        finally:
            server.should_exit = True
            thread.join()


def _body(raw: bytes) -> dict[str, Any]:
    """The request's body, with `messages` that are a list of objects with a role. Raises _Refused otherwise."""
    try:
        body = json.loads(raw)
    except ValueError:
        raise _Refused(400, "invalid_json", "the body is not JSON") from None
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list) or not all(isinstance(message, dict) and "role" in message for message in messages):
        raise _Refused(400, "invalid_messages", "'messages' must be a list of messages with a role")
    return dict(body)


def _task(known: dict[str, list[Task]], messages: list[dict[str, Any]]) -> Task:
    """The task whose instruction occurs whole in the first user message, which a harness may have put more around.

    One that is a part of another's is meant where the other's does not occur. Raises _Refused where none occurs, or several.
    """
    said = next((text_of(message.get("content")) for message in messages if message["role"] == "user"), "")
    occurring = [said] if said in known else [instruction for instruction in known if instruction and instruction in said]
    whole = [one for one in occurring if not any(one != other and one in other for other in occurring)]
    found = [task for instruction in whole for task in known[instruction]]
    if not found:
        raise _Refused(404, "unknown_task", "no task has this instruction")
    if len(found) > 1:
        raise _Refused(409, "ambiguous_task", f"{len(found)} tasks have this instruction: {', '.join(task.id for task in found)}")
    return found[0]


def _response(body: dict[str, Any], play: Play, turn: int) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": play.says, "refusal": None}
    if play.tool:
        function = {"name": play.tool, "arguments": json.dumps(play.arguments, ensure_ascii=False)}
        message["tool_calls"] = [{"id": f"call-{turn}", "type": "function", "function": function}]
    prompt, said = _words(body["messages"]), _words(message)
    return {
        "id": f"chatcmpl-{digests.digest([body['messages'], turn])[:24]}",
        "object": "chat.completion",
        "created": 0,  # a scripted answer is the same at any time
        "model": str(body.get("model") or ""),
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls" if play.tool else "stop"}],
        "usage": {"prompt_tokens": prompt, "completion_tokens": said, "total_tokens": prompt + said},
    }


def _words(value: Any) -> int:
    """Roughly the tokens of a message or messages: its words."""
    return len(json.dumps(value, ensure_ascii=False).split())


def _events(response: dict[str, Any], with_usage: bool) -> Iterator[str]:
    """The response as server-sent events in OpenAI's chunk form."""
    choice = response["choices"][0]
    head = {key: response[key] for key in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    for delta, finish in _deltas(choice["message"], choice["finish_reason"]):
        chunk = head | {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}
        yield f"data: {json.dumps(chunk)}\n\n"
    if with_usage:
        yield f"data: {json.dumps(head | {'choices': [], 'usage': response['usage']})}\n\n"
    yield "data: [DONE]\n\n"


def _deltas(message: dict[str, Any], finish: str) -> Iterator[tuple[dict[str, Any], str | None]]:
    """(delta, finish reason): the role, the content in pieces, each tool call's head and then its arguments in pieces, the end."""
    yield {"role": "assistant", "content": ""}, None
    for piece in _pieces(message["content"]):
        yield {"content": piece}, None
    for index, call in enumerate(message.get("tool_calls", [])):
        function = call["function"]
        head = {"id": call["id"], "type": "function", "function": {"name": function["name"], "arguments": ""}}
        yield {"tool_calls": [{"index": index, **head}]}, None
        for piece in _pieces(function["arguments"]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}, None
    yield {}, finish


def _pieces(text: str, size: int = 256) -> Iterator[str]:
    return (text[start : start + size] for start in range(0, len(text), size))
