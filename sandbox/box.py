"""A box: a workspace of its own under hard caps, in which an agent's commands run, and whose remains can be read.

What a box does not protect from: faults of the kernel itself, and a command forging its own output. The network, the host's files,
other boxes and the repository are out of its reach; so is the host's memory, CPU and disk beyond the caps (docs/threat-model.md).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, Protocol

from sandbox import backends, changes
from sandbox.backends import MB, PLAIN, Caps, Sandbox
from sandbox.doors import CLOSED, Doors
from sandbox.faults import BoxError, BoxLimit
from sandbox.handle import Box, Result
from specs.records import File, Service

__all__ = [
    "Box",
    "BoxError",
    "BoxLimit",
    "Caps",
    "OpenBox",
    "Result",
    "Sandbox",
    "checked",
    "configured_box",
    "open_box",
    "prepare",
    "start_box",
]

SITE_MB = 64  # of pages, which the runner holds in the box's memory


class OpenBox(Protocol):
    """Opens a fresh box, or what can do the same, that holds some files and serves what a task's services say."""

    def __call__(self, files: Iterable[File], *, services: Iterable[Service] = ()) -> AbstractContextManager[Any]: ...


@contextmanager
def open_box(
    files: Iterable[File], caps: Caps | None = None, services: Iterable[Service] = (), sandbox: Sandbox = PLAIN, doors: Doors = CLOSED
) -> Iterator[Box]:
    """A box whose workspace holds `files`; when the context ends nothing of it is left, on disk or running.

    Sites among the `services` are served inside it at SITE_URL before anything else runs; their pages are not in its files. What it has
    beyond them its `doors` say.
    Raises BoxError where the machinery fails: bubblewrap or the engine missing or refused, files that are no workspace's.
    """
    given, pages = checked(files, services)
    with start_box(caps or Caps(), sandbox, doors) as box:
        prepare(box, given, pages)
        yield box


def configured_box() -> OpenBox:
    """`open_box` with the sandbox that params.yaml says. Raises UserError where it says none."""
    return functools.partial(open_box, sandbox=backends.configured())


@contextmanager
def start_box(caps: Caps, sandbox: Sandbox = PLAIN, doors: Doors = CLOSED) -> Iterator[Box]:
    """A box with nothing in it yet. Raises BoxError where it doesn't start."""
    with ExitStack() as stack:
        box = Box(*stack.enter_context(backends.started(caps, sandbox, doors)), caps)
        stack.callback(box.end)
        yield box


def checked(files: Iterable[File], services: Iterable[Service]) -> tuple[tuple[File, ...], tuple[File, ...]]:
    """The files of a workspace and the pages of all sites. Raises BoxError where they are no workspace's or no site's."""
    given, pages = tuple(files), _pages(services)
    for file in (*given, *pages):
        _check(file.path)
    return given, pages


def prepare(box: Box, given: tuple[File, ...], pages: tuple[File, ...]) -> None:
    """Give an empty box its files and pages. Raises BoxError where they don't fit."""
    box.fill(given)
    if pages:
        box.serve(pages)


def _pages(services: Iterable[Service]) -> tuple[File, ...]:
    services = tuple(services)
    for service in services:
        if service.kind != "site":
            raise BoxError(f"a box has no service of the kind {service.kind!r}")
    pages = tuple(page for service in services for page in service.files)
    if sum(len(page.content) for page in pages) > SITE_MB * MB:
        raise BoxError(f"the site is larger than {SITE_MB} MB")
    return pages


def _check(path: str) -> None:
    parts = path.split("/")
    if "\0" in path or {"", ".", ".."} & set(parts):
        raise BoxError(f"{path!r} is no path within a workspace")
    if len(parts) > changes.MOST_DEPTH:
        raise BoxError(f"{path[:80]!r}... lies deeper than {changes.MOST_DEPTH} directories")
