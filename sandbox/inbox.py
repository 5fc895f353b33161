# ruff: noqa: PTH103, PTH118, PTH120, PTH123
"""The runner inside a box, as its process 1: takes requests on standard input, answers on standard output.

A fork of the fork server (forkserver.py), or started in a container by the box's own Python. For the latter it imports C modules alone and
does without JSON: enum, re and functools take longer to import than Python to start. A message is two lengths (4 bytes each, big-endian), a
head of fields with NUL between them, and a body. Being process 1 it can't be killed from within, being undumpable it can't be written to,
and it ends, and with it the whole box, when the other side hangs up.
"""

from __future__ import annotations

import _ctypes
import _signal as signal  # type: ignore[import-not-found]
import _socket as socket
import binascii
import errno
import os
import resource
import select
import stat
import sys
import time

TYPE_CHECKING = False  # typing itself is never imported in a box
if TYPE_CHECKING:
    from typing import Any

ROOT = "/workspace"
PIPE = 1 << 16
DRAIN = 1 << 20  # the most that a pipe can hold: what is still in it when the command ends
VICTIM = 500  # the kernel shall kill a command before this runner when memory runs out
LEFTOVERS = 32
PATIENCE_S = 10  # for killed processes to be gone
NO_DUMP = 4  # PR_SET_DUMPABLE

control: Any  # what requests come over
codes: dict[str, Any] = {}  # of the modules beside this one, where the fork server has brought them
leftovers: list[int] = []  # read ends of pipes that background processes still hold
sites: list[Any] = []  # what is served here (pages.py, bridge.py)


def beside(name: str) -> Any:
    """A module of ours that lies beside this one; most boxes need none."""
    if name in codes:
        sys.modules[name] = type(sys)(name)
        exec(codes.pop(name), sys.modules[name].__dict__)  # noqa: S102 (our own)
    return __import__(name)


def receive(size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = control.recv(min(size - len(data), DRAIN))
        if not part:
            os._exit(0)
        data += part
    return bytes(data)


def reply(body: bytes = b"", **head: int | str) -> None:
    text = "\0".join(f"{name}={value}" for name, value in head.items()).encode()
    control.sendall(b"".join([len(text).to_bytes(4, "big"), len(body).to_bytes(4, "big"), text, body]))


def call(name: str, *arguments: int) -> int:
    """Call a function of the C library."""
    return int(_ctypes.call_function(_ctypes.dlsym(_ctypes.dlopen(None, 0), name), arguments))  # type: ignore[arg-type]


def inside(path: str) -> str:
    return os.path.join(ROOT, path)


class Kept:
    """The beginning and the end of a stream that may be endless."""

    def __init__(self, size: int):
        self.half, self.total, self.head, self.tail = size // 2, 0, bytearray(), bytearray()

    def add(self, data: bytes) -> None:
        self.total += len(data)
        room = self.half - len(self.head)
        self.head += data[:room]
        self.tail += data[room:] if room < len(data) else b""
        if len(self.tail) > self.half + DRAIN:
            del self.tail[: -self.half]

    def body(self) -> bytes:
        return bytes(self.head + self.tail[-self.half :])


def take(pipe: int, kept: Kept | None, most: int = PIPE) -> bool:
    """Read what is in a pipe, up to `most`; whether anybody still holds its other end."""
    while most > 0:
        try:
            data = os.read(pipe, PIPE)
        except BlockingIOError:
            return True
        if not data:
            return False
        if kept:
            kept.add(data)
        most -= len(data)
    return True


class Children:
    """Every process of the box whose parent died becomes a child of process 1; all are reaped here."""

    def __init__(self) -> None:
        self.wake, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # for process 1 the default is to ignore it
        self.score = os.open("/proc/self/oom_score_adj", os.O_RDWR | os.O_CLOEXEC)  # closed to us once undumpable
        self.own = os.pread(self.score, 16, 0).strip()

    def spawn(self, argv: list[str], output: int) -> int:
        actions = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0), *((os.POSIX_SPAWN_DUP2, output, end) for end in (1, 2))]
        os.pwrite(self.score, b"%d" % max(VICTIM, int(self.own)), 0)
        try:
            return os.posix_spawn(
                argv[0], argv, os.environ, file_actions=actions, setsid=True, setsigdef=[signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD]
            )
        finally:
            os.pwrite(self.score, self.own, 0)

    def reap(self, awaited: int = 0) -> int | None:
        """Reap all that ended; the wait status of `awaited` if it is among them."""
        found = None
        take(self.wake, None)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return found
            if pid == 0:
                return found
            if pid == awaited:
                found = status


