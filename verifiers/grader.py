"""Run as a process of its own by verifiers/apart.py: grades what it is sent, one request after another, under limits.

It is started with `python -I`, in an empty folder, with PATH as its whole environment: nothing of a workspace and no other variable of
the caller's has any effect on it.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # -I leaves it out, and a package on the index has our name

from sandbox.box import OpenBox, Sandbox, open_box
from specs import rows
from specs.errors import BoundaryError
from specs.records import Change, File, Service, Task, Verifier
from verifiers import wire
from verifiers.grade import grade

FILE_BYTES = 1 << 20  # of what it may write: it has nothing but complaints to write
Limits = dict[int, tuple[int, int]]  # by number of the resource: what holds, and what it may be raised to


def bound(memory_bytes: int) -> tuple[Limits, Limits]:
    """Bound this process: memory beyond what it holds now, size of files, no further processes (which binds all but root).

    Returns the limits from before and those of now, of the kinds that this system can set.
    """
    wanted = {resource.RLIMIT_AS: _held() + memory_bytes, resource.RLIMIT_FSIZE: FILE_BYTES, resource.RLIMIT_NPROC: 0}
    before, now = Limits(), Limits()
    for which, most in wanted.items():
        old = resource.getrlimit(which)
        new = (most if old[1] == resource.RLIM_INFINITY else min(most, old[1]), old[1])
        try:
            resource.setrlimit(which, new)
        except (OSError, ValueError):
            continue
        before[which], now[which] = old, new
    return before, now


def _held() -> int:
    """Bytes of address space; 0 where the system doesn't tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def boxes(sandbox: Sandbox, before: Limits, now: Limits) -> OpenBox:
    """Opens boxes free of this process's own limits: a box has others, the same as when the agent's code ran in one."""

    @contextmanager
    def opened(files: Iterable[File], *, services: Iterable[Service] = ()) -> Iterator[Any]:
        with ExitStack() as stack:
            _set(before)
            try:
                box = stack.enter_context(open_box(files, services=services, sandbox=sandbox))
            finally:
                _set(now)
            yield box

    return opened


def _set(limits: Limits) -> None:
    for which, pair in limits.items():
        resource.setrlimit(which, pair)


def answer(task: Task, verifier: Verifier, changes: list[dict[str, Any]], opener: OpenBox | None) -> dict[str, Any]:
    """`graded`: what the checks say; or `failure`: the boundary that was crossed, and how."""
    try:
        return {"graded": rows.to_row(grade(task, verifier, [rows.from_row(Change, change) for change in changes], opener))}
    except BoundaryError as error:
        return {"failure": [error.boundary, str(error)]}


def main(argv: Sequence[str]) -> None:
    """Answer requests from standard input on standard output until there are no more. `argv` holds the limits as JSON.

    An answer is a Graded's row under `graded`, a boundary and a message under `failure`, or what was too little under `limit`.
    """
    told = json.loads(argv[0])
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):  # a library that prints must not be taken for an answer
        os.dup2(quiet, stream)
    limits = bound(told["memory_bytes"])
    opener = boxes(Sandbox(**told["sandbox"]), *limits) if told["sandbox"] else None
    with suppress(EOFError):
        serve(requests, replies, told["seconds"], opener)


def serve(requests: BinaryIO, replies: BinaryIO, seconds: float, opener: OpenBox | None) -> None:
    """Answer each outcome, within so many seconds of processor time. Raises EOFError where there are no more.

    A task and its verifier come once before the outcomes that are theirs. The time is the processor's, since a busy machine is no
    fault of the agent's. The kernel ends the process: no handler of Python's runs while a pattern matches or a C library works.
    Boxes don't inherit the timer.
    """
    while True:
        try:
            request = wire.receive(requests)
            if "task" in request:
                task, verifier = rows.from_row(Task, request["task"]), rows.from_row(Verifier, request["verifier"])
                continue
            signal.setitimer(signal.ITIMER_PROF, seconds)
            made = answer(task, verifier, request["changes"], opener)
            signal.setitimer(signal.ITIMER_PROF, 0)
        except MemoryError:
            made = {"limit": "memory"}
        replies.write(wire.packed(made))
        replies.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
