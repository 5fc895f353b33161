"""Work in parallel: every item once, each handed on as it finishes; a failure stops what has not begun."""

from __future__ import annotations

import copy
import os
import signal
import threading
import time

import pytest

from specs.errors import BoundaryError, Problem, UserError
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


def _square(n: int) -> tuple[int, int]:
    return n * n, os.getpid()


def _fail(n: int) -> None:
    raise BoundaryError("box", f"no room for {n}")


def _die(n: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_apart_is_in_other_processes() -> None:
    found = sorted(finished(_square, range(50), 2, apart=True))
    assert [(n, squared) for n, (squared, _) in found] == [(n, n * n) for n in range(50)]
    assert os.getpid() not in {pid for _, (_, pid) in found}


def test_a_failure_in_another_process_arrives_with_its_boundary_and_its_text() -> None:
    with pytest.raises(BoundaryError, match="no room for 7") as caught:
        list(finished(_fail, [7], 2, apart=True))
    assert caught.value.boundary == "box"


def test_a_process_that_dies_is_the_graders_failure() -> None:
    with pytest.raises(BoundaryError, match="died") as caught:
        list(finished(_die, [1], 2, apart=True))
    assert caught.value.boundary == "grader"


@pytest.mark.parametrize("error", [BoundaryError("judge", "no answer"), UserError([Problem("a.yaml", 3, 1, "x", "wrong", "mend it")])])
def test_an_error_is_the_same_after_its_way_between_processes(error: Exception) -> None:
    again = copy.copy(error)  # by the same protocol as pickling
    assert type(again) is type(error) and str(again) == str(error) and again.__dict__ == error.__dict__
