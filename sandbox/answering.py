"""What a rollout's line answers to a harness: the two routes it knows, what passes of a request, what is told of a failure."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import Any

from aiohttp import web

from sandbox import endpoint, forwarding
from sandbox.endpoint import Endpoint
from sandbox.forwarding import Upstream
from sandbox.harness import ContextFull, clean
from sandbox.recording import Line, Refused
from sandbox.streams import DONE, Assembly
from specs.errors import BoundaryError
from specs.hostile import deeper

BODY_BYTES = 8 << 20
DEPTH = 100
BODY_S = 30.0  # for a body to come
PATIENCE = 20  # refusals of a line that are told at once
PAUSE_S = 1.0  # before each further one, so that who does not take no for an answer keeps nobody else waiting
PASSED = ("messages", "parallel_tool_calls", "response_format")  # of what a client asks, besides tools and stream
TOKENS = ("prompt_token_ids", "token_ids")  # of a response; they and log-probabilities are for the record only


class Service:
    """Answers the requests that come over one line. Nothing but a model's answers and reasons for having none leaves it."""

    def __init__(self, line: Line, upstream: Upstream, to: Endpoint):
        self._line, self._upstream, self._to = line, upstream, to
        self._turn = asyncio.Lock()
        self._refused = 0

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to any request: never a 5xx, which some harnesses would repeat for a minute."""
        if (request.method, request.path) == ("GET", "/v1/models"):
            model = {"id": self._to.model, "object": "model", "created": 0, "owned_by": "endpoint"}
            return web.json_response({"object": "list", "data": [model]})
        if (request.method, request.path) != ("POST", "/v1/chat/completions"):
            return _error(404, "not_found", "there is no such thing here")
        async with self._turn:  # one call at a time: what it may use depends on what the one before has used
            try:
                return await self._completion(request)
            except Refused as refused:
                self._refused += 1
                await asyncio.sleep(PAUSE_S if self._refused > PATIENCE else 0)
                return _error(400, refused.code, str(refused))
            except ConnectionError:
                raise
            except Exception as failure:
                ours = self._ours(failure)
                return _error(400, ours.code, str(ours))

    async def _completion(self, request: web.BaseRequest) -> web.StreamResponse:
        """Raises Refused, and what tells that the client is gone."""
        self._line.check()
        raw = await self._read(request)
        sampling = self._line.admitted(len(raw))
        asked, with_usage = _asked(raw)
        body = {"model": self._to.model, **asked, **sampling, **self._to.extra}
        content = _encoded(body)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        try:
            if not asked.get("stream"):
                return await self._whole(body, content)
            await self._stream(request, response, body, content, with_usage)
        except (asyncio.CancelledError, ConnectionError):
            self._line.broken_off()
            raise
        except ContextFull:
            refused = self._line.stop("tokens")
        except BoundaryError as failure:
            refused = self._line.fail(str(failure))
        except Exception as failure:
            refused = self._ours(failure)
        else:
            await response.write(_event(DONE))
            await response.write_eof()
            return response
        if not response.prepared:
            raise refused
        if request.transport is not None:
            request.transport.abort()  # half a stream must not look like a whole one
        return response

    async def _whole(self, body: dict[str, Any], content: bytes) -> web.Response:
        given = clean(await forwarding.whole(self._upstream, content, self._line.wait))
        self._line.answered(endpoint.completion_of(body, given))
        return web.json_response(_plain(given))

    async def _stream(
        self, request: web.BaseRequest, response: web.StreamResponse, body: dict[str, Any], content: bytes, with_usage: bool
    ) -> None:
        """Pass the chunks on as they come, and record the call before the client is told that it has ended."""
        assembly = Assembly()
        async with aclosing(forwarding.chunks(self._upstream, content, self._line.wait)) as pieces:
            async for chunks in pieces:
                shown = b"".join(_shown(assembly.added(chunk), with_usage) for chunk in chunks)
                if shown and not response.prepared:
                    await response.prepare(request)
                if shown:
                    await response.write(shown)
                if not chunks:
                    self._line.answered(endpoint.completion_of(body, assembly.response()))

    def _ours(self, failure: Exception) -> Refused:
        """End the line for a fault of the proxy, which is neither the agent's nor the endpoint's."""
        return self._line.fail(self._upstream.told(f"{type(failure).__name__}: {failure}"), "harness")

    async def _read(self, request: web.BaseRequest) -> bytes:
        """The body. Raises Refused where it does not come, or is longer than any prompt."""
        found = bytearray()
        try:
            async with asyncio.timeout(BODY_S):
                async for piece in request.content.iter_any():
                    found += piece
                    if len(found) > BODY_BYTES:
                        raise self._line.stop("tokens")
        except TimeoutError:
            raise Refused("no_body", "the body does not come") from None
        return bytes(found)


def _shown(chunk: dict[str, Any], with_usage: bool) -> bytes:
    """A chunk as the client gets it: nothing for one that only tells the usage to one who has not asked."""
    left = {key: value for key, value in chunk.items() if key != "usage" or with_usage}
    return b"" if len(left) < len(chunk) and not chunk.get("choices") else _event(json.dumps(_plain(left)))


def _event(data: str) -> bytes:
    return f"data: {data}\n\n".encode()


def _error(status: int, code: str, message: str) -> web.Response:
    said = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return web.json_response({"error": said}, status=status)


def _asked(raw: bytes) -> tuple[dict[str, Any], bool]:
    """What passes of a request, and whether a stream is to tell the usage. Raises Refused for what is no request."""
    try:
        body = clean(json.loads(raw))
    except (ValueError, RecursionError):
        raise Refused("invalid_json", "the body is not JSON") from None
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list) or not all(isinstance(m, dict) and isinstance(m.get("role"), str) for m in messages):
        raise Refused("invalid_messages", "'messages' must be a list of messages with a role")
    if not isinstance(body.get("tools"), list | None) or not all(isinstance(tool, dict) for tool in body.get("tools") or ()):
        raise Refused("invalid_tools", "'tools' must be a list of tools")
    passed = {key: body[key] for key in PASSED if body.get(key) is not None}
    if body.get("tools"):  # an empty list is refused by some
        passed |= {"tools": body["tools"]} | ({"tool_choice": "auto"} if body.get("tool_choice") == "auto" else {})
    if body.get("stream"):
        passed |= {"stream": True, "stream_options": {"include_usage": True}}
    if deeper(passed, DEPTH):
        raise Refused("invalid_json", f"the body is nested more than {DEPTH} deep")
    options = body.get("stream_options")
    return passed, isinstance(options, dict) and bool(options.get("include_usage"))


def _encoded(body: dict[str, Any]) -> bytes:
    """The body as sent. Raises Refused where it has numbers that are none."""
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        raise Refused("invalid_json", "the body has what JSON can't say") from None


def _plain(response: dict[str, Any]) -> dict[str, Any]:
    """The response or chunk as it would be had no tokens been asked for."""
    choices = [_without_tokens(choice) | {"logprobs": None} for choice in response.get("choices") or ()]
    return _without_tokens(response) | {"choices": choices}


def _without_tokens(part: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key not in TOKENS}
