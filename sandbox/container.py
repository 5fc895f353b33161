"""Starting a box: a container of a Docker engine on this machine, with the same runner in it as process 1.

The runner is talked with over the one stream that is attached at the start. The workspace is a tmpfs, which dies with the container, so a
descriptor of it is taken through /proc while the runner has not run anything yet; that takes root, as the engine itself does.
"""

from __future__ import annotations

import functools
import os
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker.errors import APIError, NotFound

from sandbox import bwrap, cgroups, engine, image, running, spawning
from sandbox.doors import CLOSED, Doors
from sandbox.faults import BoxError

HOSTS = Path("/run/clawgym/hosts")
_FRAME = struct.Struct(">BxxxI")
_STDOUT = 1


class Attached:
    """The stream of a container: what is sent is its standard input; its output comes in frames, standard error among them."""

    def __init__(self, raw: socket.socket, complaints: int):
        self._raw, self._complaints, self._left = raw, complaints, 0

    def settimeout(self, seconds: float | None) -> None:
        self._raw.settimeout(seconds)

    def sendall(self, data: bytes) -> None:
        self._raw.sendall(data)

    def fileno(self) -> int:
        return self._raw.fileno()

    def recv(self, most: int) -> bytes:
        """Up to so many bytes of standard output; nothing where the container hung up. Never holds back what `poll` doesn't show."""
        while self._left == 0:
            header = self._exactly(_FRAME.size)
            if not header:
                return b""
            kind, size = _FRAME.unpack(header)
            if kind == _STDOUT:
                self._left = size
            else:
                os.write(self._complaints, self._exactly(size))
        data = self._raw.recv(min(most, self._left))
        self._left -= len(data)
        return data

    def _exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            part = self._raw.recv(size - len(data))
            if not part:
                return b""
            data += part
        return bytes(data)


def groups(pid: int) -> cgroups.Groups:
    """The control groups of a container, by a process in it; made and removed by the engine."""
    found = cgroups.of(Path("/proc/self/mountinfo").read_text(), Path(f"/proc/{pid}/cgroup").read_text())
    if found is None:
        raise BoxError("the container has no control groups that can be read")
    return found


@dataclass(frozen=True)
class Wanted:
    """What a box is to have: its bounds, a filter of system calls besides Docker's own, a runtime other than the engine's, and its
    doors."""

    disk_bytes: int
    memory_bytes: int
    pids: int
    rlimits: Mapping[str, int]
    program: bytes = b""
    runtime: str = ""
    doors: Doors = CLOSED


@contextmanager
def start(wanted: Wanted) -> Iterator[tuple[running.Running, cgroups.Groups]]:
    """A started box with its control groups; at the end the container is gone. Raises BoxError where it doesn't start."""
    api = engine.connect()
    with ExitStack() as stack:
        try:
            identity = _created(api, wanted)
            stack.callback(_removed, api, identity)
            complaints = running.held(stack, os.memfd_create("complaints"))
            stream = api.attach_socket(identity, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
            stack.callback(stream.close)
            raw = getattr(stream, "_sock", stream)
            stack.callback(raw.close)
            control = Attached(raw, complaints)
            api.start(identity)
            control.settimeout(bwrap.START_S)
            if control.recv(1) != b".":
                raise BoxError(f"the box doesn't start: {running.said(complaints)}")
            pid = int(api.inspect_container(identity)["State"]["Pid"])
            init = running.held(stack, os.pidfd_open(pid))
            if identity not in Path(f"/proc/{pid}/cgroup").read_text():  # it died, and the pid is another's now
                raise BoxError(f"the box is gone at once: {running.said(complaints)}")
            workspace = running.held(stack, os.open(f"/proc/{pid}/root/workspace", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            bounds = groups(pid)
        except (OSError, APIError) as error:
            raise BoxError(f"the box doesn't start: {error}") from error
        started = running.Running(control, workspace, init, complaints)
        stack.callback(running.kill, started)
        yield started, bounds


def _created(api: Any, wanted: Wanted) -> str:
    place = f"rw,exec,nosuid,nodev,size={wanted.disk_bytes},uid={bwrap.INSIDE_ID},gid={bwrap.INSIDE_ID}"
    host = api.create_host_config(
        network_mode="none",
        read_only=True,
        tmpfs={"/workspace": f"{place},mode=0755", "/tmp": f"{place},mode=1777"},  # noqa: S108 (inside)
        shm_size=bwrap.SHARED_MEMORY,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        mem_limit=wanted.memory_bytes,
        memswap_limit=wanted.memory_bytes,
        pids_limit=wanted.pids,
        cpu_period=100_000,
        cpu_quota=100_000,
        ipc_mode="private",
        log_config={"Type": "none", "Config": {}},
        runtime=wanted.runtime or None,
        binds=[f"{_hosts()}:/etc/hosts:ro", *(f"{host}:{inside}:{'rw' if w else 'ro'}" for host, inside, w in wanted.doors.bound())],
    )
    made = api.create_container(
        image.build(api),
        image.runner(wanted.rlimits, wanted.program),
        user=f"{bwrap.INSIDE_ID}:{bwrap.INSIDE_ID}",
        hostname="box",
        environment=spawning.ENVIRONMENT,
        working_dir="/workspace",
        stdin_open=True,
        host_config=host,
        network_disabled=True,  # with a mere network of none the engine makes files that name the host's name servers
        labels={engine.STARTER: f"{os.getpid()}-{cgroups.started(os.getpid())}"},
    )
    return str(made["Id"])


@functools.cache
def _hosts() -> Path:
    """The file that is /etc/hosts inside, where an engine lays an empty one over the image's. A box sees the path, so it tells nothing."""
    text = bwrap.STUBS["/etc/hosts"]
    if not HOSTS.is_file() or HOSTS.read_text() != text:
        HOSTS.parent.mkdir(exist_ok=True)
        made = HOSTS.with_name(f"hosts-{os.getpid()}")
        made.write_text(text)
        made.replace(HOSTS)
    return HOSTS


def _removed(api: Any, identity: str) -> None:
    with suppress(NotFound):
        api.remove_container(identity, force=True, v=True)
