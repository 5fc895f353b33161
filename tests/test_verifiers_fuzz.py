"""A corpus of malformed outputs, made from right ones: none crashes or hangs a grader, none is solved unless it says the same.

What it says is read by other libraries than the checks use, or by their plainest call.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import making
import pytest
from fuzz_edits import spoiled
from fuzz_making import RIGHTS, Right
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from specs.records import change_of
from verifiers.apart import Graders, Limits
from verifiers.grade import grade, grade_apart

ROOT = Path(__file__).parent.parent
EXAMPLES, LEAST = 3200, 2000


def differs(one: Right, data: bytes) -> str:
    """What another library reads, where it is not what the right answer says; or why it reads nothing."""
    try:
        said = one.said(data)
    except Exception as error:  # whatever another library makes of it
        return f"not read: {error!r}"
    return "" if said == one.said(one.content) else repr(said)


@pytest.mark.parametrize("one", RIGHTS, ids=lambda one: one.name)
def test_what_it_is_made_from_is_right_and_read_by_the_others(one: Right) -> None:
    assert grade(one.task, one.verifier, one.left(one.content)).solved
    assert not differs(one, one.content)
    assert differs(one, b"x: 1\n")


def corpus() -> list[tuple[Right, bytes]]:
    """Distinct malformed outputs, the same in every run."""
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-B", str(ROOT / "tests/fuzz_edits.py"), str(EXAMPLES)], env=env, capture_output=True, check=True
    )
    return [(RIGHTS[number], bytes.fromhex(data)) for number, data in json.loads(done.stdout)]


@pytest.mark.slow
def test_a_corpus_of_malformed_outputs() -> None:
    made = corpus()
    assert len(made) >= LEAST
    assert {one.name for one, _ in made} == {one.name for one in RIGHTS}
    solved: set[str] = set()
    wrong: list[tuple[str, str, bytes]] = []
    with Graders(1, Limits(seconds=10, clock_s=60), sandbox=None) as graders:
        for one, data in made:
            found = grade_apart(graders, one.task, one.verifier, one.left(data))  # raises where a check crashes
            if found.solved:
                solved.add(one.name)
            if found.checks[0].kind == "limit" or not (found.solved or found.checks[0].why):
                wrong.append((one.name, found.checks[0].why, data))
            elif found.solved and (other := differs(one, data)):
                wrong.append((one.name, other, data))
    assert wrong == []
    assert len(solved) > len(RIGHTS) / 2, "some edits keep the content, or nothing is shown of the others"


MODULE = b"def double(rows):\n    found = []\n    for row in rows:\n        found.append({**row, 'n': 2 * row['n']})\n    return found\n"
CODE = {
    "module": "pkg/m.py",
    "function": "double",
    "cases": [{"args": [[{"n": 2}, {"n": 0}]], "expect": [{"n": 4}, {"n": 0}]}, {"args": [[]], "expect": []}],
    "tests": None,
    "workdir": "pkg",
    "may_change": ["pkg/m.py"],
    "under": "pkg",
}


def graded_in_boxes(kind: str, params: dict[str, Any], before: bytes, right: bytes) -> None:
    """The right file is solved; each malformed one ends in a score and a reason. `before` is the module that the task has."""
    task, verifier = making.task({"pkg/m.py": before}), making.verifier([{"kind": kind, "params": params}])
    (path,), files = params["may_change"], set[bytes]()

    @settings(max_examples=60, derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(st.data())
    def kept(data: st.DataObject) -> None:
        files.add(data.draw(spoiled(right)))

    kept()
    with Graders(1) as graders:
        assert grade_apart(graders, task, verifier, [change_of(path, right)]).solved
        for file in sorted(files - {right}):
            found = grade_apart(graders, task, verifier, [change_of(path, file)])
            assert found.checks[0].kind == kind
            assert found.solved or found.checks[0].why
    assert len(files) >= 50


@pytest.mark.slow
def test_malformed_modules_end_in_a_score_too() -> None:
    graded_in_boxes("code", CODE, MODULE.replace(b"2 * ", b""), MODULE)


CASES = b"""import unittest

from m import double


class DoubleTest(unittest.TestCase):
    def test_doubles(self):
        self.assertEqual(double([{"n": 2}, {"n": 5}]), [{"n": 4}, {"n": 10}])

    def test_nothing(self):
        self.assertEqual(double([]), [])
"""
TESTS = {
    "module": "pkg/m.py",
    "tests": "pkg/test_m.py",
    "second": "def double(rows):\n    return [dict(row, n=row['n'] + row['n']) for row in rows]\n",
    "faulty": [
        {"name": "as it is", "text": MODULE.replace(b"2 * ", b"").decode()},
        {"name": "one less", "text": MODULE.replace(b"in rows", b"in rows[1:]").decode()},
        {"name": "nothing for nothing", "text": MODULE.replace(b"return found", b"return found or None").decode()},
    ],
    "workdir": "pkg",
    "may_change": ["pkg/test_m.py"],
    "under": "pkg",
}


@pytest.mark.slow
def test_malformed_files_of_tests_end_in_a_score_too() -> None:
    graded_in_boxes("tests", TESTS, MODULE, CASES)