def wait(children: Children, seconds: float | None, pipe: int = -1, requests: bool = False) -> set[int]:
    """Sleep until something happens; discard what background processes say, serve pages; the ready descriptors."""
    poll = select.poll()
    for fd in [children.wake, *leftovers, *([pipe] if pipe >= 0 else [])]:
        poll.register(fd, select.POLLIN)
    for site in sites:
        for fd, events in site.wanted().items():
            poll.register(fd, events)
    poll.register(control.fileno(), select.POLLIN if requests else 0)
    ready = dict(poll.poll(None if seconds is None else max(0, int(seconds * 1000) + 1)))
    if ready.get(control.fileno(), 0) & (select.POLLHUP | select.POLLERR) and not requests:
        os._exit(0)
    for fd in [fd for fd in leftovers if fd in ready]:
        if not take(fd, None):
            leftovers.remove(fd)
            os.close(fd)
    for site in sites:
        site.tend(ready.keys())
    return set(ready)


def alive(group: int) -> bool:
    """Whether a process group still has members, be they dying."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def attend(children: Children, child: int, pipe: int, kept: Kept, timeout: float) -> tuple[int, bool, bool]:
    """Wait for a command: its wait status, whether its time ran out, whether its pipe is still held by others."""
    deadline, timed_out, is_open = time.monotonic() + timeout, False, True
    status: int | None = None
    while status is None:
        ready = wait(children, deadline - time.monotonic(), pipe if is_open else -1)
        if pipe in ready:
            is_open = take(pipe, kept)
        status = children.reap(child)
        if status is None and time.monotonic() >= deadline:
            os.killpg(child, signal.SIGKILL)
            timed_out, deadline = True, time.monotonic() + PATIENCE_S
    while timed_out and alive(child) and time.monotonic() < deadline:
        wait(children, 0.05)
        children.reap()
    if is_open:
        is_open = take(pipe, kept, DRAIN)
    return status, timed_out, is_open


def run(children: Children, workdir: str, timeout: float, keep: int, body: bytes) -> None:
    """Run a command with bash in a session of its own; `keep` bytes of its output come back."""
    try:
        os.chdir(inside(workdir))
    except (OSError, ValueError) as error:
        text = f"{workdir}: {getattr(error, 'strerror', None) or error}".encode(errors="replace")
        return reply(text, status=126, timed_out=0, total=len(text), head=len(text))
    pipe, output = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(pipe, False)
    kept = Kept(keep)
    try:
        child = children.spawn(["/bin/bash", "-c", os.fsdecode(body)], output)
    except (OSError, ValueError) as error:
        os.close(pipe)
        full = {errno.EAGAIN: "pids", errno.ENOMEM: "memory"}.get(getattr(error, "errno", 0))
        if full:
            return reply(limit=full)
        text = f"can't be run: {error}".encode(errors="replace")
        return reply(text, status=126, timed_out=0, total=len(text), head=len(text))
    finally:
        os.close(output)
        os.chdir(ROOT)
    status, timed_out, is_open = attend(children, child, pipe, kept, timeout)
    if is_open:
        leftovers.append(pipe)
    else:
        os.close(pipe)
    if len(leftovers) > LEFTOVERS:
        os.close(leftovers.pop(0))
    code = os.waitstatus_to_exitcode(status)
    reply(kept.body(), status=code if code >= 0 else 128 - code, timed_out=int(timed_out), total=kept.total, head=len(kept.head))


def regular(path: str, flags: int) -> int:
    """Open a regular file without ever waiting on a fifo or a device."""
    fd = os.open(inside(path), flags | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY, 0o644)
    mode = os.fstat(fd).st_mode
    if not stat.S_ISREG(mode):
        os.close(fd)
        raise OSError(errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL, "")
    return fd


def read(path: str, most: int) -> None:
    with open(regular(path, os.O_RDONLY), "rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, "")
    reply(content)


def write(path: str, content: bytes) -> None:
    try:
        os.makedirs(os.path.dirname(inside(path)), exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, "") from None
    with open(regular(path, os.O_WRONLY | os.O_CREAT), "wb") as file:
        file.truncate()
        file.write(content)
    reply()


def fill(fields: list[str], body: bytes) -> None:
    """Write the given workspace; path, mode, size a file, contents one after another in the body."""
    start = 0
    for path, mode, length in zip(fields[::3], fields[1::3], fields[2::3], strict=True):
        size = int(length)
        os.makedirs(os.path.dirname(inside(path)), exist_ok=True)
        with open(inside(path), "xb") as file:
            file.write(body[start : start + size])
            os.fchmod(file.fileno(), int(mode))
        start += size
    reply()


def answer(children: Children, fields: list[str], body: bytes) -> None:
    try:
        match fields:
            case ["exec", workdir, timeout, keep]:
                run(children, workdir, float(timeout), int(keep), body)
            case ["read", path, most]:
                read(path, int(most))
            case ["write", path]:
                write(path, body)
            case ["fill", *files]:
                fill(files, body)
            case ["serve", port, *files]:
                sites.append(beside("pages").site(int(port), files, body))
                reply()
            case ["bridge", port, path]:
                sites.append(beside("bridge").Bridge(int(port), path))
                reply()
    except OSError as error:
        reply(errno=error.errno or errno.EINVAL)
    except MemoryError:
        reply(limit="memory")


def greet() -> None:
    """Say that nothing has run yet; over a socket hand out the workspace, and by what to know and end this process."""
    if not isinstance(control, socket.socket):
        return control.sendall(b".")  # type: ignore[no-any-return]
    passed = os.open(ROOT, os.O_RDONLY | os.O_DIRECTORY), os.pidfd_open(os.getpid())
    control.sendmsg([b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, b"".join(fd.to_bytes(4, sys.byteorder) for fd in passed))])
    for fd in passed:
        os.close(fd)


def main(program: str, limits: list[str], brought: dict[str, Any]) -> None:
    """Be the runner, under rlimits (name=value) and a filter of system calls in base64, where something else lays none."""
    global control  # noqa: PLW0603 (a process talks over one channel)
    codes.update(brought)
    os.umask(0o022)
    os.environ.pop("HOSTNAME", None)  # that an engine sets; a box is to look the same whichever started it
    for name, value in (limit.split("=") for limit in limits):
        hard = int(value) + (name == "RLIMIT_CPU")  # at the soft bound comes SIGXCPU, which says why; at the hard one SIGKILL
        resource.setrlimit(getattr(resource, name), (int(value), hard))
    control = socket.socket(fileno=0) if stat.S_ISSOCK(os.fstat(0).st_mode) else beside("contained").Pipes()
    children = Children()
    os.chdir(ROOT)
    if call("prctl", NO_DUMP, 0, 0, 0, 0) != 0:
        raise SystemExit("the runner can't be made undumpable")
    if program:
        beside("contained").refuse(binascii.a2b_base64(program))
    greet()
    while True:
        if control.fileno() in wait(children, None, requests=True):
            size, length = (int.from_bytes(receive(4), "big") for _ in range(2))
            fields = os.fsdecode(receive(size)).split("\0")
            answer(children, fields, receive(length))
        children.reap()


if __name__ == "__main__":
    sys.path.append(os.path.dirname(sys.argv[0]))
    main(sys.argv[1], sys.argv[2:], {})
