"""Starting a box: bubblewrap with everything unshared, a read-only /usr, a sized tmpfs as the workspace, and our runner in it.

The workspace is a tmpfs inside the box. The runner passes a descriptor of it out before anything else runs; through that it is
read once the box is dead, with no mount of ours on the host to leak and no root needed.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sandbox import cgroups, running
from sandbox.doors import CLOSED, Doors
from sandbox.faults import BoxError

OUTSIDE_ID = 20000  # root starts boxes as this user: a root-started namespace maps to the host's root, who may read all
INSIDE_ID = 1000
SHARED_MEMORY = 16 << 20
START_S = 30.0  # to start on a busy machine; quiet it takes a few hundredths
RUNNER = "/run/runner.pyc"
BESIDE = ("pages", "bridge", "contained")  # modules of ours that only some boxes use
PYTHON = ("/usr/bin/python3", "-I", "-S")
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/tmp",  # noqa: S108 (inside; what programs leave in a home is not the agent's work)
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUTF8": "1",
}
STUBS = {
    "/etc/passwd": f"root:x:0:0:root:/:/bin/false\nagent:x:{INSIDE_ID}:{INSIDE_ID}::/tmp:/bin/bash\n",
    "/etc/group": f"root:x:0:\nagent:x:{INSIDE_ID}:\n",
    "/etc/hosts": "127.0.0.1 localhost box\n::1 localhost\n",
}
_COMPILE = """
import importlib.util as util, marshal, sys
text = sys.stdin.buffer.read()
unchecked = (1).to_bytes(4, "little")  # PEP 552: a hash that nobody compares
code = marshal.dumps(compile(text, sys.argv[1].removesuffix("c"), "exec"))
sys.stdout.buffer.write(util.MAGIC_NUMBER + unchecked + util.source_hash(text) + code)
"""
PASSAGE = Path("/run/clawgym/mounts")  # where root lays folders, in a mount namespace that only one start sees
_LAY = """
n=0
while [ "$1" != -- ]; do mount --bind "$1" "$0/$n" || exit; n=$((n + 1)); shift; done
shift
exec "$@"
"""
LINKS = {"/bin": "usr/bin", "/sbin": "usr/sbin", "/lib": "usr/lib", "/lib64": "usr/lib64"}
_FROM_ETC = ("/etc/ld.so.cache", "/etc/alternatives")  # awk, vi and others are links through the latter
_LOCAL = ("/usr/local", "/usr/src", "/usr/lib/debug")  # what this machine's owner put beneath /usr is not the box's


@dataclass(frozen=True)
class Wanted:
    """What a box is to have: disk and rlimits, the control groups' files to enter, a filter of system calls, no user namespaces within,
    and its doors."""

    disk_bytes: int
    rlimits: Mapping[str, int]
    entries: Sequence[str] = ()
    program: bytes = b""
    bar_nesting: bool = True
    doors: Doors = CLOSED


def arguments(wanted: Wanted, data: Mapping[str, int], filter_fd: int | None, info_fd: int) -> list[str]:
    """The command line of bubblewrap. `data` maps paths inside the box to descriptors that hold their content."""
    line = ["--unshare-all", "--unshare-user", "--as-pid-1", "--new-session", "--cap-drop", "ALL"]
    line += ["--disable-userns"] if wanted.bar_nesting else []
    line += ["--uid", str(INSIDE_ID), "--gid", str(INSIDE_ID), "--hostname", "box"]
    line += ["--ro-bind", "/usr", "/usr"]
    for path in filter(os.path.isdir, _LOCAL):
        line += ["--tmpfs", path, "--remount-ro", path]
    for path, target in LINKS.items():
        line += ["--symlink", target, path] if Path("/", target).exists() else []
    for path in _FROM_ETC:
        line += ["--ro-bind-try", path, path]
    for path, fd in data.items():
        line += ["--ro-bind-data", str(fd), path]
    for host, inside, writable in wanted.doors.bound():
        line += ["--bind" if writable else "--ro-bind", host, inside]
    line += ["--proc", "/proc", "--dev", "/dev", "--size", str(SHARED_MEMORY), "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]  # noqa: S108
    line += ["--size", str(wanted.disk_bytes), "--perms", "1777", "--tmpfs", "/tmp"]  # noqa: S108
    line += ["--size", str(wanted.disk_bytes), "--perms", "0755", "--tmpfs", "/workspace", "--remount-ro", "/"]
    line += ["--chdir", "/workspace", "--clearenv"]
    for name, value in ENVIRONMENT.items():
        line += ["--setenv", name, value]
    line += ["--seccomp", str(filter_fd)] if filter_fd is not None else []
    return [*line, "--info-fd", str(info_fd), "--", *runner(wanted.rlimits)]


@contextmanager
def start(wanted: Wanted) -> Iterator[running.Running]:
    """A started box; at the end every process of it is dead and every descriptor closed. Raises BoxError where it doesn't start."""
    with ExitStack() as stack:
        complaints = running.held(stack, os.memfd_create("complaints"))
        # Not a pipe: were we killed now, its writer would die of that, and leave a child that waits for ever.
        info = running.held(stack, os.memfd_create("info"))
        ours, theirs = socket.socketpair()
        stack.enter_context(ours)
        with ExitStack() as passed:  # descriptors that only the child needs
            passed.enter_context(theirs)
            process = _spawn(passed, wanted, theirs, info, complaints)
        stack.callback(_end, process, ours)
        try:
            ours.settimeout(START_S)
            _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
            workspace = running.held(stack, descriptors[0])
            init = running.held(stack, _process_1(process.pid, info))
        except (OSError, ValueError, IndexError) as error:
            raise BoxError(f"the box doesn't start: {running.said(complaints) or error!r}") from error
        started = running.Running(ours, workspace, init, complaints)
        stack.callback(running.kill, started)
        yield started


