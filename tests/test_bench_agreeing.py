"""What counts as the same under two harnesses."""

from dataclasses import replace
from typing import Any

import bench_making as made
import making
import pytest

from bench.agreeing import agreement
from bench.reading import Attempt
from specs.records import CheckScore, Failure, change_of

TASK = making.task({"in.txt": "1\n"}, "Double it.", ("out.txt",), split="bench")
LEFT = (change_of("a.txt", b"1\n"), change_of("b.txt", b"2\n"))


def done(agent: str, score: float = 1.0, checks: Any = None, attempt: int = 0, **fields: Any) -> Attempt:
    one = made.rollout(TASK, agent, f"{agent}-{attempt}", **{"changes": LEFT, "attempt": attempt} | fields)
    return made.attempt(one, made.verdict(one, score, checks))


OURS = done("openclaw")


def counts(theirs: list[Attempt], ours: Attempt = OURS) -> tuple[int, int, int]:
    found = agreement([ours], theirs)
    return found.both, found.verdicts, found.workspaces


def test_names_and_the_order_of_changes_do_not_count() -> None:
    assert counts([done("builtin", changes=LEFT[::-1])]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (done("builtin", 0.5), (1, 0, 1)),
        (done("builtin", checks=[CheckScore("rows", "table", 1.0, "in another way")]), (1, 0, 1)),
        (done("builtin", changes=LEFT[:1]), (1, 1, 0)),
        (done("builtin", changes=(LEFT[0], change_of("b.txt", b"3\n"))), (1, 1, 0)),
        (replace(OURS, verdict=None), (1, 0, 1)),
    ],
    ids=["score", "detail of a check", "fewer files", "other bytes", "not graded"],
)
def test_what_differs_is_not_counted(other: Attempt, same: tuple[int, int, int]) -> None:
    assert counts([other]) == same


def test_two_failures_of_the_machinery_do_not_agree() -> None:
    failed = replace(OURS, status="error", error=Failure("box", "broke"))
    assert counts([failed], failed) == (1, 0, 1)


def test_attempts_are_held_against_the_same_attempt_alone() -> None:
    assert counts([done("builtin", attempt=1)]) == (0, 0, 0)
    assert counts([done("builtin", 0.0, attempt=1), done("builtin")]) == (1, 1, 1)
