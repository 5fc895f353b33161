"""Inputs cut to half with answers made to fit them: made by the solution itself, kept only where it ran cleanly and came to something else."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3

import making
import pytest

from sandbox.box import open_box
from sandbox.changes import apply_changes
from specs.records import Change, Task, file_of
from verifiers import tampering

needs_box = pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
SUM = "python3 -c \"print(sum(int(n) for n in open('in.csv').read().split()[1:]))\" > out.txt && mkdir -p made"
STEPS = [("exec", {"command": "cat missing.txt"}, "Looking."), ("exec", {"command": SUM}, "Adding.")]


def database(*rows: int) -> bytes:
    base = sqlite3.connect(":memory:")
    base.execute('CREATE TABLE "odd ""name" (n)')
    base.executemany('INSERT INTO "odd ""name" VALUES (?)', [(r,) for r in rows])
    base.commit()
    return base.serialize()


@pytest.mark.parametrize(
    ("name", "content", "half"),
    [
        ("a.csv", b"x\n1\n2\n3\n", b"x\n1\n2\n"),
        ("a.jsonl", b'{"x":1}\n{"x":2}\n', b'{"x":1}\n'),
        ("a.log", b"one\ntwo\nthree\n", b"one\ntwo\n"),
        ("a.md", b"| x |\n|---|\n| 1 |\n| 2 |\n", b"| x |\n|---|\n| 1 |\n"),
        ("a.csv", b"x\n1\n", b"x\n1\n"),
        ("a.py", b"x = 1\ny = 2\n", b"x = 1\ny = 2\n"),
        ("a.csv", b"\xff\xfe", b"\xff\xfe"),
    ],
)
def test_half_of_the_rows_stay(name: str, content: bytes, half: bytes) -> None:
    assert tampering.halved(file_of(name, content)).content == half


def test_half_of_a_list_and_of_a_database_stay() -> None:
    cut = tampering.halved(file_of("a.json", json.dumps([{"x": n} for n in range(5)]).encode()))
    assert json.load(io.BytesIO(cut.content)) == [{"x": 0}, {"x": 1}, {"x": 2}]
    base = sqlite3.connect(":memory:")
    base.deserialize(tampering.halved(file_of("a.db", database(7, 8, 9, 10))).content)
    assert base.execute('SELECT n FROM "odd ""name"').fetchall() == [(7,), (8,)]


def fitted(task: Task, command: str, right: str) -> tuple[Change, ...] | None:
    outcome = apply_changes((), [c for c in (made("out.txt", right),)])
    steps = [STEPS[0], ("exec", {"command": command}, "")]
    return tampering.fitted(task, making.solution(steps), tuple(outcome.values()), open_box)


def made(path: str, text: str) -> Change:
    return Change(path, "file", 0o644, len(text), file_of(path, text.encode()).digest, text.encode())


TASK = making.task({"in.csv": "n\n1\n2\n3\n4\n"}, outputs=("out.txt",))


@needs_box
def test_the_answer_fits_the_tampered_input_and_both_are_in_the_outcome() -> None:
    changes = fitted(TASK, SUM.replace("mkdir -p made", "true # mkdir"), "10\n")
    assert changes is not None
    assert {c.path: c.content for c in changes} == {"in.csv": b"n\n1\n2\n", "out.txt": b"3\n"}


@needs_box
@pytest.mark.parametrize(
    ("command", "right"),
    [
        (SUM.replace("mkdir -p made", "mkdir"), "10\n"),  # it fails
        ("mkdir x; echo 10 > out.txt; rmdir x", "10\n"),  # the right answer all the same
        ("mkdir x; rmdir x", "10\n"),  # no answer
        ("mkdir x; rmdir x; printf '2\\n1\\n' > out.txt", "1\n2\n"),  # the right lines in another order
    ],
)
def test_what_is_not_cleanly_made_or_right_is_no_mutant(command: str, right: str) -> None:
    assert fitted(TASK, command, right) is None


def test_nothing_is_run_where_nothing_can_be_cut() -> None:
    task = making.task({"m.py": "x = 1\n"})
    assert tampering.fitted(task, making.solution(STEPS), (), lambda *_, **__: pytest.fail("a box was opened")) is None
