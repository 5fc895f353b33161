"""One warm box for many runs: emptied and filled anew instead of opened anew, which costs more than most runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from sandbox.box import OpenBox
from sandbox.faults import BoxError, BoxLimit
from specs.records import File, Service
from verifiers.warm import Warm

RUNS = 400  # in one box: its caps hold for all of them together


@contextmanager
def kept(open_box: OpenBox) -> Iterator[OpenBox]:
    """An `open_box` that hands a warm box out again, to one at a time; a new one after a failure.

    What needs services, or comes while it is out, gets a fresh box.
    """
    with ExitStack() as stack:
        held: list[Warm] = []
        runs, out = 0, False

        def warm(files: tuple[File, ...]) -> Warm:
            """The box, with these files; raises BoxError where a new one can't be filled either."""
            nonlocal runs
            runs += 1
            if held and held[0].fit and runs % RUNS and _refilled(held[0], files):
                return held.pop()
            held.clear()
            stack.close()
            made = Warm(stack.enter_context(open_box(())))
            stack.callback(made.close)
            if not made.refill(files):
                raise BoxError("a warm box can't be filled")
            return made

        @contextmanager
        def again(files: Iterable[File], *, services: Iterable[Service] = ()) -> Iterator[Any]:
            nonlocal out
            given, served = tuple(files), tuple(services)
            if served or out:
                with open_box(given, services=served) as box:
                    yield box
                return
            out = True
            try:
                warmed = warm(given)
                yield warmed
                held.append(warmed)
            finally:
                out = False

        yield again


def _refilled(box: Warm, files: tuple[File, ...]) -> bool:
    try:
        return box.refill(files)
    except (BoxError, BoxLimit, OSError):
        return False
