"""Progress of long work: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

PLAIN_EVERY_S = 10.0


@contextmanager
def track(label: str, total: int) -> Iterator[Callable[[], None]]:
    """Yield a function to call once per finished item; shows how many of how many, the rate, the time left."""
    if sys.stderr.isatty():
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TaskProgressColumn(show_speed=True),
            TimeRemainingColumn(),
        )
        with Progress(*columns) as bar:
            task = bar.add_task(label, total=total)
            yield lambda: bar.advance(task)
        return
    start = last = time.monotonic()
    done = 0

    def advance() -> None:
        nonlocal done, last
        done += 1
        now = time.monotonic()
        if now - last >= PLAIN_EVERY_S or done == total:
            last = now
            rate = done / max(now - start, 1e-9)
            print(f"{label}: {done} of {total}, {rate:.1f}/s, {(total - done) / rate:.0f} s left", file=sys.stderr, flush=True)

    yield advance
