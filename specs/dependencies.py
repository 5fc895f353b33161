"""Columns that depend on others: on another column of their row (`by`, `after`, `product`, `only`), or on another relation (`joins`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specs import columns, hints
from specs.corpus import Entry
from specs.errors import Problem
from specs.located import Steps

FIGURES = ("measure", "level", "span")


def check(entry: Entry, steps: Steps, spec: dict[str, Any], relations: dict[str, Any]) -> Iterator[Problem]:
    """All problems of one relation's columns that name other columns or relations."""
    own = {name: how.get("role", "") for name, how in spec.get("columns", {}).items()}
    for name, how in spec.get("columns", {}).items():
        place = (*steps, "columns", name)
        yield from _joins(entry, place, how, steps[-1], relations)
        for where, other in _named(how):
            others = [c for c in own if c != name]
            if other not in others:
                yield entry.problem((*place, *where), f"unknown column '{other}'", hints.among(other, others))
            else:
                yield from _fitting(entry, (*place, *where), where, other, own[other], how, spec)
        if _circle(spec["columns"], name):
            yield entry.problem(place, f"'{name}' depends on itself", "let one of the columns stand alone", key=True)


def _named(how: dict[str, Any]) -> Iterator[tuple[Steps, str]]:
    """Where a column's entry names another column, and which."""
    draw = how.get("draw", {})
    for way in ("by", "after"):
        if way in draw:
            yield ("draw", way), draw[way]
    yield from ((("draw", "product", i), other) for i, other in enumerate(draw.get("product", [])))
    yield from ((("only", other), other) for other in how.get("only", {}))


def _joins(entry: Entry, place: Steps, how: dict[str, Any], own: str | int, relations: dict[str, Any]) -> Iterator[Problem]:
    if "joins" not in how:
        return
    others = [r for r in relations if r != own]
    parent = how["joins"]
    if parent not in others:
        yield entry.problem((*place, "joins"), f"unknown relation '{parent}'", hints.among(parent, others))
    elif "key" not in (columns.of(relations, parent) or {"": "key"}).values():
        yield entry.problem((*place, "joins"), f"'{parent}' has no key to refer to", "give it a column with the role key")


def _fitting(
    entry: Entry, place: Steps, where: Steps, other: str, role: str, how: dict[str, Any], spec: dict[str, Any]
) -> Iterator[Problem]:
    """Problems of the other column's role and values."""
    if where[1] == "after" and role not in ("when", ""):
        yield entry.problem(place, f"'{other}' has the role {role}; a date comes after a date")
    if where[1] == "product" and role not in (*FIGURES, ""):
        yield entry.problem(place, f"'{other}' has the role {role}, which can't be multiplied")
    draw = spec["columns"][other].get("draw", {})
    known = [str(v) for v in [*draw.get("pick", []), *draw.get("weigh", {})]]
    told = (
        how.get("draw", {}).get("of", {}) if where[1] == "by" else {str(v): None for v in how["only"][other]} if where[0] == "only" else {}
    )
    for value in told if known else {}:
        if str(value) not in known:
            yield entry.problem(place, f"'{other}' never is '{value}'", hints.among(str(value), known))


def _circle(own: dict[str, Any], name: str) -> bool:
    """Whether following the named columns leads back to `name`."""
    seen: set[str] = set()
    left = [other for _, other in _named(own[name])]
    while left:
        other = left.pop()
        if other == name:
            return True
        if other not in seen and other in own:
            seen.add(other)
            left += [more for _, more in _named(own[other])]
    return False
