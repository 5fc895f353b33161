"""A handle on a running box: what an agent's calls, checks and snapshots ask of it, whichever backend runs it."""

from __future__ import annotations

import errno
import os
import select
import stat
import struct
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sandbox import changes, running
from sandbox.backends import MB, Bounds, Caps
from sandbox.doors import ENDPOINT
from sandbox.faults import BoxError, BoxLimit
from specs.records import SITE_PORT, Change, File

OUTPUT_BYTES = 32 << 10  # of a command's output that is kept: half from its beginning, half from its end
_GRACE_S = 15.0  # for the runner to answer beyond the time it was given
_LOOK_S = 0.25  # between looks at the CPU time used
_LENGTHS = struct.Struct(">II")


@dataclass(frozen=True)
class Result:
    """What a command did. `status` is its exit status (128 + n for signal n), None where its time ran out.

    `output` holds both standard output and error, its middle left out where `truncated`. `killed` names the cap that the kernel
    enforced on a process meanwhile ("memory" | "cpu" | "pids"), or is empty; the box lives on.
    """

    status: int | None
    output: str
    truncated: bool
    timed_out: bool
    killed: str


class Box:
    """A running box; made by `open_box`. Calls from several threads take turns."""

    def __init__(self, started: running.Running, bounds: Bounds, caps: Caps):
        self._running, self._bounds, self._caps = started, bounds, caps
        self._given: tuple[File, ...] = ()
        self._turn = threading.RLock()
        self._over: BoxLimit | BoxError | None = None
        self._left: tuple[Change, ...] | None = None
        self._gone = False  # its descriptors are closed, and their numbers may be somebody else's

    @property
    def bounded_by(self) -> str:
        """What enforces the caps: "cgroup v1", "cgroup v2", or "rlimits and a watcher" where no control group can be made."""
        return self._bounds.named

    def exec(self, command: str, workdir: str = "", timeout_s: float = 30) -> Result:
        """Run `command` with bash in `workdir` (relative to the workspace), its standard input empty.

        When its time runs out, its process group is killed; what it put into the background with a session of its own stays, as
        does what it left in the background when it ended. Raises BoxLimit or BoxError where the box is over.
        """
        with self._turn:
            before = self._refusals()
            try:
                answer, body = self._ask(["exec", workdir, timeout_s, OUTPUT_BYTES], command.encode("utf-8", "replace"), timeout_s)
            except OSError as error:
                return Result(126, f"{workdir}: {error.strerror}", False, False, "")
            killed = self._blame(answer["status"], before)
        timed_out = bool(answer["timed_out"])
        dropped = answer["total"] - len(body)
        return Result(None if timed_out else answer["status"], _joined(body, answer["head"], dropped), dropped > 0, timed_out, killed)

    def read(self, path: str) -> bytes:
        """The content of a regular file, as the agent sees it. Raises OSError for the agent's mistakes (no such file, a
        directory, past `file_mb`), BoxLimit or BoxError where the box is over."""
        return self._ask(["read", path, self._caps.file_mb * MB], path=path)[1]

    def write(self, path: str, content: bytes) -> None:
        """Write a file as the agent would, with its directories. Raises as `read` does."""
        if len(content) > self._caps.disk_mb * MB:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
        self._ask(["write", path], content, path=path)

    def close(self) -> None:
        """Kill every process in the box; what it left can still be read."""
        with self._turn:
            if not self._gone:
                running.kill(self._running)
            self._over = self._over or BoxError("the box is closed")

    def snapshot(self) -> tuple[Change, ...]:
        """Kill every process in the box, then compare its workspace with what it was given.

        Files past `file_mb` have content None (and, past the disk's size in all, no digest). Raises BoxLimit("disk") where more files
        are there than can be looked at.
        """
        with self._turn:
            self.close()
            if self._left is None:
                if self._gone:
                    raise BoxError("the box is gone; take the snapshot while it is open")
                self._left = changes.difference(changes.tree_of(self._given), self._tree())
            return self._left

    def look(self, given: Iterable[File]) -> tuple[Change, ...]:
        """How the workspace differs from these files, while the box lives on: only for one in which nobody could alter what is being read.

        Raises as `snapshot` does.
        """
        with self._turn:
            if self._over:
                raise self._over
            return changes.difference(changes.tree_of(given), self._tree())

    def _tree(self) -> changes.Tree:
        budget = changes.Budget(self._caps.file_mb * MB, 2 * self._caps.disk_mb * MB, changes.MOST_ENTRIES)
        return changes.read_tree(self._running.workspace, budget)

    def end_of(self, fifo: str, flags: int) -> int:
        """A descriptor, the caller's to close, of a fifo at the top of the workspace, to talk with a process of ours inside.

        It never blocks. Raises OSError where there is no such fifo.
        """
        end = os.open(fifo, flags | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._running.workspace)
        if not stat.S_ISFIFO(os.fstat(end).st_mode):
            os.close(end)
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), fifo)
        return end

    def killed_for_memory(self) -> int:
        """How many processes the kernel has killed for want of memory so far; 0 where nothing counts them."""
        return self._refusals()[0]

    def cpu_seconds(self) -> float:
        """Processor time that all its processes have used so far."""
        return self._bounds.cpu_seconds()

    def end(self) -> None:
        """Kill every process; nothing can be asked of the box any more."""
        with self._turn:
            self.close()
            self._gone = True

    def fill(self, given: tuple[File, ...]) -> None:
        """Write these files into the empty workspace; changes are told from them on. Raises BoxError where they don't fit."""
        self._given = given
        if not given:
            return
        fields = [field for file in given for field in (file.path, file.mode, len(file.content))]
        try:
            self._ask(["fill", *fields], b"".join(file.content for file in given), 60)
        except OSError as error:
            raise BoxError(f"the given files can't be written: {error.strerror}") from error

    def serve(self, pages: tuple[File, ...]) -> None:
        """Serve these at SITE_URL for as long as the box lives. Raises BoxError where that can't be."""
        fields = [field for page in pages for field in (page.path, len(page.content))]
        try:
            self._ask(["serve", SITE_PORT, *fields], b"".join(page.content for page in pages), 60)
        except OSError as error:
            raise BoxError(f"the site can't be served: {error.strerror}") from error

    def bridge(self, port: int) -> None:
        """Have this port of the loopback lead to the box's ENDPOINT for as long as it lives. Raises BoxError where that can't be."""
        try:
            self._ask(["bridge", port, ENDPOINT])
        except OSError as error:
            raise BoxError(f"port {port} can't be had: {error.strerror}") from error

    def _ask(self, fields: Sequence[object], body: bytes = b"", wait_s: float = 0, path: str = "") -> tuple[dict[str, int], bytes]:
        """Send a request, its name first; the fields of the answer and its body."""
        text = _head(fields, path)
        with self._turn:
            if self._over:
                raise self._over
            try:
                self._look()
                self._running.control.settimeout(_GRACE_S)
                self._running.control.sendall(_LENGTHS.pack(len(text), len(body)) + text + body)
                deadline = time.monotonic() + wait_s + _GRACE_S
                size, length = _LENGTHS.unpack(self._receive(_LENGTHS.size, deadline))
                told = dict(field.split("=") for field in self._receive(size, deadline).decode().split("\0") if field)
                limit = told.pop("limit", "")
                answer = {name: int(value) for name, value in told.items()}
                content = self._receive(length, deadline)
            except (TimeoutError, ConnectionError, ValueError, BoxLimit) as error:
                self._over = self._reason(error)
                raise self._over from error
            except BaseException:
                self._over = BoxError("a call was interrupted, and its answer would be taken for the next one's")
                raise
            if limit:
                self._over = BoxLimit(limit, "the box has no room for one more process")
                raise self._over
        if "errno" in answer:
            raise OSError(answer["errno"], os.strerror(answer["errno"]), path)
        return answer, content

    def _receive(self, size: int, deadline: float) -> bytes:
        """So many bytes from the runner. Raises BoxLimit("cpu") meanwhile, TimeoutError past the deadline."""
        data, poll = bytearray(), select.poll()
        poll.register(self._running.control, select.POLLIN)
        while len(data) < size:
            while not poll.poll(_LOOK_S * 1000):
                self._look()
                if time.monotonic() > deadline:
                    raise TimeoutError("the runner doesn't answer")
            part = self._running.control.recv(min(size - len(data), MB))
            if not part:
                raise ConnectionError("the runner is gone")
            data += part
        return bytes(data)

    def _look(self) -> None:
        if self._bounds.cpu_seconds() > self._caps.cpu_seconds:
            raise BoxLimit("cpu", f"the box used its {self._caps.cpu_seconds} s of CPU time")

    def _reason(self, error: Exception) -> BoxLimit | BoxError:
        """Why the box is over, now that its runner failed to answer; ends it."""
        busy = self._bounds.cpu_seconds()
        running.kill(self._running)
        if isinstance(error, BoxLimit):
            return error
        if which := self._bounds.ended():
            most = {"memory": f"{self._caps.memory_mb} MB of memory", "pids": f"{self._caps.pids} processes"}
            return BoxLimit(which, f"the box needed more than its {most[which]}")
        if isinstance(error, TimeoutError) and busy > 0.5 * _GRACE_S:
            return BoxLimit("cpu", "the box is too busy to answer")
        return BoxError(f"{error}; {self._running.said() or 'it said nothing'}")

    def _refusals(self) -> tuple[int, int]:
        return self._bounds.killed_for_memory(), self._bounds.refused_processes()

    def _blame(self, status: int, before: tuple[int, int]) -> str:
        memory, pids = self._refusals()
        if memory > before[0]:
            return "memory"
        if status == 128 + 24:  # SIGXCPU
            return "cpu"
        return "pids" if pids > before[1] and status != 0 else ""


def _head(fields: Sequence[object], path: str) -> bytes:
    """The head of a request. Raises OSError where a field is no name that a file or folder can have."""
    texts = [str(field) for field in fields]
    try:
        if any("\0" in text for text in texts):
            raise ValueError
        return "\0".join(texts).encode("utf-8", "surrogateescape")
    except ValueError:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path) from None


def _joined(body: bytes, head: int, dropped: int) -> str:
    if dropped <= 0:
        return body.decode("utf-8", "replace")
    note = f"\n... [{dropped} bytes left out] ...\n"
    return body[:head].decode("utf-8", "replace") + note + body[head:].decode("utf-8", "replace")
