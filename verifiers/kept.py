"""One box for many runs of a task's own code: emptied and filled anew instead of opened anew, which costs more than most runs.

For the audit only, whose code is the compiler's: what an agent wrote always runs in a box that nothing has run in before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from sandbox.faults import BoxError, BoxLimit
from specs.records import File, Service
from verifiers.snapshot import OpenBox

RUNS = 200  # in one box: its caps hold for all of them together


@contextmanager
def kept(open_box: OpenBox) -> Iterator[OpenBox]:
    """An `open_box` that hands the same box out again, at most one at a time; a new one after a failure, and for services."""
    with ExitStack() as stack:
        held: list[Any] = []
        runs = 0

        @contextmanager
        def again(files: Iterable[File], *, services: Iterable[Service] = ()) -> Iterator[Any]:
            nonlocal runs
            given, served = tuple(files), tuple(services)
            if served:
                with open_box(given, services=served) as box:
                    yield box
                return
            runs += 1
            if held and not (runs % RUNS and _refilled(held[0], given)):
                held.clear()
                stack.close()
            if not held:
                held.append(stack.enter_context(open_box(given)))
            try:
                yield held[0]
            except (BoxError, BoxLimit):
                held.clear()
                stack.close()
                raise

        yield again


def _refilled(box: Any, files: Iterable[File]) -> bool:
    """Empty the box's workspace and write the files; whether that went well."""
    try:
        done = box.exec("find . -mindepth 1 -delete", timeout_s=10)
        for file in files:
            box.write(file.path, file.content)
        return bool(done.status == 0)
    except (BoxError, BoxLimit, OSError):
        return False
