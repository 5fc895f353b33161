"""A checkpoint behind OpenAI's chat-completions protocol, with the token-level fields that vLLM gives.

`python -m train.serve --model DIR --port 0` prints `ready <base url>` on a line of its own once it answers.
"""

from __future__ import annotations

import argparse
import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from specs import errors
from train import chat
from train.engine import Engine, TooLong, load


class Refused(Exception):
    """A request that the server can't answer; `code` is OpenAI's error code."""

    def __init__(self, message: str, code: str):
        self.code = code
        super().__init__(message)


def complete(engine: Engine, tokenizer: Any, name: str, body: Any) -> dict[str, Any]:
    """The chat-completion response for a request body. Raises Refused for one that is malformed or too long."""
    messages, tools = _conversation(body)
    try:
        prompt = chat.encode(tokenizer, chat.render(tokenizer, messages, tools, ask=True))
    except Exception as error:  # whatever the template makes of a message that it does not know
        raise Refused(f"the messages do not fit the chat template: {error}", "invalid_messages") from None
    try:
        generated = engine.generate(prompt, _sampling(body))
    except TooLong as error:
        raise Refused(str(error), "context_length_exceeded") from None
    return chat.response(tokenizer, name, prompt, generated.ids, generated.logprobs)


def _conversation(body: Any) -> tuple[list[dict[str, Any]], list[Any]]:
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list) or not messages or not all(isinstance(m, dict) and isinstance(m.get("role"), str) for m in messages):
        raise Refused("`messages` must be a list of objects with a role", "invalid_messages")
    if body.get("n") not in (None, 1) or body.get("stop"):
        raise Refused("`n` other than 1 and `stop` are not supported", "unsupported_parameter")
    tools = body.get("tools") or []
    if not isinstance(tools, list):
        raise Refused("`tools` must be a list", "invalid_tools")
    return messages, [] if body.get("tool_choice") == "none" else tools


def _sampling(body: dict[str, Any]) -> dict[str, Any]:
    sampling = {name: body.get(name) for name in ("temperature", "top_p", "seed")}
    sampling["max_tokens"] = body.get("max_completion_tokens") or body.get("max_tokens")
    if any(isinstance(v, bool) or not isinstance(v, int | float | None) for v in sampling.values()):
        raise Refused("temperature, top_p, seed and max_tokens must be numbers", "invalid_value")
    return sampling


def _events(whole: dict[str, Any], with_usage: bool) -> Iterator[str]:
    """The response as a stream: all of the message in one chunk, then how it ended."""
    choice = whole["choices"][0]
    shared = {k: v for k, v in whole.items() if k not in ("choices", "usage", "prompt_token_ids")} | {"object": "chat.completion.chunk"}
    delta = dict(choice["message"])
    if "tool_calls" in delta:
        delta["tool_calls"] = [{"index": n, **call} for n, call in enumerate(delta["tool_calls"])]
    said = {"index": 0, "delta": delta, "finish_reason": None, "logprobs": choice["logprobs"], "token_ids": choice["token_ids"]}
    yield _event({**shared, "choices": [said], "prompt_token_ids": whole["prompt_token_ids"]})
    yield _event({**shared, "choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"], "logprobs": None}]})
    if with_usage:
        yield _event({**shared, "choices": [], "usage": whole["usage"]})
    yield "data: [DONE]\n\n"


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value)}\n\n"


def app(engine: Engine, tokenizer: Any, name: str) -> Starlette:
    """The protocol over one engine. Any model name is taken for the one that is served."""

    async def completions(request: Request) -> Response:
        try:
            body = await request.json()
            whole = await run_in_threadpool(complete, engine, tokenizer, name, body)
        except ValueError as error:
            return _error(400, str(error), "invalid_json")
        except Refused as error:
            return _error(400, str(error), error.code)
        if body.get("stream"):
            usage = bool((body.get("stream_options") or {}).get("include_usage"))
            return StreamingResponse(_events(whole, usage), media_type="text/event-stream")
        return JSONResponse(whole)

    async def models(request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": name, "object": "model", "created": 0, "owned_by": "local"}]})

    routes = [Route("/v1/chat/completions", completions, methods=["POST"]), Route("/v1/models", models)]
    return Starlette(routes=routes)


def _error(status: int, message: str, code: str) -> JSONResponse:
    return JSONResponse({"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}, status)


@contextmanager
def listening(application: Starlette, port: int = 0) -> Iterator[str]:
    """Serve an application on the loopback from a thread of its own; yields the base URL once it answers."""
    bound = socket.create_server(("127.0.0.1", port))
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio sets it on its own sockets alone; else a call waits 40 ms
    server = uvicorn.Server(uvicorn.Config(application, log_level="warning", timeout_graceful_shutdown=2))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/v1"
    finally:
        server.should_exit = True
        thread.join()
        bound.close()


def main(argv: Sequence[str]) -> int:
    """Serve a checkpoint until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="a checkpoint folder")
    parser.add_argument("--port", type=int, default=0, help="0 for any free one")
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args(argv)
    model, tokenizer = load(given.model, given.device)
    with Engine(model, tokenizer.eos_token_id) as engine, listening(app(engine, tokenizer, given.model.name), given.port) as url:
        print(f"ready {url}", flush=True)
        threading.Event().wait()
    return 0


if __name__ == "__main__":
    errors.run(main)
