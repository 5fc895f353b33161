"""Files that move while others stay: what is expected, and which wrong outcomes are tried."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from generators import task
from generators.artifacts import Artifact, files
from generators.operate import Unfit
from generators.plan import plans
from generators.relations import Column, Relation
from generators.task import Built
from specs import catalogue
from specs.catalogue import Catalogue

ROOT = Path(__file__).parent.parent
COLUMNS = (Column("path", "path"), Column("to", "path"))
ARTIFACT = Artifact("files", "in", "files", ("path", "to"), {"in/a.txt": b"a\n", "in/b.txt": b"b\n", "in/c.txt": b"c\n"})


@functools.cache
def specs() -> Catalogue:
    return catalogue.load(ROOT)


def moved(**places: str) -> Relation:
    return Relation("m", "file", "files", COLUMNS, tuple((f"{old}.txt", new) for old, new in places.items()))


def test_a_file_that_stays_is_expected_where_it_is_and_need_not_be_gone() -> None:
    check = files.check(ARTIFACT, moved(a="a.txt", b="old/b.txt", c="old/c.txt"))
    assert [e["path"] for e in check["expect"]] == ["in/a.txt", "in/old/b.txt", "in/old/c.txt"]
    assert check["gone"] == ["in/b.txt", "in/c.txt"]


def test_what_is_left_behind_by_a_mutant_is_a_file_that_should_have_moved() -> None:
    """Not the first file, which stays: that outcome would be the right one."""
    answer = moved(a="a.txt", b="old/b.txt", c="old/c.txt")
    right = {(c.path, c.type) for c in files.changes(ARTIFACT, answer)} - {("in/a.txt", "file")}
    for shape in files.shapes(ARTIFACT, answer).values():
        wrong = {(c.path, c.type, c.digest) for c in shape}
        assert wrong != {(c.path, c.type, c.digest) for c in files.changes(ARTIFACT, answer) if c.path != "in/a.txt"}
    left = {(c.path, c.type) for c in files.shapes(ARTIFACT, answer)["one-left"]}
    assert right - left == {("in/b.txt", "deleted"), ("in/old/b.txt", "file")}


def test_where_no_file_moves_there_is_no_task() -> None:
    with pytest.raises(Unfit):
        files.shapes(ARTIFACT, moved(a="a.txt", b="b.txt"))


def test_the_words_know_whether_some_stay() -> None:
    assert files.words(ARTIFACT, moved(a="a.txt", b="old/b.txt")) == {"partly": True}
    assert files.words(ARTIFACT, moved(a="x/a.txt", b="x/b.txt")) == {"partly": False}


def test_what_is_changed_in_place_is_never_an_earlier_steps_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of the whole folder move, whatever list of them was made before."""
    monkeypatch.chdir(ROOT)
    found = next(
        p for p in plans(specs(), 1.0, 0.3) if len(p.operations) > 2 and p.operations[-1].startswith("tidy.") and _moves(p.operations[-1])
    )
    made = task.build(specs(), found, 7, {})
    assert isinstance(made, Built), made
    check = next(c for c in made.verifier.checks if c.kind == "files")
    under = check.params["under"]
    there = [f.path for f in made.task.workspace if f.path.startswith(f"{under}/")]
    assert len(check.params["expect"]) == len(there) > 0


def _moves(operation: str) -> bool:
    return bool(specs().operation(operation).spec["yields"]["as"] == "files")
