"""Files of operations on source code: what validating says of a feature's missing part, and of tests, their versions and faults."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specs import located, skill_files
from specs.corpus import Entry

ROOT = Path(__file__).resolve().parent.parent
Edit = Callable[[dict[str, Any], Path], object]


def told(tmp_path: Path, skill: str, number: int, edit: Edit) -> list[str]:
    """Problems of one operation after an edit of its entry or of the skill's files."""
    folder = tmp_path / "skills" / skill
    shutil.copytree(ROOT / "skills" / skill, folder, ignore=shutil.ignore_patterns("__pycache__"))
    document = located.load(folder / "operations.yaml")
    operation = copy.deepcopy(document.value["operations"][number])
    edit(operation, folder)
    found = skill_files.check_operation(tmp_path, Entry("operations", skill, document, document.value), ("operations", number), operation)
    return [f"{p.where}: {p.what}" for p in found]


def written(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(("skill", "number"), [("mending", 0), ("features", 0), ("features", 3), ("testing", 0), ("testing", 2)])
def test_what_is_there_has_no_problems(skill: str, number: int, tmp_path: Path) -> None:
    assert told(tmp_path, skill, number, lambda operation, folder: None) == []


@pytest.mark.parametrize(
    ("skill", "edit", "expected"),
    [
        ("mending", lambda o, f: o["faults"][0].pop("symptom"), "operations[0].faults[0]: has no 'symptom'"),
        (
            "features",
            lambda o, f: o.update(lacks=["no such line", "pass"]),
            "operations[0].lacks[0]: 'no such line' does not occur in balance.py",
        ),
        (
            "features",
            lambda o, f: o.update(lacks=["return result", "return ("]),
            "operations[0].lacks: leaves balance.py without sense in line",
        ),
        ("testing", lambda o, f: o.update(second="seconds/none.py"), "operations[0].second: there is no skills/testing/seconds/none.py"),
        (
            "testing",
            lambda o, f: written(f / "seconds/monthly.py", "def monthly(", "def weekly("),
            "operations[0].second: seconds/monthly.py defines no",
        ),
        (
            "testing",
            lambda o, f: written(f / "seconds/monthly.py", "__WHEN__", "__WHERE__"),
            "operations[0].second: '__WHERE__' stands for no",
        ),
        (
            "testing",
            lambda o, f: o.update(faults=[x for x in o["faults"] if "into" in x]),
            "operations[0].faults: all faults lie in the same version",
        ),
        ("testing", lambda o, f: o["demands"].pop("order"), "operations[0].faults[1].name: no demand speaks of 'as-they-come'"),
        ("testing", lambda o, f: written(f / "solutions/monthly.py", "def test_years", "def test_year"), ": has no test_years"),
        ("testing", lambda o, f: written(f / "solutions/monthly.py", "import unittest", "import ("), ": not Python"),
    ],
)
def test_a_mistake_is_told_at_its_place(skill: str, edit: Edit, expected: str, tmp_path: Path) -> None:
    problems = told(tmp_path, skill, 0, edit)
    assert any(expected in problem for problem in problems), problems
