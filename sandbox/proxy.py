"""The recording proxy: an OpenAI-compatible server for harnesses that nobody modified, one unix socket per rollout.

It knows two routes, sets the sampling, keeps the limits, forwards to the endpoint and records each call. docs/harnesses.md says what
passes, what is set and what is refused.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from anyio.from_thread import BlockingPortal, start_blocking_portal

from sandbox import endpoint, forwarding
from sandbox.bwrap import OUTSIDE_ID
from sandbox.endpoint import Endpoint
from sandbox.forwarding import Upstream
from sandbox.harness import ContextFull, clean
from sandbox.recording import Line, Refused
from sandbox.streams import DONE, Assembly
from specs.errors import BoundaryError
from specs.records import Limits

SOCKET = "endpoint.sock"
BODY_BYTES = 16 << 20
GRACE_S = 0.05  # for a call that is on its way when its line ends
CONNECTIONS = 32  # of a line; a box that holds more would use up the descriptors of all
PATIENCE = 20  # refusals of a line that are told at once
PAUSE_S = 1.0  # before each further one, so that who does not take no for an answer keeps nobody else waiting
PASSED = ("messages", "tools", "parallel_tool_calls", "response_format", "stream")  # of what a client asks
TOKENS = ("prompt_token_ids", "token_ids", "logprobs")  # of a response, for the record only
_log = logging.getLogger("sandbox.proxy")
_log.addHandler(logging.NullHandler())
_log.propagate = False  # what a box sends that is no HTTP is answered with 400 and nobody's concern


class Proxy:
    """Lines to one endpoint, from one thread."""

    def __init__(self, portal: BlockingPortal, folder: Path, upstream: Upstream, to: Endpoint):
        self._portal, self._folder, self._upstream, self._to = portal, folder, upstream, to

    def line(self, sampling: Mapping[str, Any] | None = None, limits: Limits | None = None) -> AbstractContextManager[Line]:
        """A line while the block runs; its socket is gone after that. Without limits it refuses calls until it is told to `begin`.

        Safe for many threads. Raises BoundaryError("harness") where no socket can be made.
        """
        return self._portal.wrap_async_context_manager(self._line(sampling, limits))

    @asynccontextmanager
    async def _line(self, sampling: Mapping[str, Any] | None, limits: Limits | None) -> AsyncIterator[Line]:
        with _folder(self._folder) as folder:
            line = Line(folder / SOCKET)
            if limits is not None:
                line.begin(sampling or {}, limits)
            async with _listening(_Service(line, self._upstream, self._to), line.path):
                yield line


@contextmanager
def recording(to: Endpoint, timeout_s: float = endpoint.TIMEOUT_S) -> Iterator[Proxy]:
    """A proxy before an endpoint, which may be silent for `timeout_s` seconds. Raises BoundaryError("endpoint") for what is no URL."""
    with _folder(None) as folder, start_blocking_portal(name="proxy") as portal:
        with portal.wrap_async_context_manager(forwarding.reached(to, timeout_s)) as upstream:
            yield Proxy(portal, folder, upstream, to)


@contextmanager
def _folder(within: Path | None) -> Iterator[Path]:
    """A new folder that the user of boxes can pass through, and nobody else enter."""
    with tempfile.TemporaryDirectory(prefix="clawgym-", dir=within) as name:
        folder = Path(name)
        if os.geteuid() == 0:
            os.chown(folder, 0, OUTSIDE_ID)
            folder.chmod(0o710)
        yield folder


@asynccontextmanager
async def _listening(service: _Service, path: Path) -> AsyncIterator[None]:
    answering = web.Server(service.handle, handler_cancellation=True, access_log=None, logger=_log, auto_decompress=False)

    def connected() -> asyncio.Protocol:
        return answering() if len(answering.connections) < CONNECTIONS else _TurnedAway()

    try:
        server = await asyncio.get_running_loop().create_unix_server(connected, path)
    except OSError as error:
        raise BoundaryError("harness", f"no socket for a line: {error}") from error
    try:
        path.chmod(0o666)  # its folder says who may come here
        yield
    finally:
        server.close()
        answering.pre_shutdown()
        await answering.shutdown(GRACE_S)


class _TurnedAway(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


class _Service:
    """What a line answers."""

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

    async def _completion(self, request: web.BaseRequest) -> web.StreamResponse:
        raw = await _read(request)
        asked = _asked(raw)
        body = {"model": self._to.model, **asked, **self._line.admitted(len(raw)), **self._to.extra}
        with_usage = _wants_usage(raw) if asked.get("stream") else False
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        try:
            if asked.get("stream"):
                return await self._streamed(request, response, body | {"stream_options": {"include_usage": True}}, with_usage)
            return await self._whole(body)
        except (asyncio.CancelledError, ConnectionError):
            self._line.broken_off()
            raise
        except ContextFull:
            self._line.stopped("tokens")
        except BoundaryError as failure:
            self._line.failed(str(failure))
        except Exception as failure:  # a fault of ours is neither the agent's nor the endpoint's
            self._line.failed(f"{type(failure).__name__}: {self._upstream.told(str(failure))}", "harness")
        if response.prepared and request.transport is not None:
            request.transport.abort()  # half a stream must not look like a whole one
            return response
        self._line.admitted(0)
        raise AssertionError

    async def _whole(self, body: dict[str, Any]) -> web.Response:
        given = await forwarding.whole(self._upstream, _encoded(body), self._line.wait)
        self._line.answered(endpoint.completion_of(body, clean(given)))
        return web.json_response(_plain(given))

    async def _streamed(
        self, request: web.BaseRequest, response: web.StreamResponse, body: dict[str, Any], with_usage: bool
    ) -> web.StreamResponse:
        assembly = Assembly()
        async with aclosing(forwarding.chunks(self._upstream, _encoded(body), self._line.wait)) as chunks:
            async for chunk in chunks:
                assembly.add(chunk)
                if not with_usage and chunk.pop("usage", None) and not chunk.get("choices"):
                    continue
                if not response.prepared:
                    await response.prepare(request)
                await response.write(_event(json.dumps(_plain(chunk))))
        self._line.answered(endpoint.completion_of(body, assembly.response()))
        if not response.prepared:
            await response.prepare(request)
        await response.write(_event(DONE))
        await response.write_eof()
        return response


def _event(data: str) -> bytes:
    return f"data: {data}\n\n".encode()


def _error(status: int, code: str, message: str) -> web.Response:
    said = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return web.json_response({"error": said}, status=status)


async def _read(request: web.BaseRequest) -> bytes:
    found = bytearray()
    async for piece in request.content.iter_any():
        found += piece
        if len(found) > BODY_BYTES:
            raise Refused("body_too_large", f"the body has more than {BODY_BYTES} bytes")
    return bytes(found)


def _asked(raw: bytes) -> dict[str, Any]:
    """What passes of a request. Raises Refused for what is none."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise Refused("invalid_json", "the body is not JSON") from None
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list) or not all(isinstance(message, dict) and "role" in message for message in messages):
        raise Refused("invalid_messages", "'messages' must be a list of messages with a role")
    passed = {key: clean(body[key]) for key in PASSED if body.get(key)}
    return passed | ({"tool_choice": "auto"} if body.get("tool_choice") == "auto" and body.get("tools") else {})


def _wants_usage(raw: bytes) -> bool:
    options = json.loads(raw).get("stream_options")
    return isinstance(options, dict) and bool(options.get("include_usage"))


def _encoded(body: dict[str, Any]) -> bytes:
    """The body as sent. Raises Refused where it has numbers that are none, or is nested too deep."""
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise Refused("invalid_json", "the body has what JSON can't say") from None


def _plain(response: dict[str, Any]) -> dict[str, Any]:
    """The response or chunk as it would be had no tokens been asked for."""
    choices = [{key: value for key, value in choice.items() if key not in TOKENS} for choice in response.get("choices") or ()]
    return {key: value for key, value in response.items() if key not in TOKENS} | {"choices": choices}
