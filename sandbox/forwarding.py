"""Requests to an endpoint from one event loop, streamed and whole: tried again where that can help, failures told apart."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

import aiohttp
import httpx

from sandbox import endpoint
from sandbox.endpoint import Endpoint
from sandbox.streams import DONE, Events

END_S = 0.2  # for the end of a body to come behind the last event, so that its connection can be used again
PLAIN = {"Content-Type": "application/json", "Accept-Encoding": "identity"}


@dataclass
class Wait:
    """`on` while the endpoint is to say something; `lost_s`: the seconds that tries took which failed, with the pauses after them."""

    on: bool = False
    lost_s: float = 0.0


@dataclass(frozen=True)
class Upstream:
    """The endpoint as it is reached: where chats are completed, how long it may be silent (seconds), what is never to be told."""

    client: aiohttp.ClientSession
    url: str
    timeout_s: float
    secret: str = field(repr=False)

    def told(self, text: str) -> str:
        return text.replace(self.secret, "[key]") if self.secret else text


class _Failed(Exception):
    """A try that came to nothing; whether another may help, and the Retry-After header where there was one."""

    def __init__(self, message: str, again: bool, retry_after: str = ""):
        self.again, self.retry_after = again, retry_after
        super().__init__(message)


@asynccontextmanager
async def reached(to: Endpoint, timeout_s: float) -> AsyncIterator[Upstream]:
    """One client for many rollouts. Raises BoundaryError("endpoint") for what is no http(s) URL."""
    url = endpoint.address(to.url)
    async with aiohttp.ClientSession(
        headers=endpoint.headers(to.api_key) | PLAIN,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=endpoint.CONNECT_S, sock_read=timeout_s),
        connector=aiohttp.TCPConnector(limit=0, ssl=httpx.create_ssl_context()),  # those trusted by the other client of endpoints
        cookie_jar=aiohttp.DummyCookieJar(),  # nothing crosses between rollouts
        trust_env=not endpoint.is_local(url),
    ) as client:
        yield Upstream(client, url, timeout_s, to.api_key or "")


async def whole(upstream: Upstream, body: bytes, wait: Wait) -> Any:
    """The response's JSON. Raises BoundaryError("endpoint") where there is none after all tries, ContextFull for too long a prompt."""
    async with aclosing(_tried(upstream, body, wait, _whole)) as found:
        return await anext(found)


def chunks(upstream: Upstream, body: bytes, wait: Wait) -> AsyncGenerator[Any]:
    """Lists of chunks of a streamed response, as they come, and an empty one at its end.

    Raises as `whole` does; once there was a chunk nothing is tried again.
    """
    return _tried(upstream, body, wait, _chunks)


_Read = Callable[[Upstream, aiohttp.ClientResponse], AsyncGenerator[Any]]


async def _tried(upstream: Upstream, body: bytes, wait: Wait, read: _Read) -> AsyncGenerator[Any]:
    for attempt in range(endpoint.TRIES):
        began, said = time.monotonic(), False
        try:
            wait.on = True
            async with aclosing(_once(upstream, body, read)) as found:
                async for item in found:
                    wait.on, said = False, True
                    yield item
                    wait.on = True
            return
        except _Failed as failed:
            if said or not failed.again or attempt + 1 == endpoint.TRIES:
                raise endpoint.refusal(upstream.told(str(failed))) from None
            await asyncio.sleep(endpoint.pause_s(attempt, failed.retry_after))
            wait.lost_s += time.monotonic() - began
        finally:
            wait.on = False


async def _once(upstream: Upstream, body: bytes, read: _Read) -> AsyncGenerator[Any]:
    """What one try yields. Raises _Failed, or BoundaryError("endpoint") for an answer that is garbage."""
    try:
        async with upstream.client.post(upstream.url, data=body, allow_redirects=False) as response:
            if response.status != 200:
                text = (await _body(upstream, response)).decode("utf-8", "replace")
                failure = f"HTTP {response.status}: {upstream.told(text)[:500]}"
                raise _Failed(failure, endpoint.passes(response.status), response.headers.get("Retry-After", ""))
            async with aclosing(read(upstream, response)) as found:
                async for item in found:
                    yield item
    except TimeoutError as error:
        raise _Failed(f"no answer in time ({type(error).__name__})", again=False) from None
    except aiohttp.ClientError as error:
        raise _Failed(f"{type(error).__name__}: {error}", again=True) from None


async def _whole(upstream: Upstream, response: aiohttp.ClientResponse) -> AsyncGenerator[Any]:
    yield endpoint.parsed(response.status, upstream.told((await _body(upstream, response)).decode("utf-8", "replace")))


async def _chunks(upstream: Upstream, response: aiohttp.ClientResponse) -> AsyncGenerator[list[Any]]:
    """The JSON of the events that have come together, again and again until the stream is done."""
    events, size = Events(), 0
    last = asyncio.get_running_loop().time()
    while True:
        async with asyncio.timeout_at(last + upstream.timeout_s):  # comments that keep a connection alive are no answer
            piece = await response.content.readany()
        size += len(piece)
        _bound(size)
        found = events.feed(piece)
        if said := [_chunk(upstream.told(event)) for event in takewhile(DONE.__ne__, found)]:
            yield said
            last = asyncio.get_running_loop().time()
        if DONE in found or not piece:
            yield []
            with suppress(TimeoutError, aiohttp.ClientError):
                async with asyncio.timeout(END_S):
                    await response.content.readany()
            return


def _chunk(event: str) -> Any:
    chunk = endpoint.parsed(200, event)
    if isinstance(chunk, dict) and chunk.get("error"):
        raise _Failed(f"an error in the stream: {json.dumps(chunk['error'])[:500]}", again=True)
    return chunk


async def _body(upstream: Upstream, response: aiohttp.ClientResponse) -> bytes:
    found = bytearray()
    async with asyncio.timeout(upstream.timeout_s):
        async for piece in response.content.iter_any():
            found += piece
            _bound(len(found))
    return bytes(found)


def _bound(size: int) -> None:
    if size > endpoint.ANSWER_BYTES:
        raise endpoint.too_long()
