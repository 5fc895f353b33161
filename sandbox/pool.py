"""Boxes started ahead: a start, which costs more than most episodes, goes on while others are at work. Each box is used once."""

from __future__ import annotations

import queue
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from sandbox.box import Box, Caps, OpenBox, Sandbox, checked, prepare, start_box
from specs.records import File, Service

STARTERS = 2  # threads; more of them slow each other on few cores
_Started = tuple[Box, ExitStack]


@contextmanager
def warm(caps: Caps, sandbox: Sandbox) -> Iterator[OpenBox]:
    """A function that opens boxes as `open_box` does, taken from `sandbox.ahead` that are kept started; safe for many threads.

    Raises BoxError from the function where a start failed; the next call tries anew. At the end all boxes left are gone.
    """
    ready: queue.SimpleQueue[Future[_Started]] = queue.SimpleQueue()
    with ThreadPoolExecutor(STARTERS, "boxes") as starters:

        def more() -> None:
            ready.put(starters.submit(_started, caps, sandbox))

        @contextmanager
        def opened(files: Iterable[File], *, services: Iterable[Service] = ()) -> Iterator[Box]:
            given, pages = checked(files, services)
            more()
            box, stack = ready.get().result()
            with stack:
                prepare(box, given, pages)
                yield box

        try:
            for _ in range(sandbox.ahead):
                more()
            yield opened
        finally:
            _discard(ready)


def _started(caps: Caps, sandbox: Sandbox) -> _Started:
    stack = ExitStack()
    return stack.enter_context(start_box(caps, sandbox)), stack


def _discard(ready: queue.SimpleQueue[Future[_Started]]) -> None:
    while not ready.empty():
        future = ready.get()
        if not future.cancel() and future.exception() is None:
            future.result()[1].close()
