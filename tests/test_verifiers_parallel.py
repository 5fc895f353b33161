"""Work in parallel: every item once, each handed on as it finishes; a failure stops what has not begun."""

from __future__ import annotations

import threading
import time

import pytest

from verifiers.parallel import finished


def test_every_item_comes_back_once_with_its_result() -> None:
    assert sorted(finished(lambda n: n * n, range(50), 4)) == [(n, n * n) for n in range(50)]


def test_results_come_before_the_last_item_is_done() -> None:
    gate = threading.Event()
    results = finished(lambda n: n if n else gate.wait(10), [0, 1], 2)
    assert next(results) == (1, 1)
    gate.set()
    assert next(results) == (0, True)


def test_a_failure_is_raised_and_the_rest_is_not_begun() -> None:
    begun = []

    def work(n: int) -> None:
        begun.append(n)
        if n == 0:
            raise ValueError(n)
        time.sleep(0.01)  # ten seconds of work in all, of which the failure leaves the rest undone

    with pytest.raises(ValueError):
        list(finished(work, range(1000), 1))
    assert len(begun) < 1000
