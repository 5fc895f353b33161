"""Tables: laws over any relation and the renderers that write the workspaces."""

from __future__ import annotations

import dataclasses
import unicodedata
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import checking
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.relations import Column, Relation, written
from generators.renderers import Style, tables

TEXT = (
    st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\u2028\u2029\x85\ufeff"), min_size=1, max_size=12)
    .map(str.strip)
    .filter(bool)
)
VALUES = {
    "text": TEXT,
    "when": st.dates(date(1990, 1, 1), date(2060, 1, 1)),
    "at": st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)).map(lambda t: t.replace(second=0, microsecond=0)),
    "measure": st.decimals(-(10**7), 10**7, places=2),
    "span": st.integers(-(10**6), 10**6),
}


@st.composite
def relations(draw: Any) -> Relation:
    roles = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=2, max_size=5))
    columns = tuple(Column(f"c{i}", role, decimals=2 if role == "measure" else 0) for i, role in enumerate(roles))
    cells = st.tuples(*(st.none() | VALUES[c.role] if n else VALUES[c.role] for n, c in enumerate(columns)))
    return Relation("r", "row", "rows", columns, tuple(draw(st.lists(cells, min_size=1, max_size=6))))


@st.composite
def styles(draw: Any) -> Style:
    flags = {
        f: draw(st.booleans()) for f in ("quote_all", "trim_zeros", "reverse_columns", "upper_header", "wrapped", "trailing_blank", "bom")
    }
    return Style(
        numbers=draw(st.sampled_from(["plain", "thousands"])),
        eol=draw(st.sampled_from(["\n", "\r\n"])),
        dates=draw(st.sampled_from(["iso", "day-first", "slashes", "long"])),
        indent=draw(st.sampled_from([None, 2])),
        **flags,
    )


def params_of(relation: Relation, form: str) -> dict[str, Any]:
    columns = [{"name": c.name, "type": c.kind, "decimals": c.decimals} for c in relation.columns]
    rows = [[written(v, c) for v, c in zip(row, relation.columns, strict=True)] for row in relation.rows]
    return {"path": "o", "format": form, "columns": columns, "rows": rows, "ordered": False, "iso_dates": False}


@settings(max_examples=150, deadline=None)
@given(relations(), styles(), st.sampled_from(tables.FORMATS), st.randoms())
def test_any_rendering_of_the_rows_passes(relation: Relation, style: Style, form: str, random: Any) -> None:
    rows = list(relation.rows)
    random.shuffle(rows)
    shuffled = relation.with_rows(rows)
    assert checking.check("table", params_of(relation, form), {}, {"o": tables.render(shuffled, form, style)}) == 1


@settings(max_examples=150, deadline=None)
@given(relations(), st.sampled_from(tables.FORMATS), st.data())
def test_any_other_cell_fails(relation: Relation, form: str, data: Any) -> None:
    at, where = data.draw(st.integers(0, len(relation.rows) - 1)), data.draw(st.integers(0, len(relation.columns) - 1))
    column, old = relation.columns[where], relation.rows[at][where]
    new = data.draw((st.none() | VALUES[column.role]).filter(lambda v: v != old and not (where == 0 and v is None)))
    if isinstance(new, Decimal) and isinstance(old, Decimal) and new == old:
        return
    rows = [list(row) for row in relation.rows]
    rows[at][where] = new
    changed = dataclasses.replace(relation, rows=tuple(map(tuple, rows)))
    if _same_text(written(old, column), written(new, column)):
        return
    assert checking.check("table", params_of(relation, form), {}, {"o": tables.render(changed, form)}) <= 0.5


def _same_text(one: str | None, other: str | None) -> bool:
    return unicodedata.normalize("NFC", one or "") == unicodedata.normalize("NFC", other or "")
