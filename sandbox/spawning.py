"""This process's fork server (forkserver.py): started with the first box, asked for each, ended with this process, however that ends."""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import running

NAME = "clawgym-box"  # by which a list of processes tells what they are
PYTHON = ("/usr/bin/python3", "-I", "-S")
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/tmp",  # noqa: S108 (inside; what programs leave in a home is not the agent's work)
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUTF8": "1",
}
BESIDE = ("pages", "bridge", "contained")  # modules of ours beside the runner
_END_S = 10.0


@dataclass(frozen=True)
class _Server:
    process: subprocess.Popen[bytes]
    channel: socket.socket
    complaints: int


_servers: list[_Server] = []  # one at most
_one = threading.RLock()


def ask(request: Mapping[str, Any], descriptors: Sequence[int]) -> int:
    """Ask the fork server of this process for a box (`forkserver.become` says what), with the runner's channel and what takes complaints.

    Its pid. Raises ConnectionError where it was killed (the next call starts another), OSError where none can be started.
    """
    text = json.dumps(request).encode()
    with _one:
        try:
            if not _servers:
                _servers.append(_start())
            socket.send_fds(_servers[0].channel, [text], descriptors)
            return _servers[0].process.pid
        except OSError as error:
            raise type(error)(f"there is no fork server: {_stop() or error}") from error


def give_up(server: int) -> str:
    """Have the next box asked of another, where this fork server does not start any; what it complained about."""
    with _one:
        return _stop() if _servers and _servers[0].process.pid == server else ""


def source(name: str) -> bytes:
    """The text of a module of ours that is run by the system's Python."""
    return Path(__file__).with_name(f"{name}.py").read_bytes()


def _start() -> _Server:
    """Raises OSError where the system's Python is missing."""
    texts = json.dumps({name: source(name).decode() for name in ("inbox", *BESIDE)}).encode()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ExitStack() as stack, theirs, os.fdopen(os.memfd_create("forkserver"), "w+b") as program:
        stack.callback(ours.close)
        program.write(source("forkserver"))  # a box can read the command line of its process 1; so it names no path of ours
        program.flush()
        complaints = os.memfd_create("complaints")
        stack.callback(os.close, complaints)
        process = subprocess.Popen(
            [*PYTHON, f"/dev/fd/{program.fileno()}", NAME],
            stdin=theirs.fileno(),
            stdout=complaints,
            stderr=complaints,
            env=ENVIRONMENT,
            cwd="/",
            pass_fds=[program.fileno()],
            process_group=0,  # a terminal's interrupt is for us alone
        )
        stack.pop_all()
    with suppress(OSError):  # then the request that follows fails too, and what was complained about is told
        ours.send(texts)
    return _Server(process, ours, complaints)


def _stop() -> str:
    """End the fork server, if there is one; what it complained about."""
    said = ""
    while _servers:
        server = _servers.pop()
        server.channel.close()
        try:
            server.process.wait(_END_S)
        except subprocess.TimeoutExpired:
            server.process.kill()
            server.process.wait()
        said = running.said(server.complaints)
        os.close(server.complaints)
    return said


def _forget() -> None:
    """In a fork of this process: the fork server is not ours, and has to see it when the one whose it is ends."""
    while _servers:
        server = _servers.pop()
        server.channel.close()
        os.close(server.complaints)
    _one.release()


atexit.register(_stop)
os.register_at_fork(before=_one.acquire, after_in_parent=_one.release, after_in_child=_forget)
