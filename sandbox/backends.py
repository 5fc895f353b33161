"""The backends of boxes, how one is chosen, and what of its protections a host can't give."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from sandbox import bwrap, cgroups, seccomp, watcher
from sandbox.doors import CLOSED, Doors
from sandbox.faults import BoxError
from sandbox.running import Running
from specs import params

MB = 1 << 20
_OVERHEAD_PIDS = 1  # the runner counts as one of the box's processes
FILTER, NESTING = "a filter of system calls", "a bar to user namespaces within the box"
BOUNDS = "bounds of all processes together, by control groups or a watcher"


@dataclass(frozen=True)
class Caps:
    """What one box may use. `disk_mb` bounds the workspace, and /tmp as much again; `cpu_seconds` all its processes together;
    `file_mb` a file that is read from it. A box never uses more than one core at a time."""

    memory_mb: int = 512
    pids: int = 64
    disk_mb: int = 64
    cpu_seconds: int = 120
    file_mb: int = 8


@dataclass(frozen=True)
class Sandbox:
    """How boxes are made (`sandbox` in params.yaml). `backend`: bwrap | docker; `runtime`: of Docker's containers, its own where
    empty; `allow_weak`: go on without the protections that `weak` names, instead of refusing; `ahead`: boxes started before they are
    asked for, where many are."""

    backend: str = "bwrap"
    runtime: str = ""
    allow_weak: bool = False
    ahead: int = 2

    def told(self) -> dict[str, Any]:
        """What a record says of it, and its key depends on: whatever is not the default, and the protections that boxes go without."""
        told: dict[str, Any] = {"backend": self.backend} if self.backend != PLAIN.backend else {}
        told |= {"runtime": self.runtime} if self.runtime else {}
        return told | ({"weak": list(weak(self))} if self.allow_weak and weak(self) else {})


PLAIN = Sandbox()


class Bounds(Protocol):
    """What enforces a box's caps on all its processes together."""

    @property
    def named(self) -> str: ...

    def cpu_seconds(self) -> float: ...

    def killed_for_memory(self) -> int: ...

    def refused_processes(self) -> int: ...

    def ended(self) -> str: ...


def configured() -> Sandbox:
    """What params.yaml says. Raises UserError where it says nothing."""
    return Sandbox(**{name: value for name, value in params.section("sandbox").items() if value is not None})


@functools.cache
def weak(sandbox: Sandbox) -> tuple[str, ...]:
    """The protections that this host can't give."""
    lacking = []
    try:
        seccomp.program()
    except BoxError:
        lacking.append(FILTER)
    if sandbox.backend == "bwrap" and not bwrap.bars_nesting():
        lacking.append(NESTING)
    if sandbox.backend == "bwrap" and cgroups.usable() is None and not watcher.possible():
        lacking.append(BOUNDS)
    return tuple(lacking)


def tidy(sandbox: Sandbox) -> None:
    """Remove what boxes of killed processes left behind: before there are threads. Raises BoxError where no engine answers."""
    cgroups.usable()
    if sandbox.backend == "docker":
        from sandbox import engine  # noqa: PLC0415 (docker takes a fifth of a second to import)

        engine.connect()


@contextmanager
def started(caps: Caps, sandbox: Sandbox, doors: Doors = CLOSED) -> Iterator[tuple[Running, Bounds]]:
    """A started box, its runner waiting for requests, and what bounds it; at the end nothing of it is left.

    Raises BoxError where it doesn't start, and where a protection is missing and may not be.
    """
    lacking = weak(sandbox)
    if lacking and not sandbox.allow_weak:
        raise BoxError(
            f"this host can't give boxes {' and '.join(lacking)}; sandbox.allow_weak in params.yaml does without, and reports say so"
        )
    program = b"" if FILTER in lacking else seccomp.program()
    if sandbox.backend == "docker":
        opened = _container(caps, program, sandbox.runtime, doors.checked())
    else:
        opened = _bubble(caps, program, NESTING not in lacking, doors.checked())
    with opened as found:
        yield found


@contextmanager
def _container(caps: Caps, program: bytes, runtime: str, doors: Doors) -> Iterator[tuple[Running, Bounds]]:
    from sandbox import container  # noqa: PLC0415 (docker takes a fifth of a second to import)

    bounds = caps.disk_mb * MB, _memory(caps), caps.pids + _OVERHEAD_PIDS
    with container.start(container.Wanted(*bounds, _always(caps), program, runtime, doors)) as started:
        yield started


@contextmanager
def _bubble(caps: Caps, program: bytes, bar_nesting: bool, doors: Doors) -> Iterator[tuple[Running, Bounds]]:
    memory, pids = _memory(caps), caps.pids + _OVERHEAD_PIDS
    wanted = bwrap.Wanted(caps.disk_mb * MB, _rlimits(caps), program, bar_nesting, doors)
    with ExitStack() as stack:

        @functools.cache
        def groups() -> cgroups.Groups | None:
            made = cgroups.make(memory, pids)
            if made:
                stack.callback(made.remove)
            return made

        def entries() -> list[str]:
            made = groups()
            return made.entries() if made else []

        running = stack.enter_context(bwrap.start(wanted, entries))
        yield running, groups() or stack.enter_context(watcher.watch(running, memory, pids))


def _memory(caps: Caps) -> int:
    return (caps.memory_mb + caps.disk_mb) * MB


def _rlimits(caps: Caps) -> dict[str, int]:
    """What each process may use; more of it where no control group bounds the box as a whole."""
    if cgroups.usable():
        return _always(caps)
    return _always(caps) | {"RLIMIT_AS": caps.memory_mb * MB, "RLIMIT_NPROC": caps.pids + _OVERHEAD_PIDS, "RLIMIT_CPU": caps.cpu_seconds}


def _always(caps: Caps) -> dict[str, int]:
    return {"RLIMIT_FSIZE": caps.disk_mb * MB, "RLIMIT_CORE": 0, "RLIMIT_NOFILE": 1024}
