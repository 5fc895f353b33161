"""What comes of a plan comes out of its package as it went in."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from generators import outcomes
from generators.rewriting.records import Wording
from specs import rows
from specs.records import Candidate as One
from specs.records import Candidates, Change, Limits, Provenance, Solution, Task, Verifier, Weights, change_of

CONTENTS = st.lists(st.binary(max_size=200), max_size=4)


def outcome_of(text: str, contents: list[bytes]) -> dict[str, Any]:
    """An outcome whose parts are rows."""
    changes: tuple[Change, ...] = tuple(change_of(f"f{n}.txt", content, 0o644) for n, content in enumerate(contents))
    task = Task(
        id="t1", digest="d", route="persona", split="train", category="c", subcategory="s", operations=("a.b",), skills=("a",), persona="p",
        scenario="s", domain="d", difficulty=1, chained=False, instruction=text, workspace=(), services=(), outputs=("out.csv",),
        limits=Limits(1, 1, 1),
    )  # fmt: skip
    parts = {
        "task": task,
        "verifier": Verifier("t1", "d", (), (), Weights(1.0, 0.0), ()),
        "solution": Solution("t1", "d", ()),
        "provenance": Provenance("t1", (), text, {"libraries": {text: "1"}}, "compiled"),
        "candidates": Candidates("t1", (One("t1", "echo", "", False, changes),)),
        "wording": Wording("t1", "p", "s", text, "", (text,), "", (), ()),
    }
    return {name: rows.to_row(part) for name, part in parts.items()}


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), CONTENTS)
def test_a_part_is_unpacked_as_it_was_packed(text: str, contents: list[bytes]) -> None:
    outcome = outcome_of(text, contents)
    packed = outcomes.packed(outcome)
    assert packed["id"] == "t1"
    assert {name: outcomes.row(packed, name) for name in outcome} == outcome
    assert {name: rows.to_row(outcomes.record(packed, cls)) for name, _, cls in outcomes.PARTS} == outcome


def test_a_rejection_and_who_worded_it_are_left_as_they_are() -> None:
    rejected = {"rejected": {"id": "t1", "operations": ["a.b"], "reason": "no such role"}}
    assert outcomes.packed(rejected) == rejected
    assert outcomes.packed(outcome_of("x", []) | {"worded": {"how": "by hand"}})["worded"] == {"how": "by hand"}
