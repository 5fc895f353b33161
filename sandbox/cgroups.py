"""Control groups that bound a box's memory, processes and CPU: v1 and v2, one group a box and controller.

Groups lie beneath the caller's own group where that can be (v1), or in the nearest ancestor that may hold them (v2 allows
no processes beside child groups), so a box never escapes what its starter is bound to. They are named
clawgym-<pid of the starter>-<its start time>-<n>, since pids come round again; the next start removes what a dead starter left.
"""

from __future__ import annotations

import functools
import itertools
import os
import re
import subprocess
import threading
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from sandbox.faults import BoxError
from sandbox.spawning import PYTHON

NEEDED = frozenset({"memory", "pids"})
WANTED = NEEDED | {"cpu", "cpuacct"}
_TEARDOWN_S = 10.0  # for a dead starter's boxes to end on a busy machine, those that were just starting too
_PATIENCE_S = 2.0  # for the processes of a dead box to leave its groups
_PERIOD_US = 100_000  # of CPU bandwidth; a quota of one period is one core
_NAME = re.compile(r"clawgym-(\d+)-(\d+)-\d+")
_numbers = itertools.count()
_finding = threading.Lock()

# As a box's process enters its groups: by descriptors that were opened outside, as somebody who could open none of them.
_ENTER = "import os, sys\nfor group in sys.argv[1:]: os.write(int(group), b'0')"
_NOBODY = 65534


@dataclass(frozen=True)
class Hierarchy:
    """Where groups may be made: controller -> directory (on v2 the same one for all)."""

    version: int
    parents: Mapping[str, Path]


@dataclass(frozen=True)
class Groups:
    """The groups of one box: controller -> directory."""

    version: int
    directories: Mapping[str, Path]

    @property
    def named(self) -> str:
        """Which of the two interfaces of the kernel it is."""
        return f"cgroup v{self.version}"

    def entries(self) -> list[str]:
        """The files into which a process of one thread writes 0, which is itself, to be bounded.

        On v1 the file for threads: a thread that moves itself needs no lock of all processes, for which the kernel would wait 10 ms.
        """
        name = "cgroup.procs" if self.version == 2 else "tasks"
        return [str(d / name) for d in sorted(set(self.directories.values()))]

    def cpu_seconds(self) -> float:
        """CPU time used by all processes of the box so far; 0 where nothing counts it."""
        if self.version == 2:
            return _counter(self.directories["memory"] / "cpu.stat", "usage_usec") / 1e6
        if "cpuacct" not in self.directories:
            return 0.0
        return int((self.directories["cpuacct"] / "cpuacct.usage").read_text()) / 1e9

    def killed_for_memory(self) -> int:
        """How many processes the kernel killed for want of memory."""
        return _counter(self.directories["memory"] / ("memory.events" if self.version == 2 else "memory.oom_control"), "oom_kill")

    def ended(self) -> str:
        """The cap that a box which is over must have died of, or empty."""
        return "memory" if self.killed_for_memory() else ""

    def refused_processes(self) -> int:
        """How many forks failed at the bound."""
        return _counter(self.directories["pids"] / "pids.events", "max")

    def remove(self) -> None:
        """Remove the groups of a dead box. Warns where one stays: the next start tries again."""
        for directory in set(self.directories.values()):
            if not _removed(directory, time.monotonic() + _PATIENCE_S):
                warnings.warn(f"the control group {directory} is still busy", stacklevel=2)


def make(memory_bytes: int, pids: int) -> Groups | None:
    """Groups for one box, bounded; None where none can be made (rlimits must do then). Raises BoxError on failure."""
    hierarchy = usable()
    if hierarchy is None:
        return None
    groups = _new(hierarchy)
    directories = groups.directories
    try:
        for directory in set(directories.values()):
            directory.mkdir()
        for file, value in _bounds(groups, memory_bytes, pids):
            file.write_text(value)
    except OSError as error:
        groups.remove()
        raise BoxError(f"no control group: {error}") from error
    return groups


def usable() -> Hierarchy | None:
    """The hierarchy that this process may make groups in, found and tried once; None, with a warning, where there is none.

    One thread finds it while others wait: the sweep would take another thread's first groups for leftovers.
    """
    with _finding:
        return _found()


@functools.cache
def _found() -> Hierarchy | None:
    hierarchy = find(Path("/proc/self/mountinfo").read_text(), Path("/proc/self/cgroup").read_text())
    if hierarchy is not None:
        sweep(_roots(Path("/proc/self/mountinfo").read_text()))
        if _works(hierarchy):
            return hierarchy
    warnings.warn("no control group can be made here: rlimits and a watcher bound boxes", stacklevel=4)
    return None


def find(mountinfo: str, own: str) -> Hierarchy | None:
    """Where groups may be made, by the texts of /proc/self/mountinfo and /proc/self/cgroup, or None."""
    parents, unified = _standing(mountinfo, own)
    if parents.keys() >= NEEDED:
        return Hierarchy(1, parents)
    ancestor = _delegated(unified) if unified else None
    return Hierarchy(2, dict.fromkeys(NEEDED, ancestor)) if ancestor else None


def of(mountinfo: str, own: str) -> Groups | None:
    """The groups that a process is in, by the texts of /proc/self/mountinfo and of the process's cgroup file, or None."""
    parents, unified = _standing(mountinfo, own)
    if parents.keys() >= NEEDED:
        return Groups(1, parents)
    return Groups(2, dict.fromkeys(NEEDED, unified)) if unified else None