@functools.cache
def bars_nesting() -> bool:
    """Whether bubblewrap can forbid user namespaces within a box; it can since 0.8."""
    said = subprocess.run([_program("bwrap"), "--help"], capture_output=True, text=True, check=False)
    return "--disable-userns" in said.stdout + said.stderr


def _spawn(stack: ExitStack, wanted: Wanted, control: socket.socket, info: int, complaints: int) -> subprocess.Popen[bytes]:
    contents = {path: text.encode() for path, text in STUBS.items()} | programs()
    data = {path: running.held(stack, _memory(content)) for path, content in contents.items()}
    filter_fd = running.held(stack, _memory(wanted.program)) if wanted.program else None
    hidden = [host for host, _ in wanted.doors.mounts if os.geteuid() == 0 and not _passable(Path(host))]
    moved = {host: str(PASSAGE / str(n)) for n, host in enumerate(hidden)}
    laid = replace(wanted.doors, mounts=tuple((moved.get(host, host), inside) for host, inside in wanted.doors.mounts))
    line = [_program("bwrap"), *arguments(replace(wanted, doors=laid), data, filter_fd, info)]
    if os.geteuid() == 0:
        identity = ["--reuid", str(OUTSIDE_ID), "--regid", str(OUTSIDE_ID), "--clear-groups", "--no-new-privs"]
        line = [*_passage(hidden), _program("setpriv"), *identity, *line]
    try:
        return subprocess.Popen(
            ["/bin/sh", "-c", cgroups.ENTER, "sh", *wanted.entries, "--", *line],
            stdin=control.fileno(),
            stdout=control.fileno(),
            stderr=complaints,
            env=dict[str, str](),
            cwd="/",
            pass_fds=(*data.values(), info, *([] if filter_fd is None else [filter_fd])),
        )
    except OSError as error:
        raise BoxError(f"the box doesn't start: {error}") from error


def _passable(path: Path) -> bool:
    """Whether the user of boxes comes to a path through all folders above it."""
    return all(folder.stat().st_mode & 0o001 for folder in path.resolve().parents if folder.exists())


def _passage(hidden: Sequence[str]) -> list[str]:
    """What goes before a command so that it finds these folders beneath PASSAGE, though nobody else does."""
    if not hidden:
        return []
    for n in range(len(hidden)):
        (PASSAGE / str(n)).mkdir(parents=True, exist_ok=True)
    return [_program("unshare"), "--mount", "--propagation", "private", "/bin/sh", "-c", _LAY, str(PASSAGE), *hidden, "--"]


def runner(rlimits: Mapping[str, int], program: str = "") -> list[str]:
    """The command line of our runner inside; with a filter of system calls in base64 where nothing else lays one."""
    return [*PYTHON, RUNNER, program, *(f"{name}={value}" for name, value in rlimits.items())]


@functools.cache
def programs() -> dict[str, bytes]:
    """Our own code inside a box, by path: the runner, compiled by the Python that will run it, and what lies beside it.

    Raises BoxError where that Python is missing.
    """
    try:
        compiled = subprocess.run([*PYTHON, "-c", _COMPILE, RUNNER], input=source("inbox"), capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise BoxError(f"the system's Python, which boxes run, does not: {error}") from error
    return {RUNNER: compiled} | {f"/run/{name}.py": source(name) for name in BESIDE}


def source(name: str) -> bytes:
    """The text of a module of ours that is run inside."""
    return Path(__file__).with_name(f"{name}.py").read_bytes()


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise BoxError(f"{name} is not installed; boxes need bubblewrap and util-linux (apt-get install bubblewrap util-linux)")
    return path


def _process_1(outer: int, info: int) -> int:
    """A pidfd of the box's process 1, whose pid bubblewrap (`outer`) wrote down before it let it run."""
    pid = int(json.loads(os.pread(info, 4096, 0))["child-pid"])
    pidfd = os.pidfd_open(pid)
    if f"PPid:\t{outer}\n" not in Path("/proc", str(pid), "status").read_text():  # it died, and the pid is another's now
        os.close(pidfd)
        raise ProcessLookupError(pid)
    return pidfd


def _end(process: subprocess.Popen[bytes], control: socket.socket) -> None:
    """Reap bubblewrap. A runner whose channel hangs up ends by itself, so nothing stays where the start failed half-way."""
    control.close()
    try:
        process.wait(2 * START_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _memory(content: bytes) -> int:
    """A descriptor to read `content` from, made for one reader: its offset is shared."""
    fd = os.memfd_create("content")
    os.write(fd, content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd
