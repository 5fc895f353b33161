"""Work over many items at once, handed on one by one as it finishes, so that a caller can keep each result at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from specs.errors import BoundaryError

A = TypeVar("A")
B = TypeVar("B")


def finished(work: Callable[[A], B], items: Sequence[A], workers: int, apart: bool = False) -> Iterator[tuple[A, B]]:
    """(item, result) in the order of finishing; raises what `work` raises, and starts no more.

    Threads do where what takes time waits for a box. `apart` is for work that itself reckons: processes, to which `work` and the
    items can be handed. Raises BoundaryError("grader") where one of them dies.
    """
    pool: Executor = ProcessPoolExecutor(workers) if apart else ThreadPoolExecutor(workers)
    try:
        futures = {pool.submit(work, item): item for item in items}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        raise BoundaryError("grader", "a process that did the grading died, perhaps for want of memory") from error
    finally:
        pool.shutdown(cancel_futures=True)
