"""JSON as a program indents it."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from generators.relations import Column, Relation, Value
from generators.renderers import Style, tables

COLUMNS = (Column("no", "key"), Column('a "name" of ü', "text"), Column("price", "measure", 2), Column("minutes", "span"))
ROWS = st.lists(st.tuples(st.text(), st.none() | st.text(), st.none() | st.decimals(-99, 99, places=2), st.none() | st.integers(0, 600)))


@given(rows=ROWS, indent=st.none() | st.integers(0, 4), wrapped=st.booleans())
def test_it_is_indented_as_the_library_does(rows: list[tuple[Value, ...]], indent: int | None, wrapped: bool) -> None:
    relation = Relation("sales", "sale", "weekly sales", COLUMNS, tuple(rows))
    objects = [json.loads(line) for line in tables.render(relation, "jsonl").decode().split("\n") if line]
    expected = json.dumps({"weekly_sales": objects} if wrapped else objects, ensure_ascii=False, indent=indent)
    assert tables.render(relation, "json", Style(indent=indent, wrapped=wrapped)).decode() == expected + "\n"
