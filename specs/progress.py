"""Progress of long work: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

PLAIN_EVERY_S = 10.0


class Advance(Protocol):
    """Says that one more item is done: `said` is what there is to tell of the work so far, `kept` that it was done before it began."""

    def __call__(self, said: str = "", kept: bool = False) -> None: ...


def silent(said: str = "", kept: bool = False) -> None:
    """An Advance that shows nothing."""


@contextmanager
def track(label: str, total: int) -> Iterator[Advance]:
    """Yield a function to call once per finished item; shows how many of how many, the rate, the time left, and what is said."""
    if sys.stderr.isatty():
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TaskProgressColumn(show_speed=True),
            TimeRemainingColumn(),
            TextColumn("{task.fields[said]}"),
        )
        with Progress(*columns) as bar:
            yield _Bar(bar, label, total)
        return
    yield _Lines(label, total)


class _Bar:
    def __init__(self, bar: Progress, label: str, total: int):
        self._bar, self._total = bar, total
        self._task = bar.add_task(label, total=total, said="")

    def __call__(self, said: str = "", kept: bool = False) -> None:
        self._total -= kept
        self._bar.update(self._task, advance=not kept, total=self._total, said=said)


class _Lines:
    def __init__(self, label: str, total: int):
        self._label, self._total, self._done = label, total, 0
        self._start = self._last = time.monotonic()

    def __call__(self, said: str = "", kept: bool = False) -> None:
        self._total -= kept
        self._done += not kept
        now = time.monotonic()
        if not self._done or (now - self._last < PLAIN_EVERY_S and self._done != self._total):
            return
        self._last = now
        rate = self._done / max(now - self._start, 1e-9)
        left = f"{self._done} of {self._total}, {rate:.1f}/s, {(self._total - self._done) / rate:.0f} s left"
        print(f"{self._label}: {left}{said and f', {said}'}", file=sys.stderr, flush=True)
