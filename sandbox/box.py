"""A box: a workspace of its own under hard caps, in which an agent's commands run, and whose remains can be read.

What a box does not protect from: faults of the kernel itself, and a command forging its own output. The network, the host's files,
other boxes and the repository are out of its reach; so is the host's memory, CPU and disk beyond the caps. Where no control group can
be made, rlimits bound each process but not their sum, nor how many empty files a box makes within a command's time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

from sandbox import bwrap, cgroups, changes, container
from sandbox.faults import BoxError, BoxLimit
from sandbox.handle import MB, Box, Caps, Result
from sandbox.running import Running
from specs.records import File, Service

__all__ = ["Box", "BoxError", "BoxLimit", "Caps", "Result", "open_box"]

SITE_MB = 64  # of pages, which the runner holds in the box's memory
_OVERHEAD_PIDS = 2  # bubblewrap outside and the runner inside count as the box's processes


@contextmanager
def open_box(files: Iterable[File], caps: Caps | None = None, services: Iterable[Service] = (), backend: str = "bwrap") -> Iterator[Box]:
    """A box whose workspace holds `files`; when the context ends nothing of it is left, on disk or running.

    Sites among the `services` are served inside it at SITE_URL before anything else runs; their pages are not in its files.
    Raises BoxError where the machinery fails: bubblewrap missing or refused, files that are no workspace's.
    """
    caps, given, pages = caps or Caps(), tuple(files), _pages(services)
    for file in (*given, *pages):
        _check(file.path)
    with ExitStack() as stack:
        running, groups = stack.enter_context(_container(caps) if backend == "docker" else _bubble(caps, bool(pages)))
        box = Box(running, groups, given, caps)
        stack.callback(box.end)
        box.fill()
        if pages:
            box.serve(pages)
        yield box


@contextmanager
def _bubble(caps: Caps, serving: bool) -> Iterator[tuple[Running, cgroups.Groups | None]]:
    groups = cgroups.make(_memory(caps), caps.pids + _OVERHEAD_PIDS)
    with ExitStack() as stack:
        if groups:
            stack.callback(groups.remove)
        entries = groups.entries() if groups else ()
        yield stack.enter_context(bwrap.start(caps.disk_mb * MB, _rlimits(caps, groups), entries, serving=serving)), groups


@contextmanager
def _container(caps: Caps) -> Iterator[tuple[Running, cgroups.Groups | None]]:
    with container.start(caps.disk_mb * MB, _memory(caps), caps.pids + _OVERHEAD_PIDS, _always(caps)) as started:
        yield started


def _memory(caps: Caps) -> int:
    return (caps.memory_mb + caps.disk_mb) * MB


def _pages(services: Iterable[Service]) -> tuple[File, ...]:
    """The pages of all sites. Raises BoxError for another kind of service, and for more than SITE_MB."""
    services = tuple(services)
    for service in services:
        if service.kind != "site":
            raise BoxError(f"a box has no service of the kind {service.kind!r}")
    pages = tuple(page for service in services for page in service.files)
    if sum(len(page.content) for page in pages) > SITE_MB * MB:
        raise BoxError(f"the site is larger than {SITE_MB} MB")
    return pages


def _rlimits(caps: Caps, groups: cgroups.Groups | None) -> dict[str, int]:
    """What each process may use; more of it where no control group bounds the box as a whole."""
    if groups:
        return _always(caps)
    return _always(caps) | {"RLIMIT_AS": caps.memory_mb * MB, "RLIMIT_NPROC": caps.pids + _OVERHEAD_PIDS, "RLIMIT_CPU": caps.cpu_seconds}


def _always(caps: Caps) -> dict[str, int]:
    return {"RLIMIT_FSIZE": caps.disk_mb * MB, "RLIMIT_CORE": 0, "RLIMIT_NOFILE": 1024}


def _check(path: str) -> None:
    parts = path.split("/")
    if "\0" in path or {"", ".", ".."} & set(parts):
        raise BoxError(f"{path!r} is no path within a workspace")
    if len(parts) > changes.MOST_DEPTH:
        raise BoxError(f"{path[:80]!r}... lies deeper than {changes.MOST_DEPTH} directories")
