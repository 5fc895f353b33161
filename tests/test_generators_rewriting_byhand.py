"""Wordings by hand: an entry that fits passes, every mistake is told at its line, and words for another instruction are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import rewording_making as made
import tinyspecs
import yaml

from generators.rewriting import byhand, gate
from specs import catalogue, located, shape, validate
from specs.catalogue import Spec
from specs.errors import Problem

WORDING = made.wording()
GOOD = made.reworded()
PATH = "specs/wordings/ada.yaml"


def text(**changes: object) -> str:
    entry = {
        "task": WORDING.id,
        "compiled": WORDING.digest[:12],
        "opening": GOOD.opening,
        "steps": list(GOOD.steps),
        "closing": GOOD.closing,
        "quotes": dict(GOOD.quotes),
        **changes,
    }
    return yaml.safe_dump({"rewordings": [entry]}, sort_keys=False, allow_unicode=True, width=1000)


def problems(root: Path, written: str) -> list[Problem]:
    (root / PATH).parent.mkdir(parents=True, exist_ok=True)
    (root / PATH).write_text(written, encoding="utf-8")
    entry = entry_of(root)
    return byhand.problems(entry, byhand.refusals(entry, WORDING), root)


def entry_of(root: Path) -> Spec:
    return catalogue.load(root).wordings[WORDING.id]


def line_of(written: str, part: str) -> int:
    return next(n for n, line in enumerate(written.splitlines(), 1) if part in line)


def test_an_entry_that_fits_has_no_problems(tmp_path: Path) -> None:
    assert problems(tinyspecs.tree(tmp_path), text()) == []
    entry = entry_of(tmp_path)
    assert byhand.rewording_of(entry) == GOOD and entry.ref.path == PATH and entry.ref.name == WORDING.id


def test_what_the_gate_refuses_is_told_at_its_line(tmp_path: Path) -> None:
    written = text(
        quotes={**GOOD.quotes, "1-table/form": "as a spreadsheet", "2-till.top/edge": "without that day"},
        closing=GOOD.closing.replace("50 words", "60 words"),
    )
    found = {(p.line, p.where, p.what) for p in problems(tinyspecs.tree(tmp_path), written)}
    form, edge = line_of(written, "1-table/form"), line_of(written, "2-till.top/edge")
    assert (form, "rewordings[0].quotes.1-table/form", "'1-table/form': the quote does not occur in step 1") in found
    assert (form, "rewordings[0].quotes.1-table/form", "'1-table/form': the quote lacks CSV, or has it in another order") in found
    assert (edge, "rewordings[0].quotes.2-till.top/edge", "'2-till.top/edge': the quote does not occur in step 2") in found
    assert {what for _, _, what in found} >= {"'50' is lost", "'60' was added"}


def test_an_unknown_demand_is_told_at_its_key_with_the_one_that_was_meant(tmp_path: Path) -> None:
    written = text(quotes={**GOOD.quotes, "1-tabel/form": "plain CSV"})
    (only,) = problems(tinyspecs.tree(tmp_path), written)
    assert only.line == line_of(written, "1-tabel/form") and only.hint == "did you mean '1-table/form'?"


def test_words_for_another_instruction_are_refused_at_the_digest(tmp_path: Path) -> None:
    """Whoever edits a saying is told which words by hand no longer stand for it."""
    written = text(compiled="0123456789ab")
    (only,) = problems(tinyspecs.tree(tmp_path), written)
    assert (only.line, only.where) == (line_of(written, "compiled:"), "rewordings[0].compiled")
    assert f"make reword ID={WORDING.id}" in only.hint


def test_the_printed_entry_is_valid_and_passes(tmp_path: Path) -> None:
    assert problems(tinyspecs.tree(tmp_path), byhand.template(WORDING)) == []
    assert byhand.rewording_of(entry_of(tmp_path)) == gate.compiled(WORDING)
    assert shape.check(located.load(tmp_path / PATH), "wordings")[0] == []


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (f"compiled: {WORDING.digest[:12]}", "compiled: abcd", "rewordings[0].compiled: 'abcd' is not written as it should be"),
        (f"task: {WORDING.id}", "task: 123456789012", "rewordings[0].task: '123456789012' is not text"),
        ("closing: ", "closing: 5 #", "rewordings[0].closing: '5' is not text"),
        ("  quotes:", "  quote:", "rewordings[0].quote: unknown key 'quote'; did you mean 'quotes'?"),
    ],
)
def test_validating_finds_mistakes_of_shape(tmp_path: Path, old: str, new: str, what: str) -> None:
    root = tinyspecs.tree(tmp_path)
    (root / PATH).parent.mkdir(parents=True)
    (root / PATH).write_text(text(), encoding="utf-8")
    tinyspecs.replace(root, PATH, old, new)
    (only,) = validate.validate(root)[1]
    assert what in str(only)


def test_a_task_is_reworded_once(tmp_path: Path) -> None:
    root = tinyspecs.tree(tmp_path)
    (root / PATH).parent.mkdir(parents=True)
    (root / PATH).write_text(text(), encoding="utf-8")
    assert validate.validate(root)[1] == []
    (root / "specs/wordings/bea.yaml").write_text(text(), encoding="utf-8")
    (only,) = validate.validate(root)[1]
    assert only.path == "specs/wordings/bea.yaml" and f"is reworded in {PATH} as well" in only.what
