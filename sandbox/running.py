"""What a backend gives of a box that it started, and how every process of it is ended."""

from __future__ import annotations

import os
import select
import signal
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from sandbox.faults import BoxError


class Channel(Protocol):
    """Our end of what the runner is talked with; a socket is one."""

    def settimeout(self, seconds: float | None, /) -> None: ...

    def sendall(self, data: bytes, /) -> None: ...

    def recv(self, most: int, /) -> bytes: ...

    def fileno(self) -> int: ...


@dataclass(frozen=True)
class Running:
    """A started box: our end of the runner's channel, a descriptor of its workspace, a pidfd of its process 1."""

    control: Channel
    workspace: int
    init: int
    complaints: int  # a memory file that takes standard error of the backend and the runner

    def said(self) -> str:
        """The end of what the backend or the runner complained about."""
        return said(self.complaints)


def kill(running: Running, patience_s: float = 30.0) -> None:
    """Kill every process of the box and wait until all are gone: the kernel ends a pid namespace with its process 1.

    Raises BoxError where they don't die in time.
    """
    try:
        signal.pidfd_send_signal(running.init, signal.SIGKILL)
    except ProcessLookupError:
        pass  # dead already, and with it the namespace
    poll = select.poll()
    poll.register(running.init, select.POLLIN)
    if not poll.poll(patience_s * 1000):
        raise BoxError("processes of the box won't die")


def held(stack: ExitStack, fd: int) -> int:
    """The descriptor, closed when the stack ends."""
    stack.callback(os.close, fd)
    return fd


def said(complaints: int) -> str:
    """The end of a memory file of complaints."""
    return os.pread(complaints, 65536, 0).decode(errors="replace").strip()[-2000:]
