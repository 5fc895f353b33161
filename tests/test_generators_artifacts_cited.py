"""Citations: a cited line is the line of the original file, to readers, to the checks and to the solution."""

from __future__ import annotations

import dataclasses
import functools
import re
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators import rendering, task
from generators.artifacts import Artifact, cited
from generators.operate import Unfit
from generators.plan import Plan, plans
from generators.relations import Column, Relation
from generators.renderers import lines
from generators.scripts import Source
from generators.task import Built
from generators.workspace import Written
from sandbox.box import open_box
from specs import catalogue
from specs.catalogue import Catalogue
from specs.records import Check
from verifiers import audit
from verifiers.cases import Case

ROOT = Path(__file__).parent.parent
COLUMNS = (Column("at", "at"), Column("id", "key"), Column("unit", "group"), Column("text", "text"))
SPEC: dict[str, Any] = {
    "line": "{at} {id} [{unit}] {text}",
    "filler": ["Somebody sighed.", "The soup was praised.", "Nobody had brought a pen."],
    "columns": {c.name: {"role": c.role} for c in COLUMNS},
}
needs_box = pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")


@functools.cache
def specs() -> Catalogue:
    return catalogue.load(ROOT)


def operations_of(plan: Plan) -> Iterator[str]:
    return (o for o in plan.operations if specs().operation(o).spec["yields"]["as"] == "cited")


@functools.cache
def built(operation: str) -> Built:
    """A task in which the operation cites what an earlier step has left."""
    plan = next(p for p in plans(specs(), 1.0, 0.3) if len(p.operations) > 2 and operation in operations_of(p))
    made = task.build(specs(), plan, 7, {})
    assert isinstance(made, Built), made
    return made


def check_of(made: Built) -> Check:
    """The check of the cited table: the one that has lines."""
    return next(c for c in made.verifier.checks if any(column["name"] == "file" for column in c.params.get("columns", ())))


def relation(minutes: list[int]) -> Relation:
    rows = tuple((datetime(2026, 3, 1, m // 60, m % 60), f"r{i:04}", "east", "pump ran dry") for i, m in enumerate(minutes))
    return Relation("log", "line", "lines", COLUMNS, rows, root="log")


@pytest.mark.parametrize("form", lines.FORMATS)
@given(minutes=st.lists(st.integers(0, 600), min_size=1, max_size=30), seed=st.text("abc", max_size=3))
@settings(deadline=None, max_examples=60)
def test_a_numbered_line_is_the_line_that_a_reader_finds(form: str, minutes: list[int], seed: str) -> None:
    """Whatever the order, the headings and the talk in between."""
    drawn = relation(minutes)
    written = rendering.content_of(drawn, SPEC, form, seed).decode().split("\n")
    numbers = lines.numbers(drawn, SPEC, form, seed)
    assert set(numbers) == set(drawn.values("id"))
    for key, number in numbers.items():
        found = re.match(lines.expression(SPEC["line"]), written[number - 1])
        assert found and found["id"] == key


@pytest.mark.parametrize("operation", ["citing.find", "citing.first"])
def test_what_is_expected_stands_on_the_original_files_lines(operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the rows come from a shorter list: `line` goes with the only key, `first_line` with the first of two."""
    monkeypatch.chdir(ROOT)
    made = built(operation)
    check = check_of(made)
    files = {f.path: f.content.decode().split("\n") for f in made.task.workspace if f.path.endswith((".log", ".md"))}
    names = [c["name"] for c in check.params["columns"]]
    keys = [n for n in names if n.startswith(("first_", "last_")) and not n.endswith("_line")]
    seen = 0
    for row in check.params["rows"]:
        values = dict(zip(names, row, strict=True))
        pairs = [(values[k], values[f"{k.partition('_')[0]}_line"]) for k in keys] or [(None, values["line"])]
        for key, number in pairs:
            text = files[values["file"]][int(number) - 1]
            wanted = [key] if key else [v for n, v in values.items() if n not in ("line", "file") and "T" not in v]
            assert all(value in text for value in wanted), (text, values)
            seen += 1
    assert seen and f"`{check.params['rows'][0][names.index('file')]}`" in made.task.instruction


@needs_box
@pytest.mark.parametrize("operation", ["citing.find", "citing.first"])
def test_the_solution_cites_right_and_all_else_fails(operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines from 0, the line below, positions in the result and the bare name are graded among the mutants."""
    monkeypatch.chdir(ROOT)
    made = built(operation)
    card = audit.audit(Case(made.task, made.verifier, made.solution, made.candidates.candidates), open_box)
    assert (card.rejected, card.solution, card.untouched) == ("", 1.0, 0.0)
    scores = {m.kind: m.score for m in card.mutants}
    assert {"zero-based", "next-line", "own-lines", "bare-name", "drop-column"} <= set(scores)
    assert all(score < 1 for score in scores.values())


def artifact(form: str = "csv", path: str = "logs/app.log", columns: tuple[str, ...] = ("at", "key", "group", "text")) -> Artifact:
    places = {"r0000": (path, 3), "r0001": (path, 9), "x0001": ("old/app.log", 4)}
    details = {"places": places, "path": path, "pattern": SPEC["line"], "key": "id"}
    return Artifact("cited", f"out/found.{form}", form, columns, details=details)


def test_a_row_of_the_outdated_twin_cites_the_twin() -> None:
    """So the answer of somebody who took the wrong file has that file's places; what stands nowhere has none."""
    drawn = relation([5, 6])
    other = drawn.with_rows([(row[0], key, *row[2:]) for row, key in zip(drawn.rows, ("x0001", "y0001"), strict=True)])
    assert [row[-2:] for row in cited.cited(artifact(), drawn).rows] == [(3, "logs/app.log"), (9, "logs/app.log")]
    assert [row[-2:] for row in cited.cited(artifact(), other).rows] == [(4, "old/app.log"), (None, None)]


def test_a_path_without_a_folder_has_no_bare_name() -> None:
    """Else the mutant would be the right answer."""
    assert "bare-name" in cited.shapes(artifact(), relation([5, 6]))
    assert "bare-name" not in cited.shapes(artifact(path="app.log"), relation([5, 6]))


def test_columns_of_the_rows_can_not_be_called_like_the_citation() -> None:
    written = Written({}, {"log": Source("app.log", "log", SPEC)}, {}, {"log": {"r0000": ("app.log", 1)}})
    drawn = relation([5])
    assert cited.details(drawn, written, "log")["key"] == "id"
    for name in ("line", "file"):
        columns = (*drawn.columns[:-1], Column(name, "text"))
        with pytest.raises(Unfit):
            cited.details(dataclasses.replace(drawn, columns=columns), written, "log")
    with pytest.raises(Unfit):
        cited.details(dataclasses.replace(drawn, columns=drawn.columns[:1], rows=((drawn.rows[0][0],),)), written, "log")
