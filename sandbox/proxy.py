"""The recording proxy: an OpenAI-compatible server for harnesses that nobody modified, one unix socket per rollout.

It knows two routes, sets the sampling, keeps the limits, forwards to the endpoint and records each call. docs/harnesses.md says what
passes, what is set and what is refused.
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from anyio.from_thread import BlockingPortal, start_blocking_portal

from sandbox import forwarding
from sandbox.answering import Service
from sandbox.bwrap import OUTSIDE_ID
from sandbox.endpoint import Endpoint
from sandbox.forwarding import Upstream
from sandbox.recording import Line
from specs.errors import BoundaryError
from specs.records import Limits

SOCKET = "endpoint.sock"
END_S = 5.0  # for calls that are broken off to let the endpoint know
CONNECTIONS = 32  # of a line; a box that holds more would use up the descriptors of all
_log = logging.getLogger("sandbox.proxy")
_log.setLevel(logging.CRITICAL + 1)  # it only tells of bytes from a box that are no HTTP, which are answered with 400


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
            async with _listening(Service(line, self._upstream, self._to), line.path):
                yield line


@contextmanager
def recording(to: Endpoint) -> Iterator[Proxy]:
    """A proxy before an endpoint, which may be silent for its `timeout_s`. Raises BoundaryError("endpoint") for what is no URL."""
    with _folder(None) as folder, start_blocking_portal(name="proxy") as portal:
        with portal.wrap_async_context_manager(forwarding.reached(to, to.timeout_s)) as upstream:
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
async def _listening(service: Service, path: Path) -> AsyncIterator[None]:
    answering = web.Server(service.handle, handler_cancellation=True, access_log=None, logger=_log, auto_decompress=False)

    try:
        server = await asyncio.get_running_loop().create_unix_server(lambda: _Door(answering), path)
    except OSError as error:
        raise BoundaryError("harness", f"no socket for a line: {error}") from error
    try:
        path.chmod(0o666)  # its folder says who may come here
        yield
    finally:
        server.close()
        await _ended(answering)


async def _ended(answering: web.Server) -> None:
    """Break off what is on its way. Each call is cancelled once, by its lost connection: a second time would keep it from cleaning up."""
    for connection in answering.connections:
        if connection.transport is not None:
            connection.transport.abort()
    await asyncio.sleep(0)
    await answering.shutdown(END_S)


class _Door(asyncio.Protocol):
    """Lets a connection in where there is room. They are counted when made: the system hands over many at once."""

    def __init__(self, answering: web.Server):
        self._answering = answering

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  (of a stream socket)
        if len(self._answering.connections) >= CONNECTIONS:
            transport.abort()
            return
        handler = self._answering()
        transport.set_protocol(handler)
        handler.connection_made(transport)
