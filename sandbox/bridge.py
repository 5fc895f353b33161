"""A loopback port of a box that leads to its endpoint's socket, for programs that only know addresses. It lives in the runner's own loop.

It is part of process 1, as the served site is: no signal from within ends it, and its port is never free. Standard library only. What it
holds back is bounded: a side is read from only once the other has taken what was read before.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Set

ADDRESS = "127.0.0.1"
MOST = 24  # connections; of more the oldest is closed. Fewer than the proxy takes of a line, so that a new one is never refused
PIECE = 1 << 16


class Connection:
    """A program's connection and the one to the endpoint, with what is on its way in either direction."""

    def __init__(self, near: socket.socket, far: socket.socket) -> None:
        self.near, self.far = near, far
        self.asked, self.answered = bytearray(), bytearray()
        self.asking = self.answering = True

    def wanted(self) -> dict[int, int]:
        """Descriptors to be watched, with the events. One that nothing is wanted of isn't watched: it would report its end for ever."""
        near = (select.POLLIN if self.asking and not self.asked else 0) | (select.POLLOUT if self.answered else 0)
        far = (select.POLLIN if self.answering and not self.answered else 0) | (select.POLLOUT if self.asked else 0)
        return {end.fileno(): events for end, events in ((self.near, near), (self.far, far)) if events}

    def goes_on(self) -> bool:
        """Move what can be moved; whether there is more to come. Raises OSError where an end is gone."""
        if self.asking:
            self.asking = moved(self.near, self.far, self.asked)
            if not self.asking:
                self.far.shutdown(socket.SHUT_WR)
        if self.answering:
            self.answering = moved(self.far, self.near, self.answered)
        return self.answering

    def close(self) -> None:
        self.near.close()
        self.far.close()


class Bridge:
    """Connections from a port on the loopback to a unix socket."""

    def __init__(self, port: int, path: str) -> None:
        self.path = path
        self.ends: dict[int, Connection] = {}
        self.door = socket.create_server((ADDRESS, port), backlog=MOST)
        self.door.setblocking(False)

    def wanted(self) -> dict[int, int]:
        """Descriptors to be watched, with the events."""
        found = {self.door.fileno(): select.POLLIN}
        for connection in self.ends.values():
            found |= connection.wanted()
        return found

    def tend(self, ready: Set[int]) -> None:
        """Take every ready connection further; never waits."""
        for connection in {id(c): c for c in (self.ends[fd] for fd in ready & self.ends.keys())}.values():
            try:
                if not connection.goes_on():
                    self._drop(connection)
            except (OSError, MemoryError):
                self._drop(connection)
        if self.door.fileno() in ready:
            self._welcome()

    def _welcome(self) -> None:
        try:
            near, _ = self.door.accept()
        except OSError:  # it was given up meanwhile, or no descriptor is left
            return
        near.setblocking(False)
        near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if len(self.ends) >= 2 * MOST:
            self._drop(next(iter(self.ends.values())))
        far = None
        try:
            far = socket.socket(socket.AF_UNIX)
            far.setblocking(False)
            far.connect(self.path)
        except OSError:  # nobody answers there
            near.close()
            if far:
                far.close()
            return
        self.ends[near.fileno()] = self.ends[far.fileno()] = Connection(near, far)

    def _drop(self, connection: Connection) -> None:
        for end in (connection.near, connection.far):
            del self.ends[end.fileno()]
        connection.close()


def moved(source: socket.socket, sink: socket.socket, held: bytearray) -> bool:
    """Read a piece where nothing is held, and send of what is held what fits; whether the source may say more, or still has been held."""
    try:
        if not held:
            data = source.recv(PIECE)
            if not data:
                return False
            held += data
        del held[: sink.send(held)]
    except BlockingIOError:
        pass
    return True
