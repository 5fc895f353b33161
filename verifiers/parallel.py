"""Work over many items at once, handed on one by one as it finishes, so that a caller can keep each result at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def finished(work: Callable[[A], B], items: Sequence[A], workers: int) -> Iterator[tuple[A, B]]:
    """(item, result) in the order of finishing. Threads do: what takes time waits for a box.

    Raises what `work` raises, and starts no more.
    """
    pool = ThreadPoolExecutor(workers)
    try:
        futures = {pool.submit(work, item): item for item in items}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)
