"""Small records for tests: a task, a verifier and a solution made of the few parts a test cares about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from specs.records import Check, Limits, Protected, Solution, Step, Task, Verifier, Weights, file_of, sealed

# Params of a table check: out.csv is to hold the column `a` with 1 and 2.
TWO_ROWS: dict[str, Any] = {
    "path": "out.csv",
    "format": "csv",
    "columns": [{"name": "a", "type": "integer"}],
    "rows": [["1"], ["2"]],
    "ordered": False,
    "iso_dates": False,
}


def task(
    files: dict[str, bytes | str],
    instruction: str = "Do it.",
    outputs: Iterable[str] = ("out.csv",),
    identity: str = "0a1b2c3d4e5f",
    **fields: Any,
) -> Task:
    """A task whose workspace holds `files` (path to content)."""
    workspace = tuple(file_of(p, c.encode() if isinstance(c, str) else c) for p, c in sorted(files.items()))
    values: dict[str, Any] = {
        "route": "persona",
        "split": "train",
        "category": "Analysis & Reasoning",
        "subcategory": "data analysis and calculation",
        "operations": ("ledger.total",),
        "skills": ("ledger",),
        "persona": "someone",
        "scenario": "somewhere",
        "domain": "expenses",
        "difficulty": 2,
        "chained": False,
        "services": (),
        "limits": Limits(steps=12, seconds=120, tokens=4096),
    } | fields
    return sealed(Task(id=identity, digest="", instruction=instruction, workspace=workspace, outputs=tuple(outputs), **values))


def verifier(checks: Iterable[dict[str, Any]], identity: str = "0a1b2c3d4e5f", protected: Iterable[Protected] = ()) -> Verifier:
    """A verifier of checks given as {kind, params, weight?, id?, demand?}."""
    made = tuple(
        Check(c.get("id", f"check-{n}"), c["kind"], c["params"], float(c.get("weight", 1)), c.get("demand", "ledger.total"))
        for n, c in enumerate(checks)
    )
    return sealed(Verifier(identity, "", made, (), Weights(1.0, 0.0), tuple(protected)))


def solution(steps: Iterable[tuple[str, dict[str, Any], str]], identity: str = "0a1b2c3d4e5f") -> Solution:
    """A solution of (tool, arguments, says)."""
    return sealed(Solution(identity, "", tuple(Step(*s) for s in steps)))
