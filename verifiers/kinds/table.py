"""A table in a file: exactly the columns, the rows by value, their order where it counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

from verifiers import reading, tables
from verifiers.reading import Unlike, shown
from verifiers.snapshot import Unreadable, View

Cells = tuple[Hashable, ...]
INEXACT = 0.5


def check(params: dict[str, Any], view: View) -> tuple[float, str]:
    """1.0 for the expected rows; at most 0.5, by the share of rows that are right, for others; 0 for other columns or another format."""
    path = params["path"]
    try:
        table = tables.read(view.read(path), params["format"])
        order = _order([c["name"] for c in params["columns"]], table.header)
    except Unreadable as error:
        return 0.0, f"{path}: {error}"
    kinds = [reading.kind_of(c, params["iso_dates"]) for c in params["columns"]]
    expected = _cells(params["rows"], range(len(kinds)), kinds)
    if any(isinstance(cell, Unlike) for row in expected for cell in row):
        raise ValueError(f"the expected rows of {path} do not fit their columns' types")
    got = _cells(table.rows, order, kinds)
    return _compared(path, expected, got, params["ordered"], view)


def _order(names: list[str], header: tuple[str, ...]) -> list[int]:
    """Where each column stands. Raises Unreadable unless the header has exactly these, in any order and case."""
    folded = [reading.plain(h).casefold() for h in header]
    wanted = [reading.plain(n).casefold() for n in names]
    if sorted(folded) != sorted(wanted):
        raise Unreadable(f"its columns are {shown(', '.join(header))}, not {shown(', '.join(names))}")
    return [folded.index(n) for n in wanted]


def _cells(rows: Sequence[Sequence[str | None]], order: Sequence[int], kinds: Sequence[reading.Kind]) -> list[Cells]:
    """The rows' values, a column of each kind after the other, from where it stands."""
    columns = [reading.values([row[i] for row in rows], kind) for i, kind in zip(order, kinds, strict=True)]
    return list(zip(*columns, strict=True))


def _compared(path: str, expected: list[Cells], got: list[Cells], ordered: bool, view: View) -> tuple[float, str]:
    common = sum((Counter(expected) & Counter(got)).values())
    most = max(len(expected), len(got))
    if common == most and (expected == got or not ordered):
        return 1.0, ""
    share = INEXACT * common / most if view.touched(path) else 0.0
    if common == most:
        return share, f"{path}: the rows are right, their order is not"
    wrong = next(iter((Counter(got) - Counter(expected)).elements()), None)
    first = f"; the first wrong one is {shown(tuple(map(str, wrong)))}" if wrong else ""
    return share, f"{path}: {common} of {len(expected)} rows are right among {len(got)}{first}"
