"""Boxes started ahead: a start, which costs more than most episodes, goes on while others are at work. Each box is used once."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TypeVar

from sandbox.box import Box, Caps, OpenBox, Sandbox, checked, prepare, start_box
from specs.records import File, Service

STARTERS = 2  # threads; more of them slow each other on few cores
T = TypeVar("T")
_Started = tuple[T, ExitStack]


@contextmanager
def warm(caps: Caps, sandbox: Sandbox) -> Iterator[OpenBox]:
    """A function that opens boxes as `open_box` does, taken from `sandbox.ahead` that are kept started; safe for many threads.

    Raises BoxError from the function where a start failed; the next call tries anew. At the end all boxes left are gone.
    """
    with ahead(lambda: start_box(caps, sandbox), sandbox.ahead) as taken:

        @contextmanager
        def opened(files: Iterable[File], *, services: Iterable[Service] = ()) -> Iterator[Box]:
            given, pages = checked(files, services)
            with taken() as box:
                prepare(box, given, pages)
                yield box

        yield opened


@contextmanager
def ahead(start: Callable[[], AbstractContextManager[T]], number: int) -> Iterator[Callable[[], AbstractContextManager[T]]]:
    """A function that does what `start` does, but from `number` that are kept started; safe for many threads.

    What a start raised is raised by the function that takes it; the next call tries anew. At the end all that are left are ended.
    """
    ready: queue.SimpleQueue[Future[_Started[T]]] = queue.SimpleQueue()
    with ThreadPoolExecutor(STARTERS, "boxes") as starters:

        def more() -> None:
            ready.put(starters.submit(_started, start))

        @contextmanager
        def taken() -> Iterator[T]:
            more()
            started, stack = ready.get().result()
            with stack:
                yield started

        try:
            for _ in range(number):
                more()
            yield taken
        finally:
            _discard(ready)


def _started(start: Callable[[], AbstractContextManager[T]]) -> _Started[T]:
    stack = ExitStack()
    return stack.enter_context(start()), stack


def _discard(ready: queue.SimpleQueue[Future[_Started[T]]]) -> None:
    while not ready.empty():
        future = ready.get()
        if not future.cancel() and future.exception() is None:
            future.result()[1].close()
