"""What each kind of noise does to a file, and what somebody reads there who overlooks it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from generators.relations import Column, Relation, Row, Value
from generators.renderers import PLAIN, Style
from generators.renderers.entries import COMMENT, COMMENTS, TOTAL, VOID, in_capitals, struck, suffixed, sums

TYPED = ("csv", "tsv", "md", "html", "txt")  # formats in which numbers and dates are what somebody typed
STYLES: dict[str, dict[str, Any]] = {
    "day-first": {"dates": "day-first"},
    "long-dates": {"dates": "long"},
    "thousands": {"numbers": "thousands"},
    "decimal-comma": {"numbers": "comma"},
    "unit-suffix": {"units": True},
    "mixed-capitals": {"capitals": True},
    "total-line": {"total_line": True},
    "struck-rows": {"struck": True},
    "repeated-header": {"repeated_header": True},
    "comment-lines": {"comments": True},
}
WHERE: dict[str, tuple[str, ...]] = {  # formats that are written with the noise, and read in spite of it
    "day-first": TYPED,
    "long-dates": TYPED,
    "thousands": TYPED,
    "decimal-comma": TYPED,
    "unit-suffix": (*TYPED, "xml"),
    "mixed-capitals": (*TYPED, "xlsx"),
    "total-line": ("csv", "tsv", "md", "html", "xlsx"),
    "struck-rows": (*TYPED, "xlsx"),
    "repeated-header": ("csv", "tsv", "md", "xlsx"),
    "comment-lines": ("csv", "tsv", "txt"),
}


def style_of(kinds: Iterable[str]) -> Style:
    """How a file with these kinds of noise is written."""
    fields = {name: value for kind in kinds for name, value in STYLES[kind].items()}
    return Style(**fields) if fields else PLAIN


def clash(kind: str, others: Iterable[str]) -> bool:
    """Whether the kind writes the same thing in another way than one of the others."""
    return any(set(STYLES[kind]) & set(STYLES[other]) for other in others)


def misread(kind: str, relation: Relation) -> Relation | None:
    """The relation as somebody reads it who overlooks the noise; None where a file of it can't have such noise."""
    rows = MISREAD[kind](relation) if _keys_are_plain(relation) else None
    return None if rows is None or list(rows) == list(relation.rows) else relation.with_rows(rows)


def _keys_are_plain(relation: Relation) -> bool:
    """No key looks like what noise puts into the column of keys."""
    key = relation.column("key")
    taken = [] if key is None else [TOTAL, key.name]
    return key is None or not any(v in taken or str(v).startswith((COMMENT, VOID)) for v in relation.values(key.name))


def _each(relation: Relation, change: Callable[[Value, Column], Value]) -> list[Row]:
    return [tuple(change(v, c) for v, c in zip(row, relation.columns, strict=True)) for row in relation.rows]


def _line(relation: Relation, value: Callable[[int, Column], Value]) -> Row:
    return tuple(value(i, c) for i, c in enumerate(relation.columns))


def _month_first(relation: Relation) -> list[Row]:
    """Dates read with the month first, where that is a date."""
    return _each(relation, lambda v, c: _flipped(v) if c.role == "when" else v)


def _flipped(value: Value) -> Value:
    if not isinstance(value, date) or isinstance(value, datetime) or value.day > 12:
        return value
    return date(value.year, value.day, value.month)


def _no_dates(relation: Relation) -> list[Row]:
    """Dates that a program does not know as such, and leaves out."""
    return _each(relation, lambda v, c: None if c.role == "when" else v)


def _to_the_comma(relation: Relation) -> list[Row]:
    """1,234.50 read as 1."""
    return _each(relation, lambda v, c: Decimal(int(v / 1000)) if isinstance(v, Decimal) and abs(v) >= 1000 else v)


def _comma_dropped(relation: Relation) -> list[Row]:
    """12,50 read as 1250."""
    return _each(relation, lambda v, c: v.scaleb(c.decimals) if isinstance(v, Decimal) else v)


def _no_numbers(relation: Relation) -> list[Row] | None:
    """12.50 EUR, which a program does not know as a number, and leaves out; None where the sentence would have to name several columns."""
    measures = [c for c in relation.columns if c.role == "measure"]
    if len(measures) != 1 or not suffixed(measures[0]):
        return None
    return _each(relation, lambda v, c: None if suffixed(c) else v)


def _as_typed(relation: Relation) -> list[Row] | None:
    """States told apart by their capitals; None where small letters don't bring them back, or the sentence would have to name several."""
    columns = [c for c in relation.columns if c.role == "state"]
    states = [v for c in columns for v in relation.values(c.name)]
    plain = all(isinstance(v, str) and all(form.lower() == v for form in (v, v.upper(), v.capitalize())) for v in states)
    return in_capitals(relation) if plain and len(columns) == 1 else None


def _with_total(relation: Relation) -> list[Row] | None:
    """The line of sums read as a row."""
    if not relation.column("key") or not relation.column("measure"):
        return None
    return [*relation.rows, sums(relation)]


def _with_struck(relation: Relation) -> list[Row]:
    """Struck rows read as rows."""
    return [*relation.rows, *(row for _, row in struck(relation))]


def _with_header(relation: Relation) -> list[Row] | None:
    """The header in the middle read as a row: names where there is text, nothing where a number or a date should be."""
    if not relation.column("key"):
        return None
    return [*relation.rows, _line(relation, lambda i, c: c.name if c.kind == "text" else None)]


def _with_comments(relation: Relation) -> list[Row] | None:
    """Comment lines read as rows with nothing but a key."""
    if relation.columns[0].role != "key":
        return None
    return [*relation.rows, *(_line(relation, lambda i, c, note=note: None if i else note) for note in COMMENTS)]  # type: ignore[misc]


MISREAD: dict[str, Callable[[Relation], list[Row] | None]] = {
    "day-first": _month_first,
    "long-dates": _no_dates,
    "thousands": _to_the_comma,
    "decimal-comma": _comma_dropped,
    "unit-suffix": _no_numbers,
    "mixed-capitals": _as_typed,
    "total-line": _with_total,
    "struck-rows": _with_struck,
    "repeated-header": _with_header,
    "comment-lines": _with_comments,
}
