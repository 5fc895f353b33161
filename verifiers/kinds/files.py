"""Files of a folder: each with its content where it belongs, what was moved gone from where it lay, nothing besides."""

from __future__ import annotations

from typing import Any

from verifiers.snapshot import View, given

INEXACT = 0.5


def check(params: dict[str, Any], view: View) -> tuple[float, str]:
    """1.0 when all places are right; else at most 0.5, by the share of due changes made."""
    before = given(view.task)
    expected = {e["path"]: e["digest"] for e in params["expect"]}
    astray = [p for p, digest in expected.items() if view.digest(p) != digest]
    left = [p for p in params["gone"] if p in view.entries or view.files(p)]
    extra = _extra(params, view, before, expected) if params["only"] else []
    if not astray and not left and not extra:
        return 1.0, ""
    due = [p for p, digest in expected.items() if before.get(p) != digest]
    leaving = [p for p in params["gone"] if p in before]
    lost = {expected[p] for p in astray}  # a file that has gone and come nowhere is no half of a move
    made = len(set(due).difference(astray)) + sum(p not in left and before[p] not in lost for p in leaving)
    spoiled = len(set(astray).difference(due)) + len(extra)
    return INEXACT * made / (len(due) + len(leaving) + spoiled or 1), _why(astray, left, extra)


def _extra(params: dict[str, Any], view: View, before: dict[str, str], expected: dict[str, str]) -> list[str]:
    """Paths under the folder that are new, or whose content is, and that nobody asked for."""
    there = [p for p in view.files(params["under"]) if p not in expected and p not in params["gone"]]
    return [p for p in there if before.get(p) is None or view.digest(p) != before[p]]


def _why(astray: list[str], left: list[str], extra: list[str]) -> str:
    parts = [
        (astray, "not there with its content"),
        (left, "still there"),
        (extra, "there though nobody asked for it"),
    ]
    return "; ".join(f"{paths[0]} is {what}" + (f" ({len(paths)} such)" if len(paths) > 1 else "") for paths, what in parts if paths)
