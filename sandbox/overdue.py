"""What takes longer than it may: given up, with what it holds open ended first, so that nobody waits for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Generic, TypeVar

T = TypeVar("T")
End = Callable[[], None]


class Overdue(Exception):
    """A call had no end in its time, or was stopped; its thread is left to itself."""


class _Ends:
    """What ends the things that a call holds open. None is called once its thing is closed; a call that is given up opens nothing more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: list[End] = []
        self._over = False

    def add(self, end: End) -> None:
        with self._lock:
            if self._over:
                raise Overdue("given up")
            self._ends.append(end)

    def remove(self, end: End) -> None:
        with self._lock:
            self._ends.remove(end)

    def all(self) -> None:
        with self._lock:
            self._over = True
            for end in self._ends:
                with suppress(Exception):  # it is being given up already; what can't be ended is no reason to keep the others
                    end()


_ENDS: ContextVar[_Ends | None] = ContextVar("ends", default=None)


@contextmanager
def ending(end: End) -> Iterator[None]:
    """While the block runs, `end` is called from another thread if the watched call that this is part of is given up.

    Raises Overdue where it has been already.
    """
    ends = _ENDS.get()
    if ends is None:
        yield
        return
    ends.add(end)
    try:
        yield
    finally:
        ends.remove(end)


class Watch(Generic[T]):
    """Runs calls in threads of their own, each for a time; safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[Future[T], _Ends] = {}
        self._stopped = False

    def call(self, called: Callable[[], T], seconds: float) -> T:
        """What `called` returns or raises. Raises Overdue after `seconds`, and where the watch is stopped meanwhile."""
        outcome: Future[T] = Future()
        ends = _Ends()
        with self._lock:
            if self._stopped:
                raise Overdue("stopped")
            self._running[outcome] = ends
        try:
            threading.Thread(target=_work, args=(called, outcome, ends), daemon=True, name="watched").start()
            return outcome.result(seconds)
        except TimeoutError:
            if outcome.done():  # just in time, or it was the call that raised it
                return outcome.result()
            ends.all()
            raise Overdue(f"no end after {seconds:.0f} s") from None
        finally:
            with self._lock:
                del self._running[outcome]

    def stop(self) -> None:
        """Give up all that is running, and refuse what comes."""
        with self._lock:
            self._stopped = True
            running = list(self._running.items())
        for outcome, ends in running:
            with suppress(InvalidStateError):
                outcome.set_exception(Overdue("stopped"))
            ends.all()


def _work(called: Callable[[], T], outcome: Future[T], ends: _Ends) -> None:
    _ENDS.set(ends)
    try:
        result = called()
    except BaseException as error:  # whatever it is, it belongs to who waits
        with suppress(InvalidStateError):
            outcome.set_exception(error)
        return
    with suppress(InvalidStateError):  # given up meanwhile
        outcome.set_result(result)
