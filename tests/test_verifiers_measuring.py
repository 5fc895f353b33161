"""Measuring many outcomes comes to what grading each of them comes to, in boxes that are used again; and it says what they concern."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import checking
import making
import pytest

from sandbox.box import Caps, open_box
from specs.records import Change, Protected, Task, Verifier
from verifiers import mutants
from verifiers.grade import grade, grade_view
from verifiers.kept import kept
from verifiers.measuring import Measuring

needs_box = pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
RIGHT = {"a.csv": "x\n1\n2\n", "b.csv": "y\nu\nv\n", "lib/m.py": "def f(n):\n    return n + 1\n", "box/1.txt": None, "box/d/1.txt": "one\n"}
GIVEN: dict[str, bytes | str] = {"in.csv": "x\n1\n", "lib/m.py": "def f(n):\n    return n\n", "box/1.txt": "one\n", "box/2.txt": "two\n"}


def rows(path: str, column: str, kind: str, *values: str) -> dict[str, Any]:
    return {
        "path": path,
        "format": "csv",
        "columns": [{"name": column, "type": kind}],
        "rows": [[v] for v in values],
        "ordered": False,
        "iso_dates": False,
    }


def subject() -> tuple[Task, Verifier, tuple[Change, ...]]:
    task = making.task(GIVEN, outputs=("a.csv", "b.csv", "lib/m.py", "box"))
    moved = [{"path": "box/d/1.txt", "digest": task.workspace[0].digest}, {"path": "box/2.txt", "digest": task.workspace[1].digest}]
    code = {"module": "lib/m.py", "function": "f", "cases": [{"args": [1], "expect": 2}], "tests": None, "workdir": ""}
    checks = [
        {"kind": "table", "params": rows("a.csv", "x", "integer", "1", "2"), "weight": 2},
        {"kind": "table", "params": rows("b.csv", "y", "text", "u", "v"), "weight": 0},
        {"kind": "code", "params": code | {"may_change": ["lib/m.py"], "under": "lib"}},
        {"kind": "files", "params": {"expect": moved, "gone": ["box/1.txt"], "under": "box", "only": True}},
    ]
    given = next(f for f in task.workspace if f.path == "in.csv")
    return task, making.verifier(checks, protected=[Protected("in.csv", given.digest)]), checking.changes(RIGHT)


@needs_box
def test_measuring_agrees_with_grading_on_every_mutant() -> None:
    task, verifier, right = subject()
    made = [mutants.Mutant("right", right), mutants.Mutant("untouched", ()), *mutants.generic(task, verifier, right)]
    with kept(open_box) as again:
        measuring = Measuring(task, verifier, right, again)
        found = [(m.kind, measuring(m.changes).score) for m in made]
    assert found == [(m.kind, grade(task, verifier, m.changes, open_box).score) for m in made]
    assert dict(found)["right"] == 1 and len(made) > 30


@needs_box
def test_what_a_mutant_concerns_is_what_takes_something_off() -> None:
    task, verifier, right = subject()
    measuring = Measuring(task, verifier, right, open_box)
    assert measuring(right).same
    half = measuring(checking.changes(RIGHT | {"a.csv": "x\n1\n3\n"}))
    assert (half.artifact, half.concerned, half.anew, half.same) == (0.25, ("table",), ("table",), False)
    assert half.score == 0.625  # 2 of 4 parts of the weight lose three quarters; the gate is passed
    otherwise = measuring(checking.changes(RIGHT | {"a.csv": "x\r\n2\r\n1\r\n"}))
    assert (otherwise.score, otherwise.artifact, otherwise.concerned, otherwise.same) == (1, 1, ("table",), False)
    touched = measuring(checking.changes(RIGHT | {"in.csv": "x\n"}))
    assert (touched.score, touched.artifact, touched.concerned, touched.anew) == (0, 0, ("protected",), ())
    written = measuring(checking.changes(RIGHT | {"in.csv": "x\n", "a.csv": "x\r\n2\r\n1\r\n"}))
    assert (written.score, written.artifact, written.concerned) == (0, 0, ("protected",))


def test_a_check_looks_once_at_what_it_has_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    task = making.task({"in.csv": "x\n1\n"})
    verifier = making.verifier([{"kind": "table", "params": rows(p, "x", "integer", "1")} for p in ("a.csv", "b.csv")])
    looked: list[int] = []

    def counted(*args: Any) -> Any:
        looked.append(len(args[1].checks))
        return grade_view(*args)

    monkeypatch.setattr("verifiers.measuring.grade_view", counted)
    measuring = Measuring(task, verifier, (), open_box)
    for after in ({"a.csv": "x\n1\n", "b.csv": "x\n1\n"}, {"a.csv": "x\n1\n", "b.csv": "x\n2\n"}, {"a.csv": "x\n1\n", "c": "z"}):
        measuring(checking.changes(after))
    assert looked == [2, 1, 1]


@needs_box
def test_a_kept_box_holds_nothing_of_the_run_before() -> None:
    files = making.task({"one.txt": "1"}).workspace
    others = making.task({"two.txt": "2"}).workspace
    with kept(open_box) as again:
        with again(files) as first:
            first.exec("mkdir -p .a/b && touch .a/b/c left.txt")
        with again(others) as second:
            assert second is first
            assert second.exec("find . -type f > /tmp/seen").status == 0
            assert second.read("/tmp/seen").split() == [b"./two.txt"]


@needs_box
def test_a_box_that_is_over_is_replaced() -> None:
    files = making.task({"one.txt": "1"}).workspace

    def small(*args: Any, **more: Any) -> Any:
        return open_box(*args, caps=Caps(disk_mb=2), **more)

    with kept(small) as again:
        with again(files) as first:
            first.close()
        with again(files) as second:
            assert second is not first
            assert second.read("one.txt") == b"1"


@pytest.mark.parametrize("schema", sorted(checking.KINDS.glob("*.schema.json")), ids=lambda p: p.name.split(".")[0])
def test_every_kind_of_check_names_its_place(schema: Path) -> None:
    """All that a check sees of an outcome is its params' `path` and what lies `under` a folder."""
    assert {"path", "under"} & set(json.loads(schema.read_text())["required"])
