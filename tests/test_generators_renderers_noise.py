"""Noise is read in spite of itself, and somebody who overlooks it reads something else."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from renderers_making import (
    COLUMNS,
    RELAXED,
    round_trip,
    rows_for,
    table,
)

from generators import misreading, rendering
from generators.relations import Column, Relation

PAIRS = [(kind, form) for kind, forms in misreading.WHERE.items() for form in forms]


@pytest.mark.parametrize(("kind", "form"), PAIRS)
@given(data=st.data())
@settings(max_examples=20, **RELAXED)
def test_noise_is_read_in_spite_of_it(kind, form, data, tmp_path):
    noisy(table(data.draw(rows_for(form))), form, (kind,), tmp_path)


@pytest.mark.parametrize("form", sorted({form for _, form in PAIRS}))
@given(data=st.data())
@settings(max_examples=40, **RELAXED)
def test_kinds_of_noise_may_meet(form, data, tmp_path):
    kinds: list[str] = []
    for kind in data.draw(st.permutations([k for k, f in PAIRS if f == form])):
        if not misreading.clash(kind, kinds):
            kinds.append(kind)
    noisy(table(data.draw(rows_for(form))), form, tuple(kinds), tmp_path)


def noisy(relation: Relation, form: str, kinds: tuple[str, ...], folder: Path) -> None:
    kinds = tuple(k for k in kinds if misreading.misread(k, relation) is not None)
    if rendering.holds(form, relation, {}):
        assert round_trip(relation, form, {}, folder, kinds)


@pytest.mark.parametrize("kind", misreading.MISREAD)
def test_somebody_who_overlooks_it_reads_something_else(kind):
    rows = [
        (f"EX-{n}", date(2026, 3, 9), "Ørsted", Decimal("1234.5"), Decimal(3), "open", datetime(2026, 3, 9, 14, 5), "x")
        for n in range(1, 8)
    ]
    relation = table(rows)
    if kind == "unit-suffix":  # which is for a relation with one measure only
        kept = [i for i, c in enumerate(COLUMNS) if c.role != "measure" or c.unit]
        relation = table([tuple(row[i] for i in kept) for row in rows], tuple(COLUMNS[i] for i in kept))
    read = misreading.misread(kind, relation)
    assert read is not None
    assert read.content != relation.content
    columns = (Column("ref", "text"), Column("note", "text"))
    assert misreading.misread(kind, table([("a", "b")], columns)) is None, "nothing there that it could touch"
