"""The served site of a box: a small HTTP server that lives in the runner's own loop, given to boxes that have a site and to no others.

It is part of process 1, so that no signal from within ends or stops it, and its port is never free. The pages are in that process's
memory only: no file of the box holds them. Standard library only, as the runner itself. A connection has one request, bounded in size;
of too many connections the oldest is closed, so none can hold a place for ever.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Set
from urllib.parse import unquote

ADDRESS = "127.0.0.1"
MOST_TALKS = 128
MOST_ASKED = 8192  # bytes of a request's head
MOST_AFTER = 1 << 16  # bytes of a body that nobody asked for, read and dropped so that the answer arrives
PIECE = 4096
TYPES = {"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "txt": "text/plain; charset=utf-8"}
REASONS = {200: "OK", 301: "Moved Permanently", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 431: "Too Large"}


def site(port: int, fields: list[str], body: bytes) -> Site:
    """A site of pages at a port; path, size a page, contents one after another in the body. Raises OSError where the port is taken."""
    start, contents = 0, {}
    for path, size in zip(fields[::2], fields[1::2], strict=True):
        contents[path] = body[start : start + int(size)]
        start += int(size)
    return Site(port, contents)


class Talk:
    """One connection: what was asked so far, what is still to be sent, and whether all has been."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.asked, self.after, self.sent = connection, bytearray(), 0, False
        self.rest: list[memoryview] = []

    def wants(self) -> int:
        """The events of poll that take it further."""
        return select.POLLOUT if self.rest else select.POLLIN

    def listen(self) -> bool:
        """Read a piece of the request, or of what follows it; whether the other side may still be spoken to."""
        data = self.connection.recv(PIECE)
        if self.sent:
            self.after += len(data)
            return bool(data) and self.after <= MOST_AFTER
        self.asked += data
        return bool(data)

    def speak(self) -> None:
        """Send what fits; at the end say that nothing follows."""
        count = self.connection.sendmsg(self.rest)
        while self.rest and count >= len(self.rest[0]):
            count -= len(self.rest.pop(0))
        if self.rest:
            self.rest[0] = self.rest[0][count:]
        else:
            self.sent = True
            self.connection.shutdown(socket.SHUT_WR)


class Site:
    """Pages by path below the root ("stalls/index.html"), served to whoever asks on the loopback."""

    def __init__(self, port: int, pages: dict[str, bytes]) -> None:
        self.pages = pages
        self.talks: dict[int, Talk] = {}
        self.door = socket.create_server((ADDRESS, port), backlog=MOST_TALKS)
        self.door.setblocking(False)

    def wanted(self) -> dict[int, int]:
        """Descriptors to be watched, with the events."""
        return {self.door.fileno(): select.POLLIN} | {fd: talk.wants() for fd, talk in self.talks.items()}

    def tend(self, ready: Set[int]) -> None:
        """Take every ready connection one step further; never waits."""
        for fd in ready & self.talks.keys():
            talk = self.talks[fd]
            try:
                if not self._goes_on(talk):
                    self._drop(fd)
            except BlockingIOError:
                continue
            except (OSError, MemoryError):
                self._drop(fd)
        if self.door.fileno() in ready:
            self._welcome()

    def _goes_on(self, talk: Talk) -> bool:
        if talk.rest:
            talk.speak()
            return True
        if not talk.listen():
            return False
        if not talk.sent and (b"\r\n\r\n" in talk.asked or b"\n\n" in talk.asked or len(talk.asked) > MOST_ASKED):
            talk.rest = answer(self.pages, bytes(talk.asked))
        return True

    def _welcome(self) -> None:
        try:
            connection, _ = self.door.accept()
        except OSError:  # it was given up meanwhile, or no descriptor is left
            return
        connection.setblocking(False)
        if len(self.talks) >= MOST_TALKS:
            self._drop(next(iter(self.talks)))
        self.talks[connection.fileno()] = Talk(connection)

    def _drop(self, fd: int) -> None:
        self.talks.pop(fd).connection.close()


def answer(pages: dict[str, bytes], asked: bytes) -> list[memoryview]:
    """The response to a request: its head, and unless only the head was asked for, the page itself (not a copy)."""
    if len(asked) > MOST_ASKED:
        return failure(431)
    words = asked.split(b"\n", 1)[0].split()
    if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
        return failure(400)
    if words[0] not in (b"GET", b"HEAD"):
        return failure(405, "Allow: GET, HEAD\r\n")
    target = words[1].decode("latin-1").partition("?")[0]
    scheme, _, rest = target.partition("://")
    path = unquote(rest.partition("/")[2] if scheme in ("http", "https") else target.removeprefix("/"))
    if path and not path.endswith("/") and f"{path}/index.html" in pages:
        return failure(301, f"Location: {target}/\r\n")
    page = path + "index.html" if not path or path.endswith("/") else path
    if page not in pages:
        return failure(404)
    head = headed(200, len(pages[page]), TYPES.get(page.rpartition(".")[2], "application/octet-stream"))
    return [head, memoryview(pages[page])] if words[0] == b"GET" and pages[page] else [head]


def failure(status: int, headers: str = "") -> list[memoryview]:
    """A short page that says what is wrong."""
    body = f"<!DOCTYPE html>\n<title>{status}</title>\n<h1>{status} {REASONS[status]}</h1>\n".encode()
    return [headed(status, len(body), TYPES["html"], headers), memoryview(body)]


def headed(status: int, size: int, kind: str, headers: str = "") -> memoryview:
    """The head of a response."""
    text = f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\nConnection: close\r\n{headers}\r\n"
    return memoryview(text.encode("latin-1"))
