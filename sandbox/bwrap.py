"""Starting a box: bubblewrap with everything unshared, a read-only /usr, a sized tmpfs as the workspace, and our runner in it.

The workspace is a tmpfs inside the box. The runner passes a descriptor of it out before anything else runs; through that it is
read once the box is dead, with no mount of ours on the host to leak and no root needed.
"""

from __future__ import annotations

import base64
import functools
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sandbox import running, spawning
from sandbox.doors import CLOSED, Doors
from sandbox.faults import BoxError

OUTSIDE_ID = 20000  # root starts boxes as this user: a root-started namespace maps to the host's root, who may read all
INSIDE_ID = 1000
SHARED_MEMORY = 16 << 20
START_S = 35.0  # to start on a busy machine, and a little more than the fork server gives; quiet it takes a hundredth
STUBS = {
    "/etc/passwd": f"root:x:0:0:root:/:/bin/false\nagent:x:{INSIDE_ID}:{INSIDE_ID}::/tmp:/bin/bash\n",
    "/etc/group": f"root:x:0:\nagent:x:{INSIDE_ID}:\n",
    "/etc/hosts": "127.0.0.1 localhost box\n::1 localhost\n",
}
PASSAGE = Path("/run/clawgym/mounts")  # where root lays folders, in mounts that only one start sees
LINKS = {"/bin": "usr/bin", "/sbin": "usr/sbin", "/lib": "usr/lib", "/lib64": "usr/lib64"}
_FROM_ETC = ("/etc/ld.so.cache", "/etc/alternatives")  # awk, vi and others are links through the latter
_LOCAL = ("/usr/local", "/usr/src", "/usr/lib/debug")  # what this machine's owner put beneath /usr is not the box's


@dataclass(frozen=True)
class Wanted:
    """What a box is to have: disk and rlimits, a filter of system calls, no user namespaces within, and its doors."""

    disk_bytes: int
    rlimits: Mapping[str, int]
    program: bytes = b""
    bar_nesting: bool = True
    doors: Doors = CLOSED


def arguments(wanted: Wanted) -> list[Any]:
    """The command line of bubblewrap without a command, as `forkserver.started` takes it."""
    line: list[Any] = [_program(), "--unshare-all", "--unshare-user", "--as-pid-1", "--new-session", "--cap-drop", "ALL"]
    line += ["--disable-userns"] if wanted.bar_nesting else []
    line += ["--uid", str(INSIDE_ID), "--gid", str(INSIDE_ID), "--hostname", "box"]
    line += ["--ro-bind", "/usr", "/usr", *_system()]
    for path, text in STUBS.items():
        line += ["--perms", "0644", "--file", [text], path]
    for host, inside, writable in wanted.doors.bound():
        line += ["--bind" if writable else "--ro-bind", host, inside]
    line += ["--proc", "/proc", "--dev", "/dev", "--size", str(SHARED_MEMORY), "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]  # noqa: S108
    line += ["--size", str(wanted.disk_bytes), "--perms", "1777", "--tmpfs", "/tmp"]  # noqa: S108 (inside)
    line += ["--size", str(wanted.disk_bytes), "--perms", "0755", "--tmpfs", "/workspace", "--remount-ro", "/"]
    return [*line, "--info-fd", []]


@contextmanager
def start(wanted: Wanted, entries: Callable[[], Iterable[str]] = tuple) -> Iterator[running.Running]:
    """A started box; at the end every process of it is dead and every descriptor closed. Raises BoxError where it doesn't start.

    `entries`: the files into which 0 is written to enter its control groups; asked for while bubblewrap is at work, so that the groups
    can be made meanwhile, and once more where the start is tried again.
    """
    with ExitStack() as stack:
        complaints = running.held(stack, os.memfd_create("complaints"))
        asked = functools.partial(_asked, stack, _request(wanted), entries, complaints)
        try:
            try:
                started = asked()
            except ConnectionError:
                started = asked()
        except OSError as error:
            raise BoxError(f"the box doesn't start: {running.said(complaints) or error}") from error
        stack.callback(running.kill, started)
        yield started


def _asked(stack: ExitStack, request: Mapping[str, Any], entries: Callable[[], Iterable[str]], complaints: int) -> running.Running:
    """What the fork server started. Raises ConnectionError where that was killed and will be replaced, OSError where no box comes."""
    ours, theirs = socket.socketpair()
    stack.enter_context(ours)  # a runner whose channel hangs up ends by itself, so nothing stays where the start failed half-way
    with theirs:
        server = spawning.ask(request, (theirs.fileno(), complaints))
    got: list[int] = []
    with suppress(ConnectionError), ExitStack() as passed:
        socket.send_fds(ours, [b"."], [running.held(passed, os.open(path, os.O_WRONLY | os.O_CLOEXEC)) for path in entries()])
        ours.settimeout(START_S)
        got = [running.held(stack, fd) for fd in socket.recv_fds(ours, 1, 2)[1]]
    if not got and not running.said(complaints):
        raise ConnectionError(spawning.give_up(server) or "what was to start it ended without a word")
    if len(got) != 2:
        raise OSError("it passed no workspace")
    workspace, init = got
    return running.Running(ours, workspace, init, complaints)


@functools.cache
def bars_nesting() -> bool:
    """Whether bubblewrap can forbid user namespaces within a box; it can since 0.8."""
    said = subprocess.run([_program(), "--help"], capture_output=True, text=True, check=False)
    return "--disable-userns" in said.stdout + said.stderr


def _request(wanted: Wanted) -> dict[str, Any]:
    hidden = [host for host, _ in wanted.doors.mounts if os.geteuid() == 0 and not _passable(Path(host))]
    moved = {host: str(PASSAGE / str(n)) for n, host in enumerate(hidden)}
    for place in moved.values():
        Path(place).mkdir(parents=True, exist_ok=True)
    laid = replace(wanted.doors, mounts=tuple((moved.get(host, host), inside) for host, inside in wanted.doors.mounts))
    return {
        "identity": OUTSIDE_ID,
        "folders": moved,
        "line": arguments(replace(wanted, doors=laid)),
        "limits": [f"{name}={value}" for name, value in wanted.rlimits.items()],
        "program": base64.b64encode(wanted.program).decode(),
    }


@functools.cache
def _system() -> list[str]:
    """Arguments for what a box sees of the system around /usr."""
    line = [part for path in ("/etc", "/run") for part in ("--perms", "0755", "--dir", path)]
    for path in filter(os.path.isdir, _LOCAL):
        line += ["--tmpfs", path, "--remount-ro", path]
    for path, target in LINKS.items():
        line += ["--symlink", target, path] if Path("/", target).exists() else []
    for path in _FROM_ETC:
        line += ["--ro-bind-try", path, path]
    return line


def _passable(path: Path) -> bool:
    """Whether the user of boxes comes to a path through all folders above it."""
    return all(folder.stat().st_mode & 0o001 for folder in path.resolve().parents if folder.exists())


def _program() -> str:
    return _found(os.environ.get("PATH", os.defpath))


@functools.cache
def _found(path: str) -> str:
    found = shutil.which("bwrap", path=path)
    if found is None:
        raise BoxError("bwrap is not installed; boxes need bubblewrap (apt-get install bubblewrap)")
    return found
