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
from contextlib import ExitStack, contextmanager
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
def start(wanted: Wanted, bounded: Callable[[], Iterable[str]] = tuple) -> Iterator[running.Running]:
    """A started box; at the end every process of it is dead and every descriptor closed. Raises BoxError where it doesn't start.

    `bounded` makes its control groups, while bubblewrap is at work, and says into which files to write 0 to enter them.
    """
    with ExitStack() as stack:
        complaints = running.held(stack, os.memfd_create("complaints"))
        entries = functools.cache(lambda: tuple(bounded()))
        for tries_left in (1, 0):
            ours, theirs = socket.socketpair()
            stack.enter_context(ours)  # a runner whose channel hangs up ends by itself, so nothing stays where the start failed half-way
            with theirs:
                spawning.ask(_request(wanted), (theirs.fileno(), complaints))
            try:
                workspace, init = (running.held(stack, fd) for fd in _passed(ours, entries()))
                break
            except OSError as error:
                said = running.said(complaints)
                if said or not tries_left or not isinstance(error, ConnectionError):
                    raise BoxError(f"the box doesn't start: {said or spawning.said() or error}") from error
                # without a word: somebody has killed the fork server
        started = running.Running(ours, workspace, init, complaints)
        stack.callback(running.kill, started)
        yield started


def _passed(control: socket.socket, entries: Iterable[str]) -> list[int]:
    """Descriptors of the workspace and of the runner, which is in these control groups. Raises OSError where it is not there in time."""
    with ExitStack() as stack:
        files = [running.held(stack, os.open(path, os.O_WRONLY | os.O_CLOEXEC)) for path in entries]
        socket.send_fds(control, [b"."], files)
    control.settimeout(START_S)
    _, descriptors, _, _ = socket.recv_fds(control, 1, 2)
    if not descriptors:
        raise ConnectionError("what was to start it ended without a word")
    return descriptors


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