def _standing(mountinfo: str, own: str) -> tuple[dict[str, Path], Path | None]:
    """The groups of whom `own` tells: by controller on v1, and on v2."""
    paths = {controller: path for _, names, path in (line.split(":", 2) for line in own.splitlines()) for controller in names.split(",")}
    parents, unified = dict[str, Path](), None
    for kind, root, mount, options in _mounts(mountinfo):
        if kind == "cgroup2":
            unified = _own(root, mount, paths.get("", "/"))
        for controller in WANTED & set(options.split(",")) if kind == "cgroup" else ():
            parents[controller] = _own(root, mount, paths.get(controller, "/"))
    return parents, unified


def sweep(roots: Iterable[Path]) -> None:
    """Remove the groups below `roots` whose starter is dead, as soon as they are empty: rmdir refuses where they aren't.

    A box whose starter was killed ends by itself, though not at once: it may be starting still, or the kernel be at work on it. All of
    them are waited for, and nothing is killed, since a starter that looks dead from here may live in another pid namespace.
    """
    deadline = time.monotonic() + _TEARDOWN_S
    for root in roots:
        for directory, names, _ in os.walk(root):
            for match in filter(None, map(_NAME.fullmatch, names)):
                group = Path(directory, match[0])
                if int(match[1]) == os.getpid() or started(int(match[1])) != match[2]:
                    _removed(group, deadline)


def _new(hierarchy: Hierarchy) -> Groups:
    """Groups of this process with a name of their own, not made yet."""
    name = f"clawgym-{os.getpid()}-{started(os.getpid())}-{next(_numbers)}"
    return Groups(hierarchy.version, {controller: parent / name for controller, parent in hierarchy.parents.items()})


def started(pid: int) -> str:
    """When the process with this pid started, in ticks since the machine did; empty where there is none."""
    try:
        stat = Path("/proc", str(pid), "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return stat.rpartition(")")[2].split()[19]


def _bounds(groups: Groups, memory_bytes: int, pids: int) -> Iterator[tuple[Path, str]]:
    of = groups.directories
    yield of["pids"] / "pids.max", str(pids)
    if groups.version == 2:
        group = of["memory"]
        yield group / "memory.max", str(memory_bytes)
        optional = {group / "memory.swap.max": "0", group / "cpu.max": f"{_PERIOD_US} {_PERIOD_US}"}
    else:
        yield of["memory"] / "memory.limit_in_bytes", str(memory_bytes)
        optional = {of["memory"] / "memory.memsw.limit_in_bytes": str(memory_bytes)}
        if "cpu" in of:
            optional[of["cpu"] / "cpu.cfs_quota_us"] = str(_PERIOD_US)
    yield from ((file, value) for file, value in optional.items() if file.exists())  # a kernel without swap has no swap bound


def _mounts(mountinfo: str) -> Iterator[tuple[str, str, Path, str]]:
    """Type, root within the hierarchy, mount point and options of each cgroup mount."""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        root, mount = before.split()[3:5]
        kind, _, options = after.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            yield kind, root, Path(mount), options


def _roots(mountinfo: str) -> list[Path]:
    return [mount for kind, _, mount, options in _mounts(mountinfo) if kind == "cgroup2" or WANTED & set(options.split(","))]


def _own(root: str, mount: Path, path: str) -> Path:
    """The caller's own group as a directory; in a container that sees only part of the hierarchy, the mount itself."""
    inside = path.removeprefix(root.rstrip("/")) if path.startswith(root) else "/"
    directory = mount / inside.lstrip("/")
    return directory if directory.is_dir() else mount


def _delegated(own: Path) -> Path | None:
    """The nearest group from `own` upwards whose children have the memory and pids controllers (v2)."""
    for directory in (own, *own.parents):
        control = directory / "cgroup.subtree_control"
        if not control.exists():
            return None
        have = set((directory / "cgroup.controllers").read_text().split()) if (directory / "cgroup.controllers").exists() else set()
        missing = (NEEDED | {"cpu"}) & have - set(control.read_text().split())
        try:
            if missing:
                control.write_text(" ".join(f"+{name}" for name in sorted(missing)))
        except OSError:
            pass  # busy (it holds processes itself) or not ours: what it has already decides
        if set(control.read_text().split()) >= NEEDED and os.access(directory, os.W_OK):
            return directory
    return None


def _works(hierarchy: Hierarchy) -> bool:
    """Whether a process can really enter a new group there."""
    groups = _new(hierarchy)
    try:
        for directory in set(groups.directories.values()):
            directory.mkdir()
        with ExitStack() as stack:
            files = [stack.enter_context(open(path, "wb")).fileno() for path in groups.entries()]  # noqa: PTH123
            line = [*PYTHON, "-c", _ENTER, *map(str, files)]
            user = _NOBODY if os.geteuid() == 0 else None
            return subprocess.run(line, pass_fds=files, user=user, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
    finally:
        for directory in set(groups.directories.values()):
            _removed(directory, time.monotonic() + _PATIENCE_S)


def _removed(directory: Path, deadline: float) -> bool:
    """Remove a group; a killed process may need a moment to leave it, for which this waits till the deadline (of time.monotonic)."""
    while True:
        try:
            directory.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.005)
        else:
            return True


def _counter(file: Path, name: str) -> int:
    """The number beside `name` in a file of lines `name number`; 0 where the kernel doesn't keep it."""
    try:
        lines = dict(line.split(" ", 1) for line in file.read_text().splitlines())
    except FileNotFoundError:
        return 0
    return int(lines.get(name, 0))
